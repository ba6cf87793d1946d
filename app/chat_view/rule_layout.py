"""A line across the column."""

from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QColor, QPainter

from app.chat_view.block_layout import BlockLayout
from app.chat_view.blocks import Content
from app.chat_view.look import Look, Marks

HEIGHT = 17


class RuleLayout(BlockLayout):
    """Has no text."""

    def __init__(self, look: Look) -> None:
        self._look = look
        self._width = 0.0

    @property
    def height(self) -> float:
        """The line, and the room around it."""
        return HEIGHT

    @property
    def text(self) -> str:
        """Nothing."""
        return ""

    def lay_out(self, content: Content, width: float) -> None:
        """Take the width."""
        self._width = width

    def draw(self, painter: QPainter, origin: QPointF, clip: tuple[float, float], marks: Marks) -> None:
        """Draw the line."""
        place = QRectF(origin.x(), origin.y() + HEIGHT // 2, self._width, 1)
        painter.fillRect(place, QColor(self._look.theme.tokens.line))
