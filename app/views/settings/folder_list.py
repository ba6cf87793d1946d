"""A list of folders that grows and shrinks by buttons."""

from collections.abc import Iterable

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QFileDialog,
    QHBoxLayout,
    QListWidget,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from app.translation import tr


class FolderList(QWidget):
    """Emits what the list is to be; it changes when it is told so."""

    wanted = Signal(list)  # paths

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._list = QListWidget(self)
        self._list.setMaximumHeight(130)
        self._list.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self._list.currentRowChanged.connect(self._show_state)
        add, self._remove = QPushButton(tr("Add a folder…"), self), QPushButton(tr("Remove"), self)
        for button in (add, self._remove):
            button.setProperty("shape", "raised")
            button.setAccessibleName(button.text())
        add.clicked.connect(self._ask)
        self._remove.clicked.connect(self._remove_current)
        below = QHBoxLayout()
        below.addWidget(add)
        below.addWidget(self._remove)
        below.addStretch()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._list)
        layout.addLayout(below)
        self._list.hide()
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        self._show_state()

    @property
    def folders(self) -> list[str]:
        """The folders that are shown."""
        return [self._list.item(row).text() for row in range(self._list.count())]

    def show_folders(self, folders: Iterable[str]) -> None:
        """Show these."""
        self._list.clear()
        self._list.addItems(list(folders))
        self._list.setVisible(self._list.count() > 0)
        self._list.setAccessibleName(self.accessibleName())
        self._show_state()

    def add(self, folder: str) -> None:
        """Ask for one more."""
        if folder not in self.folders:
            self.wanted.emit([*self.folders, folder])

    def _ask(self) -> None:
        dialog = QFileDialog(self, tr("Add a folder of models"))
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(self.add)
        dialog.open()

    def _remove_current(self) -> None:
        row = self._list.currentRow()
        self.wanted.emit([folder for at, folder in enumerate(self.folders) if at != row])

    def _show_state(self) -> None:
        self._remove.setVisible(self._list.count() > 0)
        self._remove.setEnabled(self._list.currentRow() >= 0)
