"""What a quantization would give, before it is begun: the size, the types of every part, what falls back."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QVBoxLayout, QWidget

from app.theme.fonts import FontUse
from app.theme.theme import Theme
from app.translation import format_number, tr
from app.views.workbench.table import BenchTable
from app.workbench.job_errors import describe_job_error
from app.workbench.parts import part_name
from app.workbench.plan_summary import fallback_lines, headline, plan_parts
from app.workbench.sizes import size_in_words
from engine.contract.errors import EngineError
from engine.contract.jobs import PlanResult


class PlanView(QWidget):
    """Shows an outcome, that one is computed, or why there is none."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self.headline = self._label("strong")
        self.table = BenchTable(tr("Types of every part"), theme, parent=self)
        self.fallbacks = self._label("small", tone="busy")
        self.note = self._label("small", tone="secondary")
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        for widget in (self.headline, self.table, self.fallbacks, self.note):
            column.addWidget(widget)
        self.show_busy()

    def show_busy(self) -> None:
        """Say that it is being computed; what was shown before stays, so that nothing jumps."""
        self.headline.setText(tr("Computing what this gives…"))
        self.fallbacks.hide()
        self.note.hide()
        self.table.setVisible(self.table.rowCount() > 0)
        self.table.setEnabled(False)

    def show_nothing(self) -> None:
        """There is nothing to compute it from."""
        self.headline.clear()
        self.table.setRowCount(0)
        for widget in (self.table, self.fallbacks, self.note):
            widget.hide()

    def show_error(self, error: EngineError) -> None:
        """Say why this cannot be made."""
        self.show_nothing()
        self.headline.setText(describe_job_error(error))

    def show_plan(self, plan: PlanResult, note: str = "") -> None:
        """Show what would be written; `note` is said below it."""
        self.headline.setText(headline(plan))
        columns = (tr("Part"), tr("Tensors"), tr("Now"), tr("Then"), tr("Size then"))
        rows = [
            (
                part_name(row.part),
                format_number(row.num_tensors),
                row.old_types,
                row.new_types,
                size_in_words(row.new_bytes),
            )
            for row in plan_parts(plan.tensors)
        ]
        self.table.show_rows(columns, rows, numbers=(1, 4), wide=3)
        self.table.setEnabled(True)
        self.table.show()
        lines = fallback_lines(plan)
        self.fallbacks.setText("\n".join(lines))
        self.fallbacks.setVisible(bool(lines))
        self.note.setText(note)
        self.note.setVisible(bool(note))

    def _label(self, use: FontUse, tone: str = "") -> QLabel:
        label = QLabel(self)
        label.setTextFormat(Qt.TextFormat.PlainText)
        label.setWordWrap(True)
        label.setProperty("tone", tone)
        self._theme.give_font(label, use)
        return label
