"""The conversations as rows under headings by date, the newest first."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import IntEnum
from typing import Any

from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, QPersistentModelIndex, Qt, Signal

from app.conversations.conversation import ConversationHeader

_Index = QModelIndex | QPersistentModelIndex


class ConversationRole(IntEnum):
    """What a row can be asked for besides its text."""

    ID = Qt.ItemDataRole.UserRole + 1  # empty for a heading
    IS_HEADING = Qt.ItemDataRole.UserRole + 2


@dataclass(frozen=True, slots=True)
class _Row:
    text: str
    conversation_id: str = ""  # empty for a heading


class ConversationList(QAbstractListModel):
    """Rows for the sidebar; a new title that the user typed is passed on as `renamed`."""

    renamed = Signal(str, str)  # conversation id, title

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._headers: dict[str, ConversationHeader] = {}
        self._rows: list[_Row] = []

    def set_headers(self, headers: Iterable[ConversationHeader]) -> None:
        """Take these conversations instead of the ones here."""
        self._headers = {header.id: header for header in headers}
        self.refresh()

    def put(self, header: ConversationHeader) -> None:
        """Add a conversation, or take its new title and time."""
        self._headers[header.id] = header
        self.refresh()

    def remove(self, conversation_id: str) -> None:
        """Take a conversation out."""
        if self._headers.pop(conversation_id, None):
            self.refresh()

    def refresh(self) -> None:
        """Order and group anew (also when the day has changed); rows that stay are left alone."""
        self._replace_rows(_group(self._headers.values(), datetime.now().date()))

    def row_of(self, conversation_id: str) -> QModelIndex:
        """Where a conversation is, or an invalid index."""
        for number, row in enumerate(self._rows):
            if conversation_id and row.conversation_id == conversation_id:
                return self.index(number)
        return QModelIndex()

    def rowCount(self, parent: _Index | None = None) -> int:
        """Headings and conversations together."""
        return 0 if parent is not None and parent.isValid() else len(self._rows)

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """What a row says under a role."""
        if not index.isValid():
            return None
        row = self._rows[index.row()]
        match role:
            case Qt.ItemDataRole.DisplayRole | Qt.ItemDataRole.EditRole | Qt.ItemDataRole.AccessibleTextRole:
                return row.text
            case ConversationRole.ID:
                return row.conversation_id
            case ConversationRole.IS_HEADING:
                return not row.conversation_id
        return None

    def setData(self, index: _Index, value: Any, role: int = Qt.ItemDataRole.EditRole) -> bool:
        """Take a title that was typed into the row; an empty one is refused."""
        title = str(value).strip()
        row = self._rows[index.row()]
        if role != Qt.ItemDataRole.EditRole or not title or not row.conversation_id:
            return False
        if title != row.text:
            self.put(replace(self._headers[row.conversation_id], title=title))
            self.renamed.emit(row.conversation_id, title)
        return True

    def flags(self, index: _Index) -> Qt.ItemFlag:
        """Conversations can be selected and renamed, headings neither."""
        if not index.isValid() or not self._rows[index.row()].conversation_id:
            return Qt.ItemFlag.NoItemFlags
        return Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable | Qt.ItemFlag.ItemIsEditable

    def roleNames(self) -> dict[int, Any]:
        """The names of the roles."""
        return {
            **super().roleNames(),
            ConversationRole.ID: b"conversationId",
            ConversationRole.IS_HEADING: b"isHeading",
        }

    def _replace_rows(self, rows: list[_Row]) -> None:
        same_before = _common_length(self._rows, rows)
        old_middle = self._rows[same_before:]
        new_middle = rows[same_before:]
        same_after = _common_length(old_middle[::-1], new_middle[::-1])
        old_end, new_end = len(self._rows) - same_after, len(rows) - same_after
        if [row.conversation_id for row in self._rows[same_before:old_end]] == [
            row.conversation_id for row in rows[same_before:new_end]
        ]:
            self._rows = rows
            if same_before < new_end:
                self.dataChanged.emit(self.index(same_before), self.index(new_end - 1))
            return
        if same_before < old_end:
            self.beginRemoveRows(QModelIndex(), same_before, old_end - 1)
            self._rows = self._rows[:same_before] + self._rows[old_end:]
            self.endRemoveRows()
        if same_before < new_end:
            self.beginInsertRows(QModelIndex(), same_before, new_end - 1)
            self._rows = rows
            self.endInsertRows()


def _group(headers: Iterable[ConversationHeader], today: date) -> list[_Row]:
    rows: list[_Row] = []
    heading = ""
    for header in sorted(headers, key=lambda header: header.updated_at, reverse=True):
        days = (today - datetime.fromtimestamp(header.updated_at).date()).days
        its_heading = _heading(days)
        if its_heading != heading:
            heading = its_heading
            rows.append(_Row(heading))
        rows.append(_Row(header.title or "New chat", header.id))
    return rows


def _heading(days: int) -> str:
    if days <= 0:
        return "Today"
    if days == 1:
        return "Yesterday"
    return "Previous 7 days" if days <= 7 else "Older"


def _common_length(first: Sequence[_Row], second: Sequence[_Row]) -> int:
    length = 0
    for one, other in zip(first, second, strict=False):
        if one != other:
            break
        length += 1
    return length
