"""The status strip: what the engine does, how fast, and on what."""

from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QWidget

from app.theme.theme import Theme
from app.translation import format_number, format_seconds, mark, tr, tr_count

if TYPE_CHECKING:  # not imported before the window can be seen
    from app.engine_link.engine_status import EngineStatus

HEIGHT = 28
BACKEND_NAMES = {"llama": "llama.cpp", "fake": mark("test engine")}


class StatusStrip(QWidget):
    """One line at the bottom of the window."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("statusStrip")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._status: EngineStatus | None = None
        self._theme = theme
        self._dot = StateDot(self)
        self._state = self._label(tr("Engine"))
        self._speed = self._label(tr("Speed"))
        self._device = self._label(tr("Device"))
        self._context = self._label(tr("Context length"))
        self._downloads = self._label(tr("Downloads"))
        self._labels = (self._state, self._speed, self._downloads, self._device, self._context)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(14, 1, 14, 0)
        layout.setSpacing(18)
        layout.addWidget(self._dot)
        layout.addSpacing(-10)
        for label in (self._state, self._speed, self._downloads, self._device):
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

    def show_downloads(self, number: int, fraction: float) -> None:
        """Say how far what is fetched is."""
        percent = round(100 * fraction)
        self._downloads.setText(tr("Downloading, {percent} %", percent=percent) if number else "")
        self._fit()

    @property
    def text(self) -> str:
        """All that the strip says, as a screen reader would put it together."""
        return " · ".join(label.text() for label in self._labels if label.text())

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Leave out what has no room."""
        super().resizeEvent(event)
        self._fit()

    def _show(self) -> None:
        self.setFixedHeight(self._theme.scaled(HEIGHT))
        status, tokens = self._status, self._theme.tokens
        if status is None:
            self._dot.set_colour(tokens.secondary)
            self._state.setText(tr("Starting"))
            self._fit()
            return
        words, colour = {
            "idle": (tr("Idle"), tokens.secondary),
            "loading": (tr("Loading {percent} %", percent=round(100 * status.load_fraction)), tokens.busy),
            "ready": (tr("Ready"), tokens.good),
            "answering": (tr("Answering"), tokens.accent),
            "failed": (tr("Error"), tokens.bad),
        }[status.phase]
        self._dot.set_colour(colour)
        self._state.setText(words)
        self._speed.setText(_speed(status))
        loaded = status.loaded
        backend = tr(BACKEND_NAMES.get(loaded.backend, loaded.backend)) if loaded else ""
        self._device.setText(f"{loaded.device} · {backend}" if loaded else "")
        length = format_number(loaded.context_length) if loaded else ""
        self._context.setText(tr("Context {count} tokens", count=length) if loaded else "")
        self._fit()

    def _fit(self) -> None:
        """Say each label by what it is, and show it while those before it leave it room."""
        room = self.width() - 60
        for label in self._labels:
            label.setAccessibleName(f"{label.property('what')}: {label.text()}")
            room -= label.sizeHint().width() + 18
            label.setVisible(bool(label.text()) and room >= 0)

    def _label(self, name: str) -> QLabel:
        label = QLabel(self)
        label.setTextFormat(Qt.TextFormat.PlainText)
        label.setProperty("tone", "secondary")
        self._theme.give_font(label, "small")
        label.setProperty("what", name)
        return label


def _speed(status: "EngineStatus") -> str:
    """What is measured of the answer that arrives, or of the last one."""
    parts = []
    if status.decode_tps:
        parts.append(tr("{speed} tok/s", speed=format_number(status.decode_tps, 1)))
    if status.phase == "answering":
        if status.num_tokens:
            parts.append(tr_count(status.num_tokens, "{count} token", "{count} tokens"))
        if status.ttft_s:
            parts.append(tr("first token {time}", time=format_seconds(status.ttft_s)))
    return " · ".join(parts)


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
