"""A path to type or to choose in a dialog: a file to read, or the file to write."""

from typing import Literal

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QLineEdit, QPushButton, QWidget

from app.theme.theme import Theme
from app.translation import tr

Purpose = Literal["read", "write"]


class PathField(QWidget):
    """Tells when the path is another one; suggests one as long as the user has written none."""

    changed = Signal()

    def __init__(
        self, purpose: Purpose, title: str, files: str, theme: Theme, parent: QWidget | None = None
    ) -> None:
        """`title` is what the dialog says; `files` which ones it shows, as QFileDialog takes it."""
        super().__init__(parent)
        self._purpose, self._title, self._files = purpose, title, files
        self._suggestion = ""
        self.line = QLineEdit(self)
        self.line.setMinimumHeight(theme.scaled(32))
        self.line.setAccessibleName(title)
        self.line.editingFinished.connect(self._tell)
        self._told = ""
        words = tr("Choose…")
        self.button = QPushButton(words, self)
        self.button.setProperty("shape", "raised")
        self.button.setAccessibleName(f"{title}: {words}")
        self.button.clicked.connect(self.open_dialog)
        self.setFocusProxy(self.line)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.line, 1)
        row.addWidget(self.button)

    @property
    def path(self) -> str:
        """What stands there."""
        return self.line.text().strip()

    def set_path(self, path: str) -> None:
        """Write a path as if the user had."""
        self.line.setText(path)
        self.line.setCursorPosition(len(path))
        self._tell()

    def suggest(self, path: str) -> None:
        """Write a path where the user has written none of their own."""
        if self.path in ("", self._suggestion):
            self._suggestion = path
            self.set_path(path)

    def open_dialog(self) -> None:
        """Let the user choose."""
        dialog = QFileDialog(self, self._title, self.path, self._files)
        if self._purpose == "write":
            dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        else:
            dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        if self.path:
            dialog.selectFile(self.path)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(self.set_path)
        dialog.open()

    def _tell(self) -> None:
        if self.path != self._told:
            self._told = self.path
            self.changed.emit()
