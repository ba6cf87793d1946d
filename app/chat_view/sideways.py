"""What is wider than its block: how far it is moved, and the thin bar that shows it."""

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QPainter

BAR_HEIGHT = 4
BAR_SPACE = 12  # the bar and the room around it


class Sideways:
    """An offset between 0 and what does not fit."""

    def __init__(self) -> None:
        self.offset = 0.0
        self._content = 0.0
        self._room = 0.0

    @property
    def is_needed(self) -> bool:
        """Whether something does not fit."""
        return self._content > self._room + 0.5

    def fit(self, content: float, room: float) -> None:
        """Take the width of what is shown and of where it is shown."""
        self._content, self._room = content, room
        self.offset = min(self.offset, max(content - room, 0))

    def move(self, pixels: float) -> bool:
        """Move to the right; False at an end."""
        before = self.offset
        self.offset = min(max(self.offset + pixels, 0), max(self._content - self._room, 0))
        return self.offset != before

    def drag(self, start: float, pixels: float) -> bool:
        """Move the bar so many pixels away from where it was at an offset; False where nothing moves."""
        free = self._room - self._length(self._room)
        if not self.is_needed or free <= 0:
            return False
        return self.move(start + pixels * (self._content - self._room) / free - self.offset)

    def _length(self, track: float) -> float:
        """How long the bar is on a track."""
        return max(track * self._room / self._content, 24)

    def draw_bar(self, painter: QPainter, place: QRectF, colour: str) -> None:
        """Draw the bar along the bottom of a rectangle."""
        if not self.is_needed:
            return
        length = self._length(place.width())
        left = place.left() + (place.width() - length) * self.offset / (self._content - self._room)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(colour))
        bar = QRectF(left, place.bottom() - BAR_SPACE / 2 - BAR_HEIGHT / 2, length, BAR_HEIGHT)
        painter.drawRoundedRect(bar, BAR_HEIGHT / 2, BAR_HEIGHT / 2)
