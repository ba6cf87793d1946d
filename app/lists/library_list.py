"""The models on this computer, as rows: by name, by what takes most room, or by when they were used."""

from collections.abc import Iterable
from enum import IntEnum
from typing import Any, Literal, get_args

from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from app.model_facts import facts_of_installed
from engine.contract.model_info import InstalledModel

_Index = QModelIndex | QPersistentModelIndex

LibrarySorting = Literal["name", "size", "used"]
LIBRARY_SORTINGS: tuple[LibrarySorting, ...] = get_args(LibrarySorting)


class LibraryRole(IntEnum):
    """What a row can be asked for besides its text."""

    MODEL = Qt.ItemDataRole.UserRole + 1  # InstalledModel
    SHARE = Qt.ItemDataRole.UserRole + 2  # of the largest model's bytes, from 0 to 1


class LibraryList(QAbstractListModel):
    """Takes the library as it was listed."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._models: list[InstalledModel] = []
        self._sorting: LibrarySorting = "name"
        self._words = ""
        self._all: tuple[InstalledModel, ...] = ()

    @property
    def all(self) -> tuple[InstalledModel, ...]:
        """Every model, whether it is shown or not."""
        return self._all

    @property
    def total_bytes(self) -> int:
        """What all models take on the disk, wherever they lie."""
        return sum(model.size_bytes for model in self._all)

    def set_models(self, models: Iterable[InstalledModel]) -> None:
        """Take these in place of those here."""
        self._all = tuple(models)
        self._arrange()

    def set_sorting(self, sorting: LibrarySorting) -> None:
        """Show them in this order."""
        self._sorting = sorting
        self._arrange()

    def set_words(self, words: str) -> None:
        """Show those whose names hold all of these words."""
        self._words = words
        self._arrange()

    def row_of(self, name: str) -> QModelIndex:
        """Where a model is, or an invalid index."""
        for number, model in enumerate(self._models):
            if name in (model.name, model.path):
                return self.index(number)
        return QModelIndex()

    def rowCount(self, parent: _Index | None = None) -> int:
        """One for each model."""
        return 0 if parent is not None and parent.isValid() else len(self._models)

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """A model, and how it compares with the others."""
        model = self._models[index.row()]
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return facts_of_installed(model).name
            case Qt.ItemDataRole.AccessibleTextRole:
                return facts_of_installed(model).spoken
            case LibraryRole.MODEL:
                return model
            case LibraryRole.SHARE:
                largest = max(one.size_bytes for one in self._models)
                return model.size_bytes / largest if largest else 0.0
        return None

    def _arrange(self) -> None:
        words = self._words.casefold().split()
        shown = [one for one in self._all if all(word in one.name.casefold() for word in words)]
        if self._sorting == "size":
            shown.sort(key=lambda one: -one.size_bytes)
        elif self._sorting == "used":
            shown.sort(key=lambda one: -one.used_at)
        else:
            shown.sort(key=lambda one: facts_of_installed(one).name.casefold())
        if shown != self._models:
            self.beginResetModel()
            self._models = shown
            self.endResetModel()
