"""How small a model is to become: one of llama.cpp's types, a size, this computer's memory, or a recipe."""

from pathlib import Path
from typing import Literal

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from app.theme.theme import Theme
from app.translation import format_number, mark, tr
from app.views.side_panel.choice_row import CalmComboBox
from app.views.workbench.recipe_editor import RecipeEditor
from app.workbench.recipe_text import recipe_fault, recipe_name, recipe_of_type
from app.workbench.sizes import parse_size, size_to_edit
from engine.contract.quantization_types import QUANTIZATION_TYPES, Purpose

Way = Literal["type", "size", "computer", "recipe"]
WAYS: dict[Way, str] = {
    "type": mark("To a type"),
    "size": mark("To a size"),
    "computer": mark("To fit this computer"),
    "recipe": mark("By a recipe"),
}
PURPOSES: dict[Purpose, str] = {
    "kept": mark("nothing is lost"),
    "nearly kept": mark("hardly anything is lost"),
    "balance": mark("a good balance"),
    "small": mark("small, some is lost"),
    "smallest": mark("smallest, much is lost"),
    "rare": mark("for special needs"),
}
DEFAULT_TYPE = "Q4_K_M"
DEFAULT_CONTEXT = 16_384  # tokens
DEFAULT_SHARE = 0.6  # of the source, as the first size that is offered


class RecipeField(QWidget):
    """Shows what the chosen way needs; `changed` tells of every change."""

    changed = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self.recipe = recipe_of_type(DEFAULT_TYPE)  # the one that was opened or written
        self.way = self._box(tr("How"), [(tr(name), way) for way, name in WAYS.items()])
        self.type_box = self._box(tr("Type"), [(_type_words(t.name), t.name) for t in QUANTIZATION_TYPES])
        self.type_box.setCurrentIndex(self.type_box.findData(DEFAULT_TYPE))
        self.size_field = QLineEdit(self)
        self.size_field.setAccessibleName(tr("Size"))
        self.size_field.setMinimumHeight(theme.scaled(32))
        self.size_field.editingFinished.connect(self.changed)
        self.context = QSpinBox(self)
        self.context.setRange(512, 1_048_576)
        self.context.setSingleStep(4096)
        self.context.setValue(DEFAULT_CONTEXT)
        self.context.setSuffix(f" {tr('tokens of context')}")
        self.context.setKeyboardTracking(False)
        self.context.setMinimumHeight(theme.scaled(32))
        self.context.setAccessibleName(tr("Context length"))
        self.context.valueChanged.connect(self.changed)
        self.measured = QCheckBox(tr("Measure which types do the least damage (takes long)"), self)
        self.measured.setAccessibleName(self.measured.text())
        self.measured.clicked.connect(self.changed)
        self.name = QLabel(self)
        self.name.setTextFormat(Qt.TextFormat.PlainText)
        self.open = self._button(tr("Open…"))
        self.open.clicked.connect(self._ask_which)
        self.edit = self._button(tr("Edit…"))
        self.edit.clicked.connect(self.open_editor)
        self.setFocusProxy(self.way)
        self._lay_out()
        self.way.activated.connect(self._show)
        self.type_box.activated.connect(self.changed)
        self._show()

    @property
    def chosen_way(self) -> Way:
        """What the rest is about."""
        way: Way = self.way.currentData()
        return way

    @property
    def is_measured(self) -> bool:
        """Whether types are to be tried."""
        return self.chosen_way in ("size", "computer") and self.measured.isChecked()

    @property
    def chosen_recipe(self) -> str:
        """The recipe's text; empty where it has to be found for a size."""
        if self.chosen_way == "type":
            return recipe_of_type(self.type_box.currentData())
        return self.recipe if self.chosen_way == "recipe" else ""

    @property
    def budget_bytes(self) -> int:
        """The size that was written; 0 where this computer decides, or nothing sensible stands there."""
        return (parse_size(self.size_field.text()) or 0) if self.chosen_way == "size" else 0

    @property
    def context_length(self) -> int:
        """Tokens that are to fit beside the model, where this computer is the measure."""
        return self.context.value() if self.chosen_way == "computer" else 0

    @property
    def ending(self) -> str:
        """What the result's name ends in."""
        match self.chosen_way:
            case "type":
                return str(self.type_box.currentData())
            case "size":
                return self.size_field.text().strip().replace(" ", "").replace(",", ".")
            case "computer":
                return "fit"
        return recipe_name(self.recipe)

    @property
    def fault(self) -> str:
        """What is wrong, in words."""
        if self.chosen_way == "size" and not self.budget_bytes:
            return tr("Write a size such as 8 GiB or 500 MB.")
        return recipe_fault(self.recipe) if self.chosen_way == "recipe" else ""

    def suggest_size(self, source_bytes: int) -> None:
        """Offer a size for this source."""
        self.size_field.setText(size_to_edit(int(source_bytes * DEFAULT_SHARE)))

    def take_recipe(self, recipe: str) -> None:
        """Use this recipe from now on."""
        self.recipe = recipe
        self.way.setCurrentIndex(self.way.findData("recipe"))
        self._show()

    def open_editor(self) -> None:
        """Let the user read and change the recipe."""
        editor = RecipeEditor(self.recipe, self._theme, self)
        editor.taken.connect(self.take_recipe)
        editor.open()

    def open_file(self, path: str) -> None:
        """Take a recipe's file; one with faults opens in the editor."""
        try:
            recipe = Path(path).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            self.name.setText(tr("{name} cannot be read: {reason}", name=Path(path).name, reason=str(error)))
            return
        self.take_recipe(recipe)
        if recipe_fault(recipe):
            self.open_editor()

    def _ask_which(self) -> None:
        dialog = QFileDialog(self, tr("Open a recipe"), "", tr("Recipes (*.json)"))
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(self.open_file)
        dialog.open()

    def _show(self) -> None:
        way = self.chosen_way
        self.type_box.setVisible(way == "type")
        self.size_field.setVisible(way == "size")
        self.context.setVisible(way == "computer")
        self.measured.setVisible(way in ("size", "computer"))
        for widget in (self.name, self.open, self.edit):
            widget.setVisible(way == "recipe")
        self.name.setText(f"“{recipe_name(self.recipe)}”")
        self.changed.emit()

    def _lay_out(self) -> None:
        above = QHBoxLayout()
        above.setContentsMargins(0, 0, 0, 0)
        above.addWidget(self.way, 1)
        above.addWidget(self.type_box, 2)
        above.addWidget(self.size_field, 2)
        above.addWidget(self.context, 2)
        above.addWidget(self.name, 1)
        above.addWidget(self.open)
        above.addWidget(self.edit)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addLayout(above)
        column.addWidget(self.measured)

    def _box(self, name: str, entries: list[tuple[str, str]]) -> CalmComboBox:
        box = CalmComboBox(self)
        box.setAccessibleName(name)
        box.setMinimumHeight(self._theme.scaled(32))
        box.setSizeAdjustPolicy(box.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        box.setMinimumContentsLength(10)
        for text, value in entries:
            box.addItem(text, value)
        return box

    def _button(self, text: str) -> QPushButton:
        button = QPushButton(text, self)
        button.setProperty("shape", "raised")
        button.setAccessibleName(text)
        return button


def _type_words(name: str) -> str:
    found = next(offered for offered in QUANTIZATION_TYPES if offered.name == name)
    bits = format_number(found.bits_per_weight, 1)
    return tr("{type} · {bits} bits · {purpose}", type=name, bits=bits, purpose=tr(PURPOSES[found.purpose]))
