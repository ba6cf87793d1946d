"""A repository's card, painted as answers are: nothing in it is fetched, no picture, no link by itself."""

import time

from PySide6.QtCore import QPointF, QTimer, Signal
from PySide6.QtGui import QMouseEvent, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QWidget

from app.chat_view.link_dialog import LinkDialog
from app.chat_view.link_policy import doubts, is_allowed
from app.chat_view.look import NO_MARKS, Look
from app.chat_view.markdown_parser import make_parser
from app.chat_view.text_column import TextColumn
from app.theme.theme import Theme
from app.translation import tr

READING_S = 0.008  # at a time, so that a long card holds nothing up
SPOKEN = 2_000  # characters, for screen readers


class CardView(QWidget):
    """As high as its text; whatever it stands in scrolls."""

    link_clicked = Signal(str)  # an address that the user has agreed to open

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._text = ""
        self._look = Look(theme)
        self._column = self._make_column()
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._read_on)
        self.setMouseTracking(True)
        self.setAccessibleName(tr("Model card"))
        theme.changed.connect(self._dress)

    @property
    def text(self) -> str:
        """The card as it was written."""
        return self._text

    def show_text(self, text: str) -> None:
        """Show this card."""
        self._text = text
        self._column = self._make_column()
        self.setAccessibleDescription(text[:SPOKEN])
        self._lay_out()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Lay the lines out anew."""
        super().resizeEvent(event)
        self._lay_out()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint what is in sight."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        clip = event.rect()
        self._column.column.draw(
            painter, QPointF(0, 0), (clip.top(), clip.bottom()), lambda _number: NO_MARKS
        )
        painter.end()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """A link says where it leads, and is passed on if the user wants that."""
        found = self._column.block_at(event.position())
        if found is None:
            return
        number, inner = found
        layout = self._column.column.layout(number)
        link = layout.link_at(inner.x(), inner.y())
        if link is not None and is_allowed(link.target):
            doubt = doubts(link.target, layout.text[link.start : link.end])
            words = doubt or tr("Your browser opens it, and asks the network by itself.")
            LinkDialog(link.target, words, self).ask(self.link_clicked.emit)

    def _make_column(self) -> TextColumn:
        return TextColumn(self._look, colour=self._theme.tokens.text, parser=make_parser())

    def _lay_out(self) -> None:
        if self.width() > 0:
            self._column.update(self._text, self.width(), is_finished=True)
            self._read_on()

    def _read_on(self) -> None:
        self._column.advance(time.perf_counter() + READING_S)
        height = round(self._column.height)
        if height != self.minimumHeight():
            self.setMinimumHeight(height)
        self.update()
        if self._column.is_behind:
            self._timer.start(0)

    def _dress(self) -> None:
        self._look.forget_colours()
        self._column = self._make_column()
        self._lay_out()
