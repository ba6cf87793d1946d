"""The status strip: what the engine does, how fast, and on what."""

from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QWidget

from app.theme.theme import Theme

if TYPE_CHECKING:  # not imported before the window can be seen
    from app.engine_link.engine_status import EngineStatus

HEIGHT = 28
BACKEND_NAMES = {"llama": "llama.cpp", "fake": "test engine"}


class StatusStrip(QWidget):
    """One line at the bottom of the window."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("statusStrip")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setFixedHeight(HEIGHT)
        self._status: EngineStatus | None = None
        self._theme = theme
        self._dot = StateDot(self)
        self._state = self._label("Engine")
        self._speed = self._label("Speed")
        self._device = self._label("Device")
        self._context = self._label("Context length")
        layout = QHBoxLayout(self)
        layout.setContentsMargins(14, 1, 14, 0)
        layout.setSpacing(18)
        layout.addWidget(self._dot)
        layout.addSpacing(-10)
        for label in (self._state, self._speed, self._device):
            layout.addWidget(label)
        layout.addStretch()
        layout.addWidget(self._context)
        theme.changed.connect(self._show)
        self._show()

    def follow(self, status: "EngineStatus") -> None:
        """Show this status from now on."""
        self._status = status
        status.changed.connect(self._show)
        self._show()

    @property
    def text(self) -> str:
        """All that the strip says, as a screen reader would put it together."""
        return " · ".join(
            label.text() for label in (self._state, self._speed, self._device, self._context) if label.text()
        )

    def _show(self) -> None:
        status, tokens = self._status, self._theme.tokens
        if status is None:
            self._dot.set_colour(tokens.secondary)
            self._state.setText("Starting")
            return
        words, colour = {
            "idle": ("Idle", tokens.secondary),
            "loading": (f"Loading {status.load_fraction:.0%}", tokens.busy),
            "ready": ("Ready", tokens.good),
            "answering": ("Answering", tokens.accent),
            "failed": ("Error", tokens.bad),
        }[status.phase]
        self._dot.set_colour(colour)
        self._state.setText(words)
        self._speed.setText(f"{status.decode_tps:,.1f} tok/s" if status.decode_tps else "")
        loaded = status.loaded
        backend = BACKEND_NAMES.get(loaded.backend, loaded.backend) if loaded else ""
        self._device.setText(f"{loaded.device} · {backend}" if loaded else "")
        for label in (self._speed, self._device):
            label.setVisible(bool(label.text()))
        self._context.setText(f"Context {loaded.context_length:,} tokens" if loaded else "")

    def _label(self, name: str) -> QLabel:
        label = QLabel(self)
        label.setTextFormat(Qt.TextFormat.PlainText)
        label.setProperty("tone", "secondary")
        label.setFont(self._theme.fonts.small)
        label.setAccessibleName(name)
        return label


class StateDot(QWidget):
    """A round dot in the colour of a state."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._colour = QColor()
        self.setFixedSize(10, 10)

    def set_colour(self, colour: str) -> None:
        """Take another colour."""
        self._colour = QColor(colour)
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint the dot."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self._colour)
        painter.drawEllipse(QPointF(5, 5), 4, 4)
        painter.end()
