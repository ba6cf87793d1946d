"""A plot of measured settings: to the right the speed, upwards the context that memory has room for.

A point is the larger the more memory it leaves free. Settings that no other beats in everything are filled.
"""

from collections.abc import Sequence

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.theme.theme import Theme
from app.translation import format_number, tr
from app.tuning_words import row_words
from app.views.workbench.marked_view import MarkedView, ViewMark
from app.workbench.ticks import nice_ticks
from engine.contract.tuned import TunedRow

HEIGHT = 230
LEFT, BOTTOM, TOP, RIGHT = 64, 44, 30, 24  # room for the axes' words
SMALLEST, LARGEST = 4.0, 9.0  # radius of a point


class TunedPlot(MarkedView):
    """Paints settings; a mark for each."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, parent)
        self._rows: Sequence[TunedRow] = ()
        self.setAccessibleName(tr("Plot of the settings"))
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def show_rows(self, rows: Sequence[TunedRow]) -> None:
        """Paint these."""
        self._rows = rows
        self.refresh()
        self.updateGeometry()

    def sizeHint(self) -> QSize:
        """As wide as there is room."""
        return QSize(420, self.theme.scaled(HEIGHT))

    def minimumSizeHint(self) -> QSize:
        """Narrow windows get a narrow plot."""
        return QSize(220, self.theme.scaled(HEIGHT))

    def lay_out_marks(self) -> list[ViewMark]:
        """A square around every point."""
        return [
            ViewMark(QRectF(point.x() - 12, point.y() - 12, 24, 24), row_words(row))
            for row in self._rows
            for point in (self._point(row),)
        ]

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint the axes and the points."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(self.theme.fonts.small)
        if self._rows:
            self._paint_axes(painter)
            self._paint_points(painter)
        painter.end()

    def _area(self) -> QRectF:
        scaled = self.theme.scaled
        width = max(1, self.width() - scaled(LEFT) - scaled(RIGHT))
        height = max(1, self.height() - scaled(TOP) - scaled(BOTTOM))
        return QRectF(scaled(LEFT), scaled(TOP), width, height)

    def _speeds(self) -> list[float]:
        return nice_ticks(max(row.trial.decode_tps for row in self._rows))

    def _contexts(self) -> list[float]:
        return nice_ticks(max(row.trial.most_context for row in self._rows))

    def _point(self, row: TunedRow) -> QPointF:
        area = self._area()
        x = area.left() + area.width() * row.trial.decode_tps / self._speeds()[-1]
        return QPointF(x, area.bottom() - area.height() * row.trial.most_context / self._contexts()[-1])

    def _radius(self, row: TunedRow) -> float:
        frees = [one.trial.free_bytes for one in self._rows]
        share = (row.trial.free_bytes - min(frees)) / max(1, max(frees) - min(frees))
        return SMALLEST + (LARGEST - SMALLEST) * share

    def _paint_axes(self, painter: QPainter) -> None:
        area, tokens, scaled = self._area(), self.theme.tokens, self.theme.scaled
        grid, words = QPen(QColor(tokens.line), 1), QColor(tokens.secondary)
        contexts, speeds = self._contexts(), self._speeds()
        for tick in contexts:
            y = area.bottom() - area.height() * tick / contexts[-1]
            painter.setPen(grid)
            painter.drawLine(QPointF(area.left(), y), QPointF(area.right(), y))
            painter.setPen(words)
            right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
            painter.drawText(QRectF(0, y - 10, area.left() - 8, 20), right, format_number(tick))
        for tick in speeds:
            x = area.left() + area.width() * tick / speeds[-1]
            painter.setPen(grid)
            painter.drawLine(QPointF(x, area.top()), QPointF(x, area.bottom()))
            painter.setPen(words)
            place = QRectF(x - 40, area.bottom() + 4, 80, scaled(18))
            decimals = 0 if speeds[-1] >= 10 else 1
            painter.drawText(place, Qt.AlignmentFlag.AlignCenter, format_number(tick, decimals))
        above = QRectF(4, 0, self.width() - 8, scaled(18))
        painter.drawText(above, Qt.AlignmentFlag.AlignLeft, tr("Tokens that memory has room for"))
        below = QRectF(area.left(), self.height() - scaled(20), area.width(), scaled(18))
        painter.drawText(below, Qt.AlignmentFlag.AlignCenter, tr("Tokens written per second"))

    def _paint_points(self, painter: QPainter) -> None:
        tokens = self.theme.tokens
        for number, row in enumerate(self._rows):
            point, radius = self._point(row), self._radius(row)
            painter.setPen(QPen(QColor(tokens.accent if row.is_on_front else tokens.secondary), 2))
            painter.setBrush(QColor(tokens.accent if row.is_on_front else tokens.window))
            painter.drawEllipse(point, radius, radius)
            if number == self.current:
                painter.setBrush(Qt.BrushStyle.NoBrush)
                painter.setPen(QPen(QColor(tokens.text), 2))
                painter.drawEllipse(point, radius + 4, radius + 4)
