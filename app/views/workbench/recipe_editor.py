"""A recipe as text, to read, change and save: what is wrong with it is said while it is typed."""

from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QDialog,
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QPlainTextEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from app.theme.theme import Theme
from app.translation import tr
from app.workbench.parts import PART_NAMES
from app.workbench.recipe_text import recipe_fault

SIZE = (640, 560)


class RecipeEditor(QDialog):
    """Hands a sound recipe back; the file is written only when the user saves."""

    taken = Signal(str)  # the recipe

    def __init__(self, recipe: str, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(tr("Recipe"))
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.resize(theme.scaled(SIZE[0]), theme.scaled(SIZE[1]))
        about = self._label(
            tr(
                "The first rule that fits a tensor decides; a tensor without one gets what the base type's "
                "own mixture gives. A rule names a part ({parts}), a pattern in the tensors' names, or both.",
                parts=", ".join(f"“{part}”" for part in PART_NAMES),
            )
        )
        theme.give_font(about, "small")
        about.setProperty("tone", "secondary")
        self.text = QPlainTextEdit(recipe, self)
        self.text.setObjectName("recipe")
        self.text.setFont(theme.fonts.code)
        self.text.setTabChangesFocus(True)
        self.text.setAccessibleName(tr("Recipe"))
        self.fault = self._label("")
        self.fault.setProperty("tone", "bad")
        self.save = self._button(tr("Save as…"))
        self.take = self._button(tr("Use this recipe"))
        self.take.setProperty("shape", "primary")
        cancel = self._button(tr("Cancel"))
        below = QHBoxLayout()
        below.addWidget(self.save)
        below.addStretch()
        below.addWidget(cancel)
        below.addWidget(self.take)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(20, 18, 20, 16)
        layout.setSpacing(12)
        layout.addWidget(about)
        layout.addWidget(self.text, 1)
        layout.addWidget(self.fault)
        layout.addLayout(below)
        self.text.textChanged.connect(self._check)
        self.save.clicked.connect(self._ask_where)
        self.take.clicked.connect(self._take)
        cancel.clicked.connect(self.reject)
        self._check()
        self.text.setFocus()

    def write(self, path: str) -> None:
        """Save the recipe; says why where that fails."""
        try:
            Path(path).write_text(self.text.toPlainText(), encoding="utf-8")
        except OSError as error:
            self.fault.setText(tr("It could not be saved: {reason}.", reason=error.strerror or str(error)))

    def _check(self) -> None:
        fault = recipe_fault(self.text.toPlainText())
        self.fault.setText(fault)
        for button in (self.save, self.take):
            button.setEnabled(not fault)

    def _take(self) -> None:
        self.taken.emit(self.text.toPlainText())
        self.accept()

    def _ask_where(self) -> None:
        dialog = QFileDialog(self, tr("Save the recipe"), "recipe.json", tr("Recipes (*.json)"))
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(self.write)
        dialog.open()

    def _label(self, text: str) -> QLabel:
        label = QLabel(text, self)
        label.setTextFormat(Qt.TextFormat.PlainText)
        label.setWordWrap(True)
        return label

    def _button(self, text: str) -> QPushButton:
        button = QPushButton(text, self)
        button.setProperty("shape", "raised")
        button.setAccessibleName(text)
        button.setAutoDefault(False)
        return button
