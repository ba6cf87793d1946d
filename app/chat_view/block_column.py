"""Blocks one below the other: their places, what they stand in, and how all of it is painted."""

from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QColor, QFontMetricsF, QPainter

from app.chat_view.block_layout import BlockLayout
from app.chat_view.blocks import (
    Block,
    Code,
    Container,
    Content,
    LongText,
    Marker,
    Mathematics,
    Picture,
    Prose,
    Rule,
    Table,
)
from app.chat_view.code_layout import CodeLayout
from app.chat_view.formula_layout import FormulaLayout
from app.chat_view.long_text_layout import LongTextLayout
from app.chat_view.look import Look, Marks
from app.chat_view.picture_layout import PictureLayout
from app.chat_view.prose_layout import ProseLayout
from app.chat_view.rule_layout import RuleLayout
from app.chat_view.table_layout import TableLayout
from app.chat_view.token_blocks import DONE, NOT_DONE

PARAGRAPH_GAP, TIGHT_GAP, HEADING_GAP = 12.0, 4.0, 22.0
INDENTS = {"quote": 18, "bullet": 26, "ordered": 30, "footnote": 30}
BAR_WIDTH, BOX_SIZE = 3, 15
NARROWEST = 60.0  # a block keeps at least that width, however deep it stands


@dataclass(slots=True)
class _Placed:
    block: Block
    layout: BlockLayout
    left: float
    top: float


