"""The model on the bench: which it is, and its tensors as a map or a table."""

from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QMenu,
    QPushButton,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from app.engine_link.model_library import ModelLibrary
from app.engine_link.workbench_subject import WorkbenchSubject
from app.model_facts import facts_of_installed
from app.theme.fonts import FontUse
from app.theme.theme import Theme
from app.translation import format_number, tr
from app.views.side_panel.choice_row import CalmComboBox
from app.views.workbench.table import BenchTable
from app.views.workbench.tensor_map import TensorMap
from app.workbench.job_errors import describe_job_error
from app.workbench.job_words import short_name
from app.workbench.parts import part_name, part_totals
from app.workbench.plan_summary import planned_groups
from app.workbench.sizes import size_in_words
from engine.contract.errors import EngineError
from engine.contract.jobs import PlanResult
from engine.contract.model_info import InstalledModel
from engine.contract.workbench_messages import TensorGroup, TensorMapListed


class ModelBox(QWidget):
    """Chooses the subject and shows what is known of it."""

    def __init__(
        self, subject: WorkbenchSubject, library: ModelLibrary, theme: Theme, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._subject, self._library, self._theme = subject, library, theme
        self._planned: tuple[TensorGroup, ...] = ()
        self.choice = CalmComboBox(self)
        self.choice.setAccessibleName(tr("Model on the workbench"))
        self.choice.setMinimumHeight(theme.scaled(34))
        self.choice.setSizeAdjustPolicy(self.choice.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.choice.setMinimumContentsLength(14)
        self.open = self._button(tr("Open…"))
        self.open.clicked.connect(self._show_open_menu)
        self.facts = self._label("small", tone="secondary")
        self.map = TensorMap(theme, self)
        self.table = BenchTable(tr("Parts of the model"), theme, parent=self)
        self.details = self._label("small")
        self.as_planned = self._button(tr("As planned"))
        self.as_planned.setCheckable(True)
        self.as_table = self._button(tr("Show as a table"))
        self.as_table.setCheckable(True)
        self._lay_out()
        self.choice.activated.connect(lambda: subject.choose(self.choice.currentData()))
        self.as_table.toggled.connect(self._show_form)
        self.as_planned.toggled.connect(self._show_groups)
        self.map.current_changed.connect(self._tell_current)
        library.changed.connect(self._offer)
        subject.chosen.connect(self._show_chosen)
        subject.mapped.connect(self._show_map)
        subject.refused.connect(self._tell_refusal)
        self.setFocusProxy(self.choice)
        self._offer()
        self._show_chosen()

    @property
    def in_order(self) -> tuple[QWidget, ...]:
        """Its parts as they are read."""
        return (self.choice, self.open, self.as_planned, self.as_table, self.map, self.table)

    def show_plan(self, plan: PlanResult | None) -> None:
        """Offer to show the model as a dry run says that it would be; None offers nothing."""
        self._planned = planned_groups(plan) if plan is not None else ()
        self.as_planned.setEnabled(bool(self._planned))
        if not self._planned and self.as_planned.isChecked():
            return  # the next plan is on its way: what is shown stays until then
        self._show_groups()

    def ask_for_file(self) -> None:
        """Let the user choose a GGUF file."""
        self._ask(tr("Open a model"), QFileDialog.FileMode.ExistingFile, tr("Model files (*.gguf)"))

    def ask_for_folder(self) -> None:
        """Let the user choose the folder of a checkpoint."""
        self._ask(tr("Open a model folder"), QFileDialog.FileMode.Directory, "")

    def _ask(self, title: str, mode: QFileDialog.FileMode, files: str) -> None:
        dialog = QFileDialog(self, title, "", files)
        dialog.setFileMode(mode)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(lambda path: self._subject.choose(str(Path(path).absolute())))
        dialog.open()

    def _offer(self) -> None:
        """Every model that can be read, by name; a file that was opened stays among them."""
        chosen = self._subject.model
        self.choice.clear()
        for model in self._library.models:
            if model.info is not None:
                self.choice.addItem(_entry(model), model.name)
        at = next((row for row in range(self.choice.count()) if self._is_chosen(row)), -1)
        if chosen and at < 0:
            self.choice.addItem(short_name(chosen), chosen)
            at = self.choice.count() - 1
        self.choice.setCurrentIndex(at)

    def _is_chosen(self, row: int) -> bool:
        model = self._library.find(self.choice.itemData(row))
        return model is not None and self._subject.model in (model.name, model.path)

    def _show_chosen(self) -> None:
        self._offer()
        self._planned = ()
        self.as_planned.setChecked(False)
        self.as_planned.setEnabled(False)
        self.facts.setText(tr("Reading…") if self._subject.model else tr("Choose a model, or drop one here."))
        self.map.show_groups(())
        self._forms.hide()
        self.details.hide()

    def _show_map(self) -> None:
        found = self._subject.map
        if found is None:
            return
        self.facts.setText(_facts(found))
        self._forms.show()
        self.details.show()
        self._show_groups()

    def _show_groups(self) -> None:
        found = self._subject.map
        if found is None:
            return
        is_planned = self.as_planned.isChecked() and bool(self._planned)
        groups = self._planned if is_planned else found.groups
        self.map.show_groups(groups)
        whole_bytes = sum(group.size_bytes for group in groups)
        rows = [
            (
                part_name(total.part),
                ", ".join(total.types),
                format_number(total.num_tensors),
                size_in_words(total.size_bytes),
                f"{format_number(100 * total.size_bytes / max(whole_bytes, 1), 1)} %",
            )
            for total in part_totals(groups)
        ]
        columns = (tr("Part"), tr("Types"), tr("Tensors"), tr("Size"), tr("Share"))
        self.table.show_rows(columns, rows, numbers=(2, 3, 4))
        self._tell_current(self.map.current)

    def _tell_current(self, number: int) -> None:
        if 0 <= number < len(self.map.marks):
            self.details.setText(self.map.marks[number].name)
        else:
            self.details.setText(tr("Point at a field, or walk through the map with the arrow keys."))

    def _tell_refusal(self, error: EngineError) -> None:
        self.facts.setText(describe_job_error(error))

    def _show_form(self, is_table: bool) -> None:
        words = tr("Show as a map") if is_table else tr("Show as a table")
        self.as_table.setText(words)
        self.as_table.setAccessibleName(words)
        self._forms.setCurrentIndex(int(is_table))
        self.details.setVisible(not is_table and self._subject.map is not None)

    def _show_open_menu(self) -> None:
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.setAccessibleName(tr("Open…"))
        menu.addAction(tr("A model file…"), self.ask_for_file)
        menu.addAction(tr("The folder of a checkpoint…"), self.ask_for_folder)
        menu.popup(self.open.mapToGlobal(self.open.rect().bottomLeft()))

    def _lay_out(self) -> None:
        above = QHBoxLayout()
        above.addWidget(self.choice, 1)
        above.addWidget(self.open)
        middle = QHBoxLayout()
        middle.addWidget(self.facts, 1)
        middle.addWidget(self.as_planned)
        middle.addWidget(self.as_table)
        self._forms = QStackedWidget(self)
        self._forms.addWidget(self.map)
        self._forms.addWidget(self.table)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addLayout(above)
        column.addLayout(middle)
        column.addWidget(self._forms)
        column.addWidget(self.details)

    def _button(self, text: str) -> QPushButton:
        button = QPushButton(text, self)
        button.setProperty("shape", "raised")
        button.setAccessibleName(text)
        return button

    def _label(self, use: FontUse, *, tone: str = "") -> QLabel:
        label = QLabel(self)
        label.setTextFormat(Qt.TextFormat.PlainText)
        label.setWordWrap(True)
        label.setProperty("tone", tone)
        self._theme.give_font(label, use)
        return label


def _entry(model: InstalledModel) -> str:
    facts = facts_of_installed(model)
    return "  ".join(filter(None, (facts.name, facts.quantization, facts.line)))


def _facts(found: TensorMapListed) -> str:
    return tr(
        "{architecture} · {size} · {parameters} M parameters",
        architecture=found.architecture,
        size=size_in_words(found.size_bytes),
        parameters=format_number(found.parameters / 10**6, 1),
    )
