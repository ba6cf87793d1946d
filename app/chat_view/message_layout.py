"""One message laid out to the column's width: its parts, their places, and how they are painted."""

from collections.abc import Iterator
from math import ceil
from typing import NamedTuple

from markdown_it import MarkdownIt
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter

from app.chat_view.answer_notes import note_under
from app.chat_view.block_layout import BlockLayout
from app.chat_view.inline_layout import InlineLayout
from app.chat_view.inline_text import Link, plain_text
from app.chat_view.look import NO_MARKS, Look, Marks
from app.chat_view.reasoning_box import HEAD_HEIGHT, ReasoningBox
from app.chat_view.text_column import TextColumn, estimated_text_height
from app.chat_view.text_points import REASONING, TEXT, InnerPoint, MessageMarks
from app.conversations.conversation import Message
from app.error_texts import describe_code

ROW_GAP = 22  # above every message
BUBBLE_PADDING_X, BUBBLE_PADDING_Y, BUBBLE_RADIUS = 16, 9, 16
BUBBLE_SHARE = 0.85  # of the column, at most
NAME_HEIGHT, NAME_INDENT = 32, 29
REASONING_GAP = 12
NOTE_GAP, NOTE_HEIGHT = 6, 28  # the line under a message; its buttons are as high
ACTIONS_UNDER_BUBBLE = 14  # they reach into the gap below
ACTIONS_WIDTH = 236  # what the buttons of an answer and its versions may take of the line
CALLOUT_GAP, CALLOUT_PADDING, CALLOUT_INDENT = 10, 14, 30
ICON_SIZE = 18