class BlockColumn:
    """Points are relative to the column's top left corner."""

    def __init__(self, look: Look, *, colour: str, is_plain: bool = False) -> None:
        self._look = look
        self._scaled = look.theme.scaled
        self._colour = colour
        self._is_plain = is_plain  # lines as they were typed: nothing between them
        self._width = 0.0
        self._placed: list[_Placed] = []

    def __len__(self) -> int:
        return len(self._placed)

    @property
    def height(self) -> float:
        """From the first block to the end of the last."""
        return self._placed[-1].top + self._placed[-1].layout.height if self._placed else 0.0

    @property
    def natural_width(self) -> float:
        """How wide the widest block would like to be."""
        return max((placed.left + placed.layout.natural_width for placed in self._placed), default=0.0)

    def block(self, number: int) -> Block:
        """A block."""
        return self._placed[number].block

    def layout(self, number: int) -> BlockLayout:
        """How a block is laid out."""
        return self._placed[number].layout

    def corner(self, number: int) -> QPointF:
        """Where a block's top left corner is."""
        return QPointF(self._placed[number].left, self._placed[number].top)

    def set_width(self, width: float) -> None:
        """Lay everything out to another width."""
        self.update([placed.block for placed in self._placed], 0, width)

    def update(self, blocks: Sequence[Block], same: int, width: float) -> float:
        """Keep the first `same` blocks, and take these after them.

        Returns the height above which nothing looks different.
        """
        self._width = width
        old = self._placed[same:]
        del self._placed[same:]
        for number, block in enumerate(blocks):
            left = min(self._indent(block.containers), max(width - NARROWEST, 0))
            before = old[number] if number < len(old) else None
            layout = self._layout_for(block.content, before)
            layout.lay_out(block.content, width - left)
            self._placed.append(_Placed(block, layout, left, 0.0))
        self._place_from(same)
        if same >= len(self._placed):
            return self.height
        first = self._placed[same]
        is_old = (
            bool(old)
            and old[0].layout is first.layout
            and old[0].top == first.top
            and (old[0].block.markers, old[0].block.containers)
            == (first.block.markers, first.block.containers)
        )
        return first.top + (first.layout.changed_from if is_old else 0.0)

    def refresh(self, number: int) -> None:
        """Lay a block out again, because something that it waited for has come."""
        placed = self._placed[number]
        placed.layout = self._layout_for(placed.block.content, None)
        placed.layout.lay_out(placed.block.content, self._width - placed.left)
        self._place_from(number)

    def draw(
        self,
        painter: QPainter,
        origin: QPointF,
        clip: tuple[float, float],
        marks_of: Callable[[int], Marks],
    ) -> None:
        """Draw what lies between two y coordinates of the painter."""
        for number in range(self.number_at(clip[0] - origin.y()), len(self._placed)):
            placed = self._placed[number]
            if origin.y() + placed.top > clip[1]:
                return
            self._draw_bars(painter, origin, number)
            for marker in placed.block.markers:
                self._draw_marker(painter, origin, placed, marker)
            place = origin + QPointF(placed.left, placed.top)
            placed.layout.draw(painter, place, clip, marks_of(number))

    def number_at(self, y: float) -> int:
        """The block at a height; the first above all, the last below them."""
        return max(bisect_right(self._placed, y, key=lambda placed: placed.top) - 1, 0)

    def unfinished(self, top: float, bottom: float) -> BlockLayout | None:
        """A block between two heights that has something left to do."""
        for placed in self._placed[self.number_at(top) :]:
            if placed.top > bottom:
                return None
            if placed.layout.is_unfinished:
                return placed.layout
        return None

    def _layout_for(self, content: Content, before: _Placed | None) -> BlockLayout:
        """The layout that was there if it shows the same kind, else a new one."""
        if before is not None and _kind(before.block.content) == _kind(content):
            return before.layout
        look, colour = self._look, self._colour
        match content:
            case Prose():
                return ProseLayout(look, content.level, colour)
            case Code():
                return CodeLayout(look, content.language)
            case Table():
                return TableLayout(look, colour)
            case Mathematics():
                return FormulaLayout(look, colour)
            case Picture():
                return PictureLayout(look)
            case Rule():
                return RuleLayout(look)
            case LongText():
                return LongTextLayout(look, colour)

    def _place_from(self, number: int) -> None:
        for index in range(number, len(self._placed)):
            placed = self._placed[index]
            if index == 0:
                placed.top = 0.0
                continue
            before = self._placed[index - 1]
            placed.top = before.top + before.layout.height + self._gap(before.block, placed.block)

    def _gap(self, before: Block, block: Block) -> float:
        if self._is_plain or (isinstance(block.content, LongText) and isinstance(before.content, LongText)):
            return 0.0
        if isinstance(block.content, Prose) and block.content.level:
            return HEADING_GAP
        is_same_root = block.containers[:1] and _root(before) == _root(block)
        if is_same_root and block.is_tight:
            return TIGHT_GAP
        if isinstance(before.content, Prose) and before.content.level:
            return TIGHT_GAP * 2
        return PARAGRAPH_GAP

    def _indent(self, containers: Sequence[Container]) -> float:
        return float(sum(self._scaled(INDENTS[container.kind]) for container in containers))

    def _draw_bars(self, painter: QPainter, origin: QPointF, number: int) -> None:
        """The bars of the quotes around a block, down to the next block of the same quote."""
        placed = self._placed[number]
        left = 0
        for depth, container in enumerate(placed.block.containers):
            if container.kind == "quote":
                bottom = placed.top + placed.layout.height
                if number + 1 < len(self._placed):
                    following = self._placed[number + 1]
                    if following.block.containers[: depth + 1] == placed.block.containers[: depth + 1]:
                        bottom = following.top
                bar = QRectF(origin.x() + left, origin.y() + placed.top, BAR_WIDTH, bottom - placed.top)
                painter.fillRect(bar, QColor(self._look.theme.tokens.line))
            left += self._scaled(INDENTS[container.kind])

    def _draw_marker(self, painter: QPainter, origin: QPointF, placed: _Placed, marker: Marker) -> None:
        tokens, font = self._look.theme.tokens, self._look.theme.fonts.body
        left = min(self._indent(placed.block.containers[: marker.depth]), placed.left)
        right = origin.x() + left - 9
        top = origin.y() + placed.top
        line_height = self._look.line_height(font)
        if marker.text in (DONE, NOT_DONE):
            name = "task-done" if marker.text == DONE else "task"
            colour = tokens.accent if marker.text == DONE else tokens.secondary
            scale = painter.device().devicePixelRatioF()
            side = self._scaled(BOX_SIZE)
            pixmap = self._look.theme.icons.pixmap(name, colour, side, scale)
            painter.drawPixmap(QPointF(right - side + 3, top + (line_height - side) / 2), pixmap)
            return
        metrics = QFontMetricsF(font)
        painter.setFont(font)
        painter.setPen(QColor(tokens.secondary))
        baseline = top + (line_height - metrics.height()) / 2 + metrics.ascent()
        width = metrics.horizontalAdvance(marker.text)
        painter.drawText(QPointF(right - width, baseline), marker.text)


def _kind(content: Content) -> tuple[type, object]:
    """Contents of one kind can take over one another's layout."""
    if isinstance(content, Prose):
        return Prose, content.level
    return type(content), content.language if isinstance(content, Code) else None


def _root(block: Block) -> Container | int:
    """The outermost list or quote that a block stands in."""
    return block.containers[0].place if block.containers else -1
