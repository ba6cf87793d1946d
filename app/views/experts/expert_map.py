"""A heat map: a row for each layer, a column for each expert, the warmer the more often it was chosen."""

from PySide6.QtCore import QEvent, QPointF, QRect, QSize, Qt
from PySide6.QtGui import QColor, QHelpEvent, QImage, QPainter, QPaintEvent
from PySide6.QtWidgets import QToolTip, QWidget

from app.conversations.expert_use import ExpertUse
from app.theme.theme import Theme
from app.translation import format_number, tr

LEAST_CELL, MOST_CELL = 3, 26  # pixels
GAP_FROM = 7  # cells of so many pixels have a gap between them
LABELS_WIDTH, LABELS_HEIGHT = 34, 20
MOST_HEIGHT = 400  # of all rows, if they are not too many for that


class ExpertMap(QWidget):
    """Paints one ExpertUse; a tip says the figures of the cell under the pointer."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._use: ExpertUse | None = None
        self._layers: list[int] = []
        self._shares: list[list[float]] = []
        self._image = QImage()
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        theme.changed.connect(self._dress)

    def show_use(self, use: ExpertUse | None) -> None:
        """Paint this; layers without experts are left out."""
        self._use = use
        self._layers = use.layers if use else []
        self._shares = [use.shares(layer) for layer in self._layers] if use else []
        self.setAccessibleName(tr("Heat map of the experts"))
        self.setAccessibleDescription(tr("The same stands in the text view"))
        self.updateGeometry()
        self.setMinimumHeight(self.sizeHint().height())
        self._dress()

    def sizeHint(self) -> QSize:
        """Cells as large as the width lets them be."""
        experts = self._use.shape[1] if self._use else 0
        width = self._scaled(LABELS_WIDTH) + 12 * experts
        return QSize(width, len(self._layers) * self._row_height() + self._scaled(LABELS_HEIGHT))

    def cell_at(self, place: QPointF) -> tuple[int, int] | None:
        """The layer and expert at a point; None beside the map."""
        cells = self._cells()
        if self._use is None or not cells.contains(place.toPoint()):
            return None
        column = int((place.x() - cells.left()) * self._use.shape[1] / cells.width())
        row = int((place.y() - cells.top()) * len(self._layers) / cells.height())
        return self._layers[row], column

    def tip(self, layer: int, expert: int) -> str:
        """What is said of a cell."""
        assert self._use is not None
        share = self._use.shares(layer)[expert]
        return tr(
            "Layer {layer}, expert {expert}: chosen {count} times, {percent} % of this layer",
            layer=layer,
            expert=expert,
            count=format_number(self._use.counts[layer][expert]),
            percent=format_number(100 * share, 1),
        )

    def event(self, event: QEvent) -> bool:
        """Show the tip of a cell."""
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            cell = self.cell_at(QPointF(event.pos()))
            QToolTip.showText(event.globalPos(), self.tip(*cell) if cell else "", self)
            return True
        return super().event(event)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint cells, gaps and numbers."""
        if self._use is None or self._image.isNull():
            return
        painter = QPainter(self)
        cells = self._cells()
        painter.drawImage(cells, self._image)
        self._paint_gaps(painter, cells)
        painter.setPen(QColor(self._theme.tokens.secondary))
        painter.setFont(self._theme.fonts.heading)
        self._paint_numbers(painter, cells)
        painter.end()

    def _paint_gaps(self, painter: QPainter, cells: QRect) -> None:
        columns, rows = self._image.width(), self._image.height()
        painter.setPen(QColor(self._theme.tokens.window))
        if cells.width() >= GAP_FROM * columns:
            for column in range(1, columns):
                x = cells.left() + column * cells.width() // columns
                painter.drawLine(x, cells.top(), x, cells.bottom())
        if cells.height() >= GAP_FROM * rows:
            for row in range(1, rows):
                y = cells.top() + row * cells.height() // rows
                painter.drawLine(cells.left(), y, cells.right(), y)

    def _paint_numbers(self, painter: QPainter, cells: QRect) -> None:
        """Numbers of layers and experts, as many as there is room for."""
        columns, rows = self._image.width(), self._image.height()
        text_height, text_width = self._scaled(15), self._scaled(30)
        step = max(1, -(-text_height * rows // max(cells.height(), 1)))
        right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        for row in range(0, rows, step):
            middle = cells.top() + (2 * row + 1) * cells.height() // (2 * rows)
            place = QRect(0, middle - text_height, cells.left() - 6, 2 * text_height)
            painter.drawText(place, right, str(self._layers[row]))
        step = _round_step(-(-text_width * columns // max(cells.width(), 1)))
        for column in range(0, columns, step):
            middle = cells.left() + (2 * column + 1) * cells.width() // (2 * columns)
            place = QRect(middle - text_width, cells.bottom() + 2, 2 * text_width, text_height + 2)
            painter.drawText(place, Qt.AlignmentFlag.AlignCenter, str(column))

    def _cells(self) -> QRect:
        """Where the cells are."""
        left = self._scaled(LABELS_WIDTH)
        columns = self._use.shape[1] if self._use else 0
        width = min(self.width() - left - 1, self._scaled(MOST_CELL) * columns)
        return QRect(left, 0, max(width, 0), len(self._layers) * self._row_height())

    def _row_height(self) -> int:
        """Few layers get high rows, many low ones."""
        fitting = MOST_HEIGHT // max(len(self._layers), 1)
        return self._scaled(min(max(fitting, LEAST_CELL), MOST_CELL))

    def _scaled(self, pixels: int) -> int:
        return self._theme.scaled(pixels)

    def _dress(self) -> None:
        """Make the picture anew: one pixel for each cell."""
        self._image = QImage()
        if self._use is not None and self._layers:
            tokens = self._theme.tokens
            most = max(max(shares) for shares in self._shares)
            image = QImage(self._use.shape[1], len(self._layers), QImage.Format.Format_RGB32)
            for row, shares in enumerate(self._shares):
                for column, share in enumerate(shares):
                    image.setPixelColor(column, row, blend(tokens.hovered, tokens.accent, share / most))
            self._image = image
        self.update()


def blend(cold: str, warm: str, part: float) -> QColor:
    """A colour between two; the square root shows small parts too."""
    first, second, warmth = QColor(cold), QColor(warm), part**0.5
    return QColor(
        *(
            round(a + (b - a) * warmth)
            for a, b in zip(first.getRgb()[:3], second.getRgb()[:3], strict=True)  # type: ignore[index]
        )
    )


def _round_step(least: int) -> int:
    """The first of 1, 2, 4, 8 … that is no smaller."""
    step = 1
    while step < least:
        step *= 2
    return step
