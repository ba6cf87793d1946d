"""What is in the bin, as rows."""

from collections.abc import Iterable
from datetime import datetime
from enum import IntEnum
from typing import Any

from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from app.conversations.bin import DAYS_IN_BIN, BinEntry
from app.translation import tr, tr_count

_Index = QModelIndex | QPersistentModelIndex


class BinRole(IntEnum):
    """What a row can be asked for besides its title."""

    ENTRY = Qt.ItemDataRole.UserRole + 1
    DETAIL = Qt.ItemDataRole.UserRole + 2  # the second line


class BinList(QAbstractListModel):
    """The newest deletion first."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._entries: list[BinEntry] = []

    def set_entries(self, entries: Iterable[BinEntry]) -> None:
        """Show these."""
        self.beginResetModel()
        self._entries = list(entries)
        self.endResetModel()

    def take_out(self, entry: BinEntry) -> None:
        """Show one less."""
        if entry in self._entries:
            row = self._entries.index(entry)
            self.beginRemoveRows(QModelIndex(), row, row)
            del self._entries[row]
            self.endRemoveRows()

    def rowCount(self, parent: _Index | None = None) -> int:
        """How many entries there are."""
        return 0 if parent is not None and parent.isValid() else len(self._entries)

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """What a row says under a role."""
        if not index.isValid():
            return None
        entry = self._entries[index.row()]
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return _title(entry)
            case BinRole.DETAIL:
                return _detail(entry)
            case Qt.ItemDataRole.AccessibleTextRole:
                return f"{_title(entry)}, {_detail(entry)}"
            case BinRole.ENTRY:
                return entry
        return None


def _title(entry: BinEntry) -> str:
    if not entry.message_ids:
        return entry.title or tr("Chat without a title")
    return " ".join(entry.text.split()) or tr("Message without text")


def _detail(entry: BinEntry) -> str:
    days = int((datetime.now().timestamp() - entry.deleted_at) // 86_400)
    left = max(DAYS_IN_BIN - days, 0)
    kept = tr_count(left, "{count} day left", "{count} days left")
    if not entry.message_ids:
        return f"{kept} · {tr('chat')}"
    what = tr_count(
        len(entry.message_ids),
        "{count} message of “{title}”",
        "{count} messages of “{title}”",
        title=entry.title,
    )
    return f"{kept} · {what}"
