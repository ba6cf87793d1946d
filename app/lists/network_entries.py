"""The requests that went to the network, as rows of a table: when, where, why, how many bytes.

The newest stands first.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from app.translation import format_bytes, mark, tr
from engine.contract.catalogue_messages import NetworkEntry

_Index = QModelIndex | QPersistentModelIndex

COLUMNS = (mark("Time"), mark("Host"), mark("Purpose"), mark("Received"))


class NetworkEntries(QAbstractTableModel):
    """One row for each request."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._entries: list[NetworkEntry] = []

    def set_entries(self, entries: Sequence[NetworkEntry]) -> None:
        """Take these, oldest first, in place of those here."""
        newest_first = list(reversed(entries))
        if newest_first != self._entries:
            self.beginResetModel()
            self._entries = newest_first
            self.endResetModel()

    @property
    def received_bytes(self) -> int:
        """Of all of them together."""
        return sum(entry.received_bytes for entry in self._entries)

    def rowCount(self, parent: _Index | None = None) -> int:
        """One for each request."""
        return 0 if parent is not None and parent.isValid() else len(self._entries)

    def columnCount(self, parent: _Index | None = None) -> int:
        """Always the same."""
        return 0 if parent is not None and parent.isValid() else len(COLUMNS)

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        """What a column shows."""
        if orientation == Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole:
            return tr(COLUMNS[section])
        return None

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """A cell's text; the whole of it as a tip."""
        if role not in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole):
            return None
        entry = self._entries[index.row()]
        return (_moment(entry.time), entry.host, entry.purpose, _received(entry))[index.column()]


def _moment(time: float) -> str:
    return datetime.fromtimestamp(time).strftime("%Y-%m-%d %H:%M:%S")


def _received(entry: NetworkEntry) -> str:
    if not entry.has_ended:
        return tr("no end noted")
    if entry.status >= 400:
        return tr(
            "{size}, it answered {status}", size=format_bytes(entry.received_bytes), status=entry.status
        )
    return format_bytes(entry.received_bytes)
