"""A model as a map: a field for each part, cut into groups of tensors, as large as they are in the file."""

from collections.abc import Sequence

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.theme.part_colours import part_colour
from app.theme.theme import Theme
from app.translation import tr
from app.views.workbench.marked_view import MarkedView, ViewMark
from app.workbench.parts import PartTotal, describe_group, part_name, part_totals
from app.workbench.sizes import size_in_words
from app.workbench.treemap import Box, squarify
from engine.contract.workbench_messages import TensorGroup

HEIGHT = 230
HEAD_HEIGHT = 17  # of a part that has room for its name
LEAST_HEADED = (70, 40)  # width and height from which on a part shows its name
LEAST_NAMED = 34  # width from which on a group shows its name
GAP = 2.0


class TensorMap(MarkedView):
    """Paints groups; a mark for each."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, parent)
        self._groups: tuple[TensorGroup, ...] = ()
        self._totals: list[PartTotal] = []
        self._fields: list[QRectF] = []  # one for each part
        self.setAccessibleName(tr("Map of the model"))
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    @property
    def groups(self) -> tuple[TensorGroup, ...]:
        """What is shown, in the order of the marks."""
        return self._groups

    def show_groups(self, groups: Sequence[TensorGroup]) -> None:
        """Paint these."""
        self._totals = part_totals(groups)
        by_part = {total.part: [g for g in groups if g.part == total.part] for total in self._totals}
        self._groups = tuple(group for inside in by_part.values() for group in inside)
        self.set_current(-1)
        self.refresh()
        self.updateGeometry()

    def sizeHint(self) -> QSize:
        """As wide as there is room."""
        return QSize(400, self.theme.scaled(HEIGHT))

    def minimumSizeHint(self) -> QSize:
        """Narrow windows get a narrow map."""
        return QSize(160, self.theme.scaled(HEIGHT))

    def lay_out_marks(self) -> list[ViewMark]:
        """Parts first, then the groups within each."""
        whole = Box(0.5, 0.5, self.width() - 1.0, self.height() - 1.0)
        fields = squarify([float(total.size_bytes) for total in self._totals], whole)
        self._fields = [_rect(field.shrunk(GAP / 2)) for field in fields]
        whole_bytes = sum(group.size_bytes for group in self._groups)
        marks: list[ViewMark] = []
        for total, field in zip(self._totals, fields, strict=True):
            inside = [group for group in self._groups if group.part == total.part]
            top = self.theme.scaled(HEAD_HEIGHT) if self._is_headed(_rect(field.shrunk(GAP / 2))) else 0.0
            pieces = squarify([float(g.size_bytes) for g in inside], field.shrunk(GAP / 2 + 1, top))
            marks += [
                ViewMark(_rect(piece), describe_group(group, whole_bytes))
                for group, piece in zip(inside, pieces, strict=True)
            ]
        return marks

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint the fields, their names, and what is current."""
        painter = QPainter(self)
        tokens = self.theme.tokens
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for total, field in zip(self._totals, self._fields, strict=True):
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(part_colour(total.part, tokens)))
            painter.drawRoundedRect(field, 5, 5)
        self._paint_groups(painter)
        self._paint_names(painter)
        if 0 <= self.current < len(self.marks):
            colour = tokens.accent if self.hasFocus() else tokens.text
            painter.setPen(QPen(QColor(colour), 2))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(self.marks[self.current].place.adjusted(0.5, 0.5, -0.5, -0.5), 3, 3)
        painter.end()

    def _paint_groups(self, painter: QPainter) -> None:
        """A line around each group, its name and its type where there is room."""
        painter.setFont(self.theme.fonts.heading)
        metrics = QFontMetricsF(self.theme.fonts.heading)
        line = QColor(self.theme.tokens.window)
        for mark, group in zip(self.marks, self._groups, strict=True):
            painter.setPen(QPen(line, 1))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRect(mark.place)
            inside = mark.place.adjusted(3, 1, -3, -1)
            if inside.width() < self.theme.scaled(LEAST_NAMED) or inside.height() < metrics.height():
                continue
            lines = [metrics.elidedText(group.kind, Qt.TextElideMode.ElideRight, inside.width())]
            if inside.height() >= 2 * metrics.height() + 2:
                lines.append(group.type)
            painter.setPen(QColor(self.theme.tokens.text))
            painter.drawText(inside, Qt.AlignmentFlag.AlignCenter, "\n".join(lines))

    def _paint_names(self, painter: QPainter) -> None:
        painter.setPen(QColor(self.theme.tokens.text))
        painter.setFont(self.theme.fonts.heading)
        metrics = QFontMetricsF(self.theme.fonts.heading)
        for total, field in zip(self._totals, self._fields, strict=True):
            if not self._is_headed(field):
                continue
            strip = QRectF(field.x() + 6, field.y() + 1, field.width() - 12, self.theme.scaled(HEAD_HEIGHT))
            words = f"{part_name(total.part)}  {size_in_words(total.size_bytes)}"
            if metrics.horizontalAdvance(words) > strip.width():
                words = metrics.elidedText(part_name(total.part), Qt.TextElideMode.ElideRight, strip.width())
            painter.drawText(strip, Qt.AlignmentFlag.AlignVCenter, words)

    def _is_headed(self, field: QRectF) -> bool:
        width, height = LEAST_HEADED
        return field.width() >= self.theme.scaled(width) and field.height() >= self.theme.scaled(height)


def _rect(box: Box) -> QRectF:
    return QRectF(box.x, box.y, box.width, box.height)
