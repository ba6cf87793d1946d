"""The models that could be fetched, as rows: filtered and sorted, the catalogue's under headings by room."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from app.found_model import FoundModel
from app.model_filter import ModelFilter, Sorting, sort_models
from app.model_room import Memory, Room, room_for
from app.translation import mark, tr

_Index = QModelIndex | QPersistentModelIndex

HEADINGS: dict[Room, str] = {
    "fits": mark("Fits on this computer"),
    "tight": mark("Fits once other programs are closed"),
    "too_large": mark("Larger than this computer's memory"),
    "unknown": mark("Not known whether it fits"),
}
ROOM_WORDS: dict[Room, str] = {
    "fits": mark("Fits"),
    "tight": mark("Tight"),
    "too_large": mark("Too large"),
    "unknown": "",
}


class FoundRole(IntEnum):
    """What a row can be asked for besides its text."""

    MODEL = Qt.ItemDataRole.UserRole + 1  # FoundModel; None for a heading
    ROOM = Qt.ItemDataRole.UserRole + 2
    IS_HEADING = Qt.ItemDataRole.UserRole + 3
    IS_HERE = Qt.ItemDataRole.UserRole + 4  # in the library already


@dataclass(frozen=True, slots=True)
class _Row:
    heading: Room | None = None
    model: FoundModel | None = None
    room: Room = "unknown"


class FoundList(QAbstractListModel):
    """Takes all there are and shows those that the filter lets through."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._models: tuple[FoundModel, ...] = ()
        self._filter = ModelFilter()
        self._sorting: Sorting = "room"
        self._memory = Memory()
        self._here: frozenset[tuple[str, str]] = frozenset()
        self._rows: list[_Row] = []

    @property
    def models(self) -> tuple[FoundModel, ...]:
        """All, whether they are shown or not."""
        return self._models

    @property
    def num_shown(self) -> int:
        """How many models there are among the rows."""
        return sum(row.model is not None for row in self._rows)

    def set_models(self, models: Iterable[FoundModel]) -> None:
        """Take these in place of those here."""
        self._models = tuple(models)
        self._arrange()

    def set_filter(self, model_filter: ModelFilter) -> None:
        """Show what this lets through."""
        self._filter = model_filter
        self._arrange()

    def set_sorting(self, sorting: Sorting) -> None:
        """Show them in this order."""
        self._sorting = sorting
        self._arrange()

    def set_memory(self, memory: Memory) -> None:
        """Judge by this memory what has room."""
        self._memory = memory
        self._arrange()

    def set_here(self, files: Iterable[tuple[str, str]]) -> None:
        """Which files of which repositories are in the library."""
        self._here = frozenset(files)
        if self._rows:
            self.dataChanged.emit(self.index(0), self.index(len(self._rows) - 1))

    def row_of(self, key: str) -> QModelIndex:
        """Where a model is, or an invalid index."""
        for number, row in enumerate(self._rows):
            if row.model is not None and row.model.key == key:
                return self.index(number)
        return QModelIndex()

    def room_of(self, model: FoundModel) -> Room:
        """Whether there is room for it."""
        return room_for(model.size_bytes, self._memory)

    def rowCount(self, parent: _Index | None = None) -> int:
        """Models and headings."""
        return 0 if parent is not None and parent.isValid() else len(self._rows)

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """A heading's words, or a model and what is known of it here."""
        row = self._rows[index.row()]
        if row.model is None:
            known: Mapping[int, Any] = {
                Qt.ItemDataRole.DisplayRole: tr(HEADINGS[row.heading or "unknown"]),
                FoundRole.IS_HEADING: True,
            }
            return known.get(role)
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return row.model.title
            case Qt.ItemDataRole.AccessibleTextRole:
                return ", ".join(filter(None, (row.model.title, tr(ROOM_WORDS[row.room]))))
            case FoundRole.MODEL:
                return row.model
            case FoundRole.ROOM:
                return row.room
            case FoundRole.IS_HEADING:
                return False
            case FoundRole.IS_HERE:
                return (row.model.repository, row.model.file) in self._here
        return None

    def flags(self, index: _Index) -> Qt.ItemFlag:
        """A heading is no choice."""
        if self._rows[index.row()].model is None:
            return Qt.ItemFlag.NoItemFlags
        return Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable

    def _arrange(self) -> None:
        shown = [
            _Row(model=model, room=self.room_of(model))
            for model in sort_models(self._models, self._sorting)
            if self._filter.takes(model, self.room_of(model))
        ]
        if self._sorting == "room":
            shown = [row for room in HEADINGS for row in _group(room, shown)]
        if shown == self._rows:
            return
        self.beginResetModel()
        self._rows = shown
        self.endResetModel()


def _group(room: Room, rows: Iterable[_Row]) -> list[_Row]:
    """The rows of one room under their heading; what is large is in sight first where all of it fits."""
    found = [row for row in rows if row.room == room]
    if room == "fits":
        found.sort(key=lambda row: -(row.model.size_bytes if row.model else 0))
    elif room in ("tight", "too_large"):
        found.sort(key=lambda row: row.model.size_bytes if row.model else 0)
    return [_Row(heading=room), *found] if found else []