class MessageLayout:
    """Heights and places are relative to the message's own top left corner in the column."""

    def __init__(self, look: Look, parser: MarkdownIt, message: Message, width: float) -> None:
        self._look = look
        self._width = width
        self._name_height = look.theme.scaled(NAME_HEIGHT)
        self._note_height = look.theme.scaled(NOTE_HEIGHT)
        self._icon_size = look.theme.scaled(ICON_SIZE)
        self._name_indent = look.theme.scaled(NAME_INDENT)
        self._callout_indent = look.theme.scaled(CALLOUT_INDENT)
        self._message = message
        self._noted = ("", 0.0)  # the line under the message, and the width it was laid out to
        self._long_note: InlineLayout | None = None
        tokens = look.theme.tokens
        self._text = TextColumn(look, colour=tokens.text, parser=None if self._is_users else parser)
        self._reasoning = ReasoningBox(look, parser)
        self._callout: InlineLayout | None = None

    def update(self, message: Message, activity: str, width: float) -> None:
        """Take the message as it is now; text that was appended costs only what is new."""
        self._message, self._width = message, width
        self._text.update(message.text, self._text_width(), is_finished=message.state != "streaming")
        if self._is_users and not message.text.isascii():  # right to left, it begins at the bubble's right
            self._text.column.set_width(min(ceil(self._text.column.natural_width) + 1, self._text_width()))
        if message.reasoning:
            self._reasoning.update(message, width)
        self._take_note(note_under(message, activity))
        if message.state == "failed":
            stats = message.stats
            error = describe_code(stats.error_code, stats.error_message, stats.error_details)
            fonts, tokens = self._look.theme.fonts, self._look.theme.tokens
            self._callout = InlineLayout(self._look, fonts.interface, colour=tokens.callout_text)
            text = plain_text(f"{error.happened}\n{error.to_do}", 0)
            self._callout.lay_out(text, width - self._callout_indent - 2 * CALLOUT_PADDING)

    def _take_note(self, note: str) -> None:
        """A note that has no room beside the buttons gets lines of its own above them."""
        if (note, self._width) == self._noted:
            return
        self._noted = (note, self._width)
        font = self._look.theme.fonts.small
        room = self._width - self._look.theme.scaled(ACTIONS_WIDTH)
        self._long_note = None
        if QFontMetricsF(font).horizontalAdvance(note) > room:
            self._long_note = InlineLayout(self._look, font, colour=self._look.theme.tokens.secondary)
            self._long_note.lay_out(plain_text(note, 0), self._width)

    @property
    def message(self) -> Message:
        """What is shown."""
        return self._message

    @property
    def is_behind(self) -> bool:
        """Whether a part of the text is still to be read."""
        thoughts = self._reasoning.text
        return self._text.is_behind or (thoughts is not None and thoughts.is_behind)

    def advance(self, deadline: float) -> bool:
        """Read on until a time of `perf_counter`; True where anything changed."""
        thoughts = self._reasoning.text
        has_read_thoughts = thoughts is not None and thoughts.advance(deadline)
        return self._text.advance(deadline) or has_read_thoughts

    @property
    def height(self) -> float:
        """From the gap above the message to the end of its last part."""
        if self._is_users:
            return ROW_GAP + self._text.height + 2 * BUBBLE_PADDING_Y + ACTIONS_UNDER_BUBBLE
        return self._note_top + self._long_note_height + self._note_height

    @property
    def text_rect(self) -> QRectF:
        """Where the text is."""
        if self._is_users:
            width = min(self._text.column.natural_width or self._text_width(), self._text_width())
            left = self._width - width - BUBBLE_PADDING_X
            return QRectF(left, ROW_GAP + BUBBLE_PADDING_Y, width, self._text.height)
        return QRectF(0, ROW_GAP + self._name_height + self._reasoning_height, self._width, self._text.height)

    def take_changed_from(self) -> float:
        """Above this height nothing has changed since this was last asked."""
        if self._is_users or (self._message.reasoning and not self._message.text):
            return 0.0
        changed_from = self.text_rect.top() + self._text.changed_from
        self._text.changed_from = self._text.height
        return changed_from

    @property
    def actions_rect(self) -> QRectF:
        """Where the buttons under the message are."""
        top = self.height - (ACTIONS_UNDER_BUBBLE if self._is_users else self._note_height)
        return QRectF(0, top, self._width, self._note_height)

    def parts(self) -> Iterator[tuple[int, TextColumn, QPointF]]:
        """The texts that are shown, with their numbers and their corners."""
        if self._message.reasoning and self._reasoning.text is not None:
            corner = QPointF(0, ROW_GAP + self._name_height) + self._reasoning.text_corner
            yield REASONING, self._reasoning.text, corner
        yield TEXT, self._text, self.text_rect.topLeft()

    def part(self, number: int) -> TextColumn | None:
        """One of the texts, if it is shown."""
        return next((text for part, text, _ in self.parts() if part == number), None)

    def block(self, part: int, number: int) -> tuple[BlockLayout, QPointF] | None:
        """A block, and where its corner is."""
        for found, text, corner in self.parts():
            if found == part and number < len(text.column):
                return text.column.layout(number), corner + text.column.corner(number)
        return None

    # what is at a point

    def point_at(self, point: QPointF) -> InnerPoint | None:
        """The position nearest to a point; None in a message without text."""
        found = self.block_at(point)
        if found is None:
            return None
        part, number, layout, inner = found
        return InnerPoint(part, number, layout.position_at(inner.x(), inner.y()))

    def block_at(self, point: QPointF) -> tuple[int, int, BlockLayout, QPointF] | None:
        """The part, number and layout of the block nearest to a point, and the point in it."""
        nearest = None
        for part, text, corner in self.parts():
            found = text.block_at(point - corner)
            if found is not None and (nearest is None or point.y() >= corner.y()):
                number, inner = found
                nearest = (part, number, text.column.layout(number), inner)
        return nearest

    def link_at(self, point: QPointF) -> Link | None:
        """The link at a point."""
        found = self.block_at(point)
        return found[2].link_at(found[3].x(), found[3].y()) if found else None

    def is_text_at(self, point: QPointF) -> bool:
        """Whether there is something to select."""
        return any(
            QRectF(corner.x(), corner.y(), self.text_rect.width(), text.height).contains(point)
            for _, text, corner in self.parts()
        )

    @property
    def reasoning_rect(self) -> QRectF:
        """The line that opens and folds the reasoning; empty without any."""
        if self._is_users or not self._message.reasoning:
            return QRectF()
        return QRectF(0, ROW_GAP + self._name_height, self._width, self._reasoning.head_height)

    @property
    def reasoning_title(self) -> str:
        """What that line says."""
        return self._reasoning.title

    @property
    def is_reasoning_open(self) -> bool:
        """Whether the reasoning is shown."""
        return self._reasoning.is_open

    def refresh_formulas(self) -> None:
        """Lay out again what holds formulas."""
        for _, text, _ in self.parts():
            text.refresh_formulas()

    def toggle_reasoning(self) -> None:
        """Open or fold the reasoning."""
        self._reasoning.toggle()

    def caret(self, point: InnerPoint) -> QRectF:
        """Where a position is."""
        found = self.block(point.part, point.block)
        if found is None:
            return QRectF(self.text_rect.topLeft(), self.text_rect.topLeft())
        layout, corner = found
        return layout.caret(point.position).translated(corner)

    def point_of_source(self, start: int, end: int) -> InnerPoint:
        """The position where a stretch of the source is shown, or of the block that it belongs to."""
        column = self._text.column
        for number in range(len(column)):
            if column.block(number).end > start:
                return InnerPoint(TEXT, number, column.layout(number).positions(start, end)[0])
        return InnerPoint(TEXT, max(len(column) - 1, 0), 0)

    # painting

    def paint(self, painter: QPainter, top_left: QPointF, clip: QRectF, marks: MessageMarks) -> None:
        """Paint what of the message lies within the clip."""
        inner_top, inner_bottom = clip.top() - top_left.y(), clip.bottom() - top_left.y()
        if self._is_users:
            self._paint_bubble(painter, top_left)
        elif inner_top < ROW_GAP + self._name_height + self._reasoning_height:
            self._paint_name(painter, top_left)
            if not self.reasoning_rect.isEmpty():
                self._reasoning.draw_frame(painter, top_left + self.reasoning_rect.topLeft())
        for part, _, corner in self.parts():
            self._paint_part(painter, part, top_left + corner, clip=clip, marks=marks)
        if self._callout is not None:
            self._paint_callout(painter, top_left, self._callout, clip)
        if self._noted[0] and inner_bottom > self._note_top:
            self._paint_note(painter, top_left, clip)

    def _paint_part(
        self, painter: QPainter, part: int, origin: QPointF, *, clip: QRectF, marks: MessageMarks
    ) -> None:
        text = self.part(part)
        if text is None:
            return

        def marks_of(number: int) -> Marks:
            if marks.selection is None and not marks.matches:
                return NO_MARKS
            block, layout = text.column.block(number), text.column.layout(number)
            selection = marks.selected_in(part, number, len(layout.text)) if marks.selection else None
            found = [
                layout.positions(start, end)
                for start, end in marks.matches
                if part == TEXT and start < block.end and end > block.start
            ]
            current = (
                layout.positions(*marks.current_match) if marks.current_match and part == TEXT else (0, 0)
            )
            return Marks(
                selection,
                tuple(pair for pair in found if pair[0] < pair[1]),
                current if current[0] < current[1] else None,
            )

        text.column.draw(painter, origin, (clip.top(), clip.bottom()), marks_of)

    def _paint_note(self, painter: QPainter, top_left: QPointF, clip: QRectF) -> None:
        colour = self._look.theme.tokens.secondary
        if self._long_note is not None:
            place = top_left + QPointF(0, self._note_top)
            self._long_note.draw(painter, place, (clip.top(), clip.bottom()), NO_MARKS, colour)
            return
        painter.setPen(QColor(colour))
        painter.setFont(self._look.theme.fonts.small)
        _draw_line(painter, self.actions_rect.translated(top_left), self._noted[0])

    def _paint_bubble(self, painter: QPainter, top_left: QPointF) -> None:
        bubble = self.text_rect.adjusted(
            -BUBBLE_PADDING_X, -BUBBLE_PADDING_Y, BUBBLE_PADDING_X, BUBBLE_PADDING_Y
        ).translated(top_left)
        tokens = self._look.theme.tokens
        is_outlined = tokens.bubble == tokens.window  # where contrasts are high
        painter.setPen(QColor(tokens.line) if is_outlined else Qt.PenStyle.NoPen)
        painter.setBrush(QColor(tokens.bubble))
        painter.drawRoundedRect(bubble, BUBBLE_RADIUS, BUBBLE_RADIUS)

    def _paint_name(self, painter: QPainter, top_left: QPointF) -> None:
        icon_top = top_left.y() + ROW_GAP + (self._name_height - 8 - self._icon_size) / 2
        self._paint_icon(painter, QPointF(top_left.x(), icon_top), "answer", self._look.theme.tokens.accent)
        painter.setPen(QColor(self._look.theme.tokens.text))
        painter.setFont(self._look.theme.fonts.strong)
        place = QRectF(
            top_left.x() + self._name_indent,
            top_left.y() + ROW_GAP,
            self._width - self._name_indent,
            self._name_height - 8,
        )
        _draw_line(painter, place, self._message.model)

    def _paint_callout(
        self, painter: QPainter, top_left: QPointF, callout: InlineLayout, clip: QRectF
    ) -> None:
        tokens = self._look.theme.tokens
        box = QRectF(
            top_left.x(),
            top_left.y() + self._callout_top + CALLOUT_GAP,
            self._width,
            callout.height + 2 * CALLOUT_PADDING,
        )
        painter.setPen(QColor(tokens.callout_line))
        painter.setBrush(QColor(tokens.callout))
        painter.drawRoundedRect(box.adjusted(0.5, 0.5, -0.5, -0.5), 12, 12)
        corner = box.topLeft() + QPointF(CALLOUT_PADDING, CALLOUT_PADDING + 2)
        self._paint_icon(painter, corner, "alert", tokens.callout_text)
        origin = box.topLeft() + QPointF(CALLOUT_PADDING + self._callout_indent, CALLOUT_PADDING)
        callout.draw(painter, origin, (clip.top(), clip.bottom()), NO_MARKS, tokens.callout_text)

    def _paint_icon(self, painter: QPainter, place: QPointF, name: str, colour: str) -> None:
        scale = painter.device().devicePixelRatioF()
        painter.drawPixmap(place, self._look.theme.icons.pixmap(name, colour, self._icon_size, scale))

    @property
    def _is_users(self) -> bool:
        return self._message.role == "user"

    def _text_width(self) -> float:
        return self._width * BUBBLE_SHARE - 2 * BUBBLE_PADDING_X if self._is_users else self._width

    @property
    def _reasoning_height(self) -> float:
        return self._reasoning.height + REASONING_GAP if self._message.reasoning else 0.0

    @property
    def _callout_top(self) -> float:
        return ROW_GAP + self._name_height + self._reasoning_height + self._text.height

    @property
    def _note_top(self) -> float:
        return self._callout_top + self._callout_height + NOTE_GAP

    @property
    def _long_note_height(self) -> float:
        return self._long_note.height if self._long_note is not None else 0.0

    @property
    def _callout_height(self) -> float:
        return CALLOUT_GAP + self._callout.height + 2 * CALLOUT_PADDING if self._callout is not None else 0.0


class Extent(NamedTuple):
    """What a message's height is estimated from; counted once, for any width."""

    around: float  # pixels that are not text
    num_characters: int
    num_lines: int

    def height(self, width: float) -> float:
        """About how high the message will be."""
        return round(self.around + estimated_text_height(self.num_characters, self.num_lines, width))


def extent_of(message: Message) -> Extent:
    """The extent of a message as it is now."""
    is_users = message.role == "user"
    around = 2 * BUBBLE_PADDING_Y + ACTIONS_UNDER_BUBBLE if is_users else NAME_HEIGHT + NOTE_GAP + NOTE_HEIGHT
    if message.reasoning:
        around += HEAD_HEIGHT + REASONING_GAP
    return Extent(ROW_GAP + around, len(message.text), message.text.count("\n") + 1)


def _draw_line(painter: QPainter, place: QRectF, text: str) -> None:
    """One line of plain text, shortened with an ellipsis where it does not fit."""
    fitting = QFontMetricsF(painter.font()).elidedText(text, Qt.TextElideMode.ElideRight, place.width())
    painter.drawText(place, Qt.AlignmentFlag.AlignVCenter | Qt.TextFlag.TextSingleLine, fitting)
