"""One device's memory as a bar: what others use, what the model would take part by part, what stays free."""

from PySide6.QtCore import QRectF, QSize
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

from app.theme.theme import Theme
from app.theme.tokens import Tokens
from engine.contract.fit_messages import DeviceMemory, FitLine, FitPart

HEIGHT, ROUNDING = 22, 6  # pixels


class FitBar(QWidget):
    """Paints; the figures stand beside it as text."""

    def __init__(
        self,
        device: DeviceMemory,
        lines: tuple[FitLine, ...],
        theme: Theme,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._device, self._lines, self._theme = device, lines, theme
        self.setMinimumHeight(theme.scaled(HEIGHT))
        theme.changed.connect(self.update)

    def sizeHint(self) -> QSize:
        """As wide as there is room."""
        return QSize(240, self._theme.scaled(HEIGHT))

    @property
    def overflows(self) -> bool:
        """Whether the lines need more than is free."""
        return sum(line.predicted_bytes for line in self._lines) > self._device.free_bytes

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint used memory, the parts side by side, and a mark where the device ends."""
        tokens = self._theme.tokens
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        frame = QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5)
        outline = QPainterPath()
        outline.addRoundedRect(frame, ROUNDING, ROUNDING)
        painter.save()
        painter.setClipPath(outline)
        painter.fillRect(frame, QColor(tokens.hovered))
        used = max(0, self._device.total_bytes - self._device.free_bytes)
        needed = sum(line.predicted_bytes for line in self._lines)
        scale = frame.width() / max(self._device.total_bytes, used + needed, 1)
        left = frame.left()
        for size, colour in [
            (used, QColor(tokens.line)),
            *((line.predicted_bytes, part_colour(line.part, tokens)) for line in self._lines),
        ]:
            width = size * scale
            painter.fillRect(QRectF(left, frame.top(), width, frame.height()), colour)
            left += width
        painter.restore()
        painter.setPen(QPen(QColor(tokens.bad if self.overflows else tokens.line), 1))
        painter.drawPath(outline)
        if self.overflows:
            painter.setPen(QPen(QColor(tokens.bad), 2))
            end = frame.left() + self._device.total_bytes * scale
            painter.drawLine(int(end), 0, int(end), self.height())
        painter.end()


class PartMark(QWidget):
    """A square in a part's colour, beside its name."""

    def __init__(self, part: FitPart, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._part, self._theme = part, theme
        side = theme.scaled(10)
        self.setFixedSize(side, side)
        theme.changed.connect(self.update)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint the square."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        outline = QPainterPath()
        outline.addRoundedRect(QRectF(self.rect()), 2, 2)
        painter.fillPath(outline, part_colour(self._part, self._theme.tokens))
        painter.end()


def part_colour(part: FitPart, tokens: Tokens) -> QColor:
    """Colours that differ from their neighbours in both themes."""
    colours: dict[FitPart, str] = {
        "weights": tokens.accent,
        "experts": tokens.code_builtin,
        "mtp": tokens.code_keyword,
        "kv_cache": tokens.code_string,
        "latent": tokens.code_string,
        "state": tokens.good,
        "compute": tokens.code_number,
        "projector": tokens.busy,
        "draft_model": tokens.code_keyword,
        "process": tokens.secondary,
    }
    return QColor(colours[part])
