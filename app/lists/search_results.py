"""What a search has found, as rows: a title and the words around what was found."""

from collections.abc import Callable
from enum import IntEnum
from typing import Any

from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, QPersistentModelIndex, Qt, QTimer, Signal

from app.conversations.search import SearchResult, search

TYPING_PAUSE_MS = 120

_Index = QModelIndex | QPersistentModelIndex
ReadInBackground = Callable[[Callable[[Any], None]], None]


class ResultRole(IntEnum):
    """What a row can be asked for besides its title."""

    RESULT = Qt.ItemDataRole.UserRole + 1


class SearchResults(QAbstractListModel):
    """Searches on the reading thread while the user types; only the newest search counts."""

    changed = Signal()  # a search has ended
    _found = Signal(int, object)  # number of the search, list of SearchResult

    def __init__(self, read_in_background: ReadInBackground, parent: QObject | None = None) -> None:
        """`read_in_background` runs a function with a connection, on another thread."""
        super().__init__(parent)
        self._read_in_background = read_in_background
        self._results: list[SearchResult] = []
        self._words = ""
        self._number = 0
        self._pause = QTimer(self, interval=TYPING_PAUSE_MS, singleShot=True)
        self._pause.timeout.connect(self._search)
        self._found.connect(self._show)

    @property
    def words(self) -> str:
        """What is searched for; empty for nothing."""
        return self._words

    def set_words(self, words: str) -> None:
        """Search for these words, once the typing pauses."""
        self._words = words.strip()
        self._number += 1
        self._pause.start()
        if not self._words:
            self._pause.stop()
            self._show(self._number, [])

    def search_again(self) -> None:
        """Search for the same words: what can be found has changed."""
        if self._words:
            self._number += 1
            self._pause.start()

    def result(self, row: int) -> SearchResult:
        """What was found in a row."""
        return self._results[row]

    def rowCount(self, parent: _Index | None = None) -> int:
        """How many conversations were found."""
        return 0 if parent is not None and parent.isValid() else len(self._results)

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """What a row says under a role."""
        if not index.isValid():
            return None
        result = self._results[index.row()]
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return result.title
            case Qt.ItemDataRole.AccessibleTextRole:
                return f"{result.title}: {result.snippet}" if result.snippet else result.title
            case ResultRole.RESULT:
                return result
        return None

    def _search(self) -> None:
        number, words = self._number, self._words
        self._read_in_background(lambda connection: self._found.emit(number, search(connection, words)))

    def _show(self, number: int, results: list[SearchResult]) -> None:
        if number != self._number:
            return  # the user has typed on
        self.beginResetModel()
        self._results = results
        self.endResetModel()
        self.changed.emit()
