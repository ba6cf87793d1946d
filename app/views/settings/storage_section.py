"""Storage: where Retort keeps its files, and how much of the disk they take."""

from pathlib import Path

from PySide6.QtCore import QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QLabel

from app.folder_sizes import free_on_disk, size_on_disk
from app.theme.theme import Theme
from app.translation import format_bytes, tr
from app.views.settings.section import Section
from engine.contract.paths import Paths


class StorageSection(Section):
    """Measured anew whenever it is shown."""

    def __init__(self, paths: Paths, theme: Theme) -> None:
        super().__init__(tr("Storage"), theme)
        self._paths = paths
        self._sizes: list[tuple[QLabel, list[Path]]] = []
        self._add_place(tr("Chats"), paths.data, *_with_companions(paths.conversations))
        self._add_place(tr("Models"), paths.models, paths.models)
        self._add_place(tr("Settings"), paths.config, paths.config)
        self._add_place(tr("Log"), paths.log, paths.log)
        self._add_place(tr("Cache"), paths.cache, paths.cache)
        self._free = self.add_text("")
        self.refresh()

    def refresh(self) -> None:
        """Measure."""
        for label, measured in self._sizes:
            label.setText(format_bytes(sum(size_on_disk(path) for path in measured)))
        free = format_bytes(free_on_disk(self._paths.data))
        self._free.setText(tr("{size} are free on this disk.", size=free))

    def _add_place(self, name: str, folder: Path, *measured: Path) -> None:
        size = self.label("", tone="secondary")
        open_folder = self.button(tr("Open folder"))
        open_folder.setAccessibleName(tr("Open the folder of {name}", name=name))
        open_folder.clicked.connect(lambda: QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder))))
        open_folder.setEnabled(folder.exists())
        self.add_row(name, str(folder), size, open_folder)
        self._sizes.append((size, list(measured)))


def _with_companions(database: Path) -> list[Path]:
    """A database and the files that SQLite keeps beside it."""
    return [database, *(database.with_name(database.name + end) for end in ("-wal", "-shm"))]
