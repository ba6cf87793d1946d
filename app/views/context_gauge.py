"""The context gauge: how much of the context length the conversation and what is typed take."""

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QWidget

from app.theme.theme import Theme
from app.translation import format_number, tr

RING_SIZE = 16
NEARLY_FULL = 0.85


class ContextGauge(QWidget):
    """A ring and two numbers; nothing is shown while the context length is not known."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._label = QLabel(self)
        self._label.setTextFormat(Qt.TextFormat.PlainText)
        self._label.setProperty("tone", "secondary")
        theme.give_font(self._label, "small")
        self._ring = _Ring(theme, self)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(7)
        row.addWidget(self._ring)
        row.addWidget(self._label)
        self.show_tokens(0, 0)

    @property
    def text(self) -> str:
        """What the numbers say."""
        return self._label.text()

    def show_tokens(self, used: int, context_length: int, *, is_estimate: bool = False) -> None:
        """Show this many tokens of so many; zeros show nothing."""
        is_known = bool(used and context_length)
        self.setVisible(is_known)
        self._label.setText("")
        if not is_known:
            return
        values = {"used": format_number(used), "length": format_number(context_length)}
        self._label.setText(
            tr("about {used} / {length}", **values)
            if is_estimate
            else f"{values['used']} / {values['length']}"
        )
        self._ring.show_share(used / context_length)
        said = tr("{used} of {length} tokens of context are used", **values)
        self.setAccessibleName(said)
        self.setToolTip(tr("Tokens of this conversation, and how many the model has room for"))


class _Ring(QWidget):
    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self._theme = theme
        self._share = 0.0
        theme.changed.connect(self._dress)
        self._dress()

    def _dress(self) -> None:
        side = self._theme.scaled(RING_SIZE)
        self.setFixedSize(side, side)
        self.update()

    def show_share(self, share: float) -> None:
        self._share = share
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        tokens = self._theme.tokens
        colour = tokens.secondary
        if self._share > NEARLY_FULL:
            colour = tokens.bad if self._share > 1 else tokens.busy
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        around = QRectF(self.rect()).adjusted(2, 2, -2, -2)
        pen = painter.pen()
        pen.setWidthF(2.6)
        pen.setColor(QColor(tokens.line))
        painter.setPen(pen)
        painter.drawEllipse(around)
        pen.setColor(QColor(colour))
        painter.setPen(pen)
        painter.drawArc(around, 90 * 16, -round(min(self._share, 1.0) * 360 * 16))
        painter.end()
