"""A formula on a line of its own: in the middle, or its source where it is not set."""

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter

from app.chat_view.block_layout import BlockLayout
from app.chat_view.blocks import Content, Mathematics
from app.chat_view.formulas import DrawnFormula
from app.chat_view.inline_layout import InlineLayout
from app.chat_view.inline_text import plain_text
from app.chat_view.look import Look, Marks
from app.chat_view.sideways import BAR_SPACE, Sideways

PADDING = 8
SCALE = 1.15  # of the text's size


class FormulaLayout(BlockLayout):
    """Its text is its TeX."""

    def __init__(self, look: Look, colour: str) -> None:
        self._look = look
        self._colour = colour
        self._tex = ""
        self._drawn: DrawnFormula | None = None
        self._source = InlineLayout(look, look.theme.fonts.code, colour=colour)
        self._sideways = Sideways()
        self._width = 0.0

    @property
    def height(self) -> float:
        """The formula, and the room around it."""
        inner = self._drawn.height if self._drawn is not None else self._source.height
        return round(inner + 2 * PADDING + (BAR_SPACE if self._sideways.is_needed else 0))

    @property
    def text(self) -> str:
        """TeX."""
        return self._tex

    def lay_out(self, content: Content, width: float) -> None:
        """Set the formula, or show its source."""
        assert isinstance(content, Mathematics)
        self._tex, self._width = content.tex, width
        pixels = self._look.theme.fonts.body.pixelSize() * SCALE
        self._drawn = self._look.formulas.find(
            content.tex, pixels=pixels, colour=self._colour, is_display=True
        )
        if self._drawn is None:
            self._source.lay_out(plain_text(content.tex, content.place), width - 2 * PADDING)
        self._sideways.fit(self._drawn.width if self._drawn is not None else 0, width)

    def draw(self, painter: QPainter, origin: QPointF, clip: tuple[float, float], marks: Marks) -> None:
        """Draw the formula; one that is selected has the selection behind it."""
        tokens = self._look.theme.tokens
        box = QRectF(origin.x(), origin.y(), self._width, self.height)
        if self._drawn is None:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(tokens.code))
            painter.drawRoundedRect(box, PADDING, PADDING)
            self._source.draw(painter, origin + QPointF(PADDING, PADDING), clip, marks, self._colour)
            return
        left = max((self._width - self._drawn.width) / 2, 0) - self._sideways.offset
        place = QPointF(round(origin.x() + left), origin.y() + PADDING)
        if marks.selection is not None:
            behind = QRectF(place.x(), place.y(), self._drawn.width, self._drawn.height)
            painter.fillRect(behind.adjusted(-4, -2, 4, 2), QColor(tokens.text_selection))
        painter.save()
        painter.setClipRect(box, Qt.ClipOperation.IntersectClip)
        self._drawn.paint(painter, place)
        painter.restore()
        self._sideways.draw_bar(painter, box, tokens.line)

    def position_at(self, x: float, y: float) -> int:
        """The beginning or the end."""
        if self._drawn is None:
            return self._source.position_at(x - PADDING, y - PADDING)
        return 0 if x < self._width / 2 else len(self._tex)

    @property
    def sideways(self) -> Sideways:
        """How far it is moved."""
        return self._sideways
