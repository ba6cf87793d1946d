"""A plot of all variants of a model: to the right the size, upwards the damage or the speed.

The best ones, which no other beats in both, are filled and joined by a line.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.theme.theme import Theme
from app.translation import format_number, tr
from app.views.workbench.marked_view import MarkedView, ViewMark
from app.workbench.card_rows import describe_variant
from app.workbench.sizes import size_in_words
from app.workbench.ticks import nice_ticks
from app.workbench.variants import Against, Variant, short_names

HEIGHT = 280
LEFT, BOTTOM, TOP, RIGHT = 58, 44, 32, 34  # room for the axes' words
RADIUS = 6.0
HIT = 12.0  # pixels around a point that count as it


class VariantPlot(MarkedView):
    """Paints variants; a mark for each that has a value."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, parent)
        self._variants: list[Variant] = []
        self._against: Against = "damage"
        self.setAccessibleName(tr("Plot of the variants"))
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    @property
    def variants(self) -> list[Variant]:
        """Those that are painted, in the order of the marks."""
        return self._variants

    def show_variants(self, variants: Sequence[Variant], against: Against) -> None:
        """Paint these."""
        self._against = against
        self._variants = [variant for variant in variants if variant.value(against) is not None]
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
        marks = []
        for variant in self._variants:
            point = self._point(variant)
            marks.append(
                ViewMark(
                    QRectF(point.x() - HIT, point.y() - HIT, 2 * HIT, 2 * HIT), describe_variant(variant)
                )
            )
        return marks

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint the axes, the line of the best, the points and their names."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(self.theme.fonts.small)
        if self._variants:
            self._paint_axes(painter)
            self._paint_line(painter)
            self._paint_points(painter)
        painter.end()

    def _area(self) -> QRectF:
        scaled = self.theme.scaled
        return QRectF(
            scaled(LEFT),
            scaled(TOP),
            max(1, self.width() - scaled(LEFT) - scaled(RIGHT)),
            max(1, self.height() - scaled(TOP) - scaled(BOTTOM)),
        )

    def _size_ticks(self) -> list[float]:
        unit = _size_unit(self._variants)
        return [tick * unit for tick in nice_ticks(max(v.size_bytes for v in self._variants) / unit)]

    def _value_ticks(self) -> list[float]:
        return nice_ticks(max(variant.value(self._against) or 0.0 for variant in self._variants))

    def _point(self, variant: Variant) -> QPointF:
        area = self._area()
        value = variant.value(self._against) or 0.0
        x = area.left() + area.width() * variant.size_bytes / self._size_ticks()[-1]
        return QPointF(x, area.bottom() - area.height() * value / self._value_ticks()[-1])

    def _paint_axes(self, painter: QPainter) -> None:
        area, tokens, scaled = self._area(), self.theme.tokens, self.theme.scaled
        grid, words = QPen(QColor(tokens.line), 1), QColor(tokens.secondary)
        ticks = self._value_ticks()
        decimals = _decimals(ticks)
        for tick in ticks:
            y = area.bottom() - area.height() * tick / ticks[-1]
            painter.setPen(grid)
            painter.drawLine(QPointF(area.left(), y), QPointF(area.right(), y))
            painter.setPen(words)
            place = QRectF(0, y - 10, area.left() - 8, 20)
            right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
            painter.drawText(place, right, format_number(tick, decimals))
        sizes = self._size_ticks()
        for tick in sizes:
            x = area.left() + area.width() * tick / sizes[-1]
            painter.setPen(grid)
            painter.drawLine(QPointF(x, area.top()), QPointF(x, area.bottom()))
            painter.setPen(words)
            place = QRectF(x - 60, area.bottom() + 4, 120, scaled(18))
            painter.drawText(place, Qt.AlignmentFlag.AlignCenter, size_in_words(round(tick)) if tick else "0")
        upright = (
            tr("KL divergence, nats per token (less is better)")
            if self._against == "damage"
            else tr("tok/s written (more is better)")
        )
        painter.drawText(QRectF(4, 0, self.width() - 8, scaled(18)), Qt.AlignmentFlag.AlignLeft, upright)
        below = QRectF(area.left(), self.height() - scaled(20), area.width(), scaled(18))
        painter.drawText(below, Qt.AlignmentFlag.AlignCenter, tr("Size of the file"))

    def _paint_line(self, painter: QPainter) -> None:
        best = sorted((v for v in self._variants if v.is_best), key=lambda variant: variant.size_bytes)
        painter.setPen(QPen(QColor(self.theme.tokens.accent), 1.5, Qt.PenStyle.DashLine))
        for first, second in pairwise(best):
            painter.drawLine(self._point(first), self._point(second))

    def _paint_points(self, painter: QPainter) -> None:
        tokens = self.theme.tokens
        for number, variant in enumerate(self._variants):
            point = self._point(variant)
            painter.setPen(QPen(QColor(tokens.accent if variant.is_best else tokens.secondary), 2))
            painter.setBrush(QColor(tokens.accent if variant.is_best else tokens.window))
            painter.drawEllipse(point, RADIUS, RADIUS)
            if number == self.current:
                painter.setBrush(Qt.BrushStyle.NoBrush)
                painter.setPen(QPen(QColor(tokens.text), 2))
                painter.drawEllipse(point, RADIUS + 4, RADIUS + 4)
        self._paint_names(painter)

    def _paint_names(self, painter: QPainter) -> None:
        """Names where they cover no other; the current one in any case."""
        metrics, area = painter.fontMetrics(), self._area()
        room = QRectF(area.left(), area.top() - 4, self.width() - area.left(), area.height() + 4)
        taken = [QRectF(p.x() - 7, p.y() - 7, 14, 14) for p in map(self._point, self._variants)]
        order = sorted(
            range(len(self._variants)),
            key=lambda at: (at != self.current, not self._variants[at].is_best, at),
        )
        labels = short_names([variant.name for variant in self._variants])
        painter.setPen(QColor(self.theme.tokens.text))
        for at in order:
            words = labels[at] or tr("reference")
            width, height = metrics.horizontalAdvance(words), metrics.height()
            for place in _places_beside(self._point(self._variants[at]), width, height):
                is_free = not any(place.intersects(other) for other in taken)
                if is_free and room.contains(place):
                    painter.drawText(place, Qt.AlignmentFlag.AlignCenter, words)
                    taken.append(place)
                    break


def _places_beside(point: QPointF, width: float, height: float) -> Iterator[QRectF]:
    """Where a name can stand: right of its point, left of it, above, below."""
    x, y = point.x(), point.y()
    yield QRectF(x + 11, y - height / 2, width, height)
    yield QRectF(x - width - 11, y - height / 2, width, height)
    yield QRectF(x - width / 2, y - height - 9, width, height)
    yield QRectF(x - width / 2, y + 9, width, height)


def _size_unit(variants: Sequence[Variant]) -> float:
    largest = max(variant.size_bytes for variant in variants)
    return float(2**30 if largest >= 2**30 else 2**20)


def _decimals(ticks: Sequence[float]) -> int:
    step = ticks[1] - ticks[0] if len(ticks) > 1 else 1.0
    return next((places for places in range(6) if abs(step - round(step, places)) < 1e-9), 6)
