"""Which text a model reads: the one that ships with Retort, a file, or prompts that are typed here."""

from pathlib import Path
from typing import Literal

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QPlainTextEdit, QSizePolicy, QVBoxLayout, QWidget

from app.theme.theme import Theme
from app.translation import mark, tr
from app.views.side_panel.choice_row import CalmComboBox
from app.views.workbench.path_field import PathField
from app.workbench.texts import bundled_text, keep_prompts
from engine.contract.paths import Paths

Source = Literal["bundled", "file", "prompts"]
SOURCES: dict[Source, str] = {
    "bundled": mark("The text that comes with Retort"),
    "file": mark("A text file of mine"),
    "prompts": mark("My own prompts"),
}
LEAST_PROMPTS = 200  # characters; fewer tell nothing


class TextField(QWidget):
    """Shows what the choice needs."""

    changed = Signal()

    def __init__(self, paths: Paths, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._paths = paths
        self.source = CalmComboBox(self)
        self.source.setMinimumHeight(theme.scaled(32))
        self.source.setAccessibleName(tr("Text"))
        self.source.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        for source, name in SOURCES.items():
            self.source.addItem(tr(name), source)
        self.file = PathField(
            "read", tr("Text file"), f"{tr('Texts')} (*.txt *.md *.jsonl);;{tr('All files')} (*)", theme, self
        )
        self.prompts = QPlainTextEdit(self)
        self.prompts.setAccessibleName(tr("My own prompts"))
        self.prompts.setPlaceholderText(
            tr("What you ask models for, one after the other, with answers or without.")
        )
        self.prompts.setFixedHeight(theme.scaled(130))
        self.prompts.setTabChangesFocus(True)
        self.setFocusProxy(self.source)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        for widget in (self.source, self.file, self.prompts):
            column.addWidget(widget)
        self.source.activated.connect(self._show)
        self.file.changed.connect(self.changed)
        self.prompts.textChanged.connect(self.changed)
        self._show()

    @property
    def fault(self) -> str:
        """Why there is nothing to read, in words; empty where there is."""
        match self.source.currentData():
            case "file" if not Path(self.file.path).is_file():
                return tr("Choose the text file.")
            case "prompts" if len(self.prompts.toPlainText().strip()) < LEAST_PROMPTS:
                return tr("Write some more prompts: so little text tells nothing of a model.")
        return ""

    def path(self) -> str:
        """The file that holds the text; raises OSError where the prompts cannot be kept."""
        match self.source.currentData():
            case "file":
                return str(Path(self.file.path).absolute())
            case "prompts":
                return str(keep_prompts(self.prompts.toPlainText(), self._paths))
        return str(bundled_text())

    def _show(self) -> None:
        self.file.setVisible(self.source.currentData() == "file")
        self.prompts.setVisible(self.source.currentData() == "prompts")
        self.changed.emit()
