"""The conversations as rows: pinned ones, folders, then the rest under headings by date, the newest first."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from enum import IntEnum
from typing import Any

from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, QPersistentModelIndex, Qt, Signal

from app.conversations.message import ConversationHeader, Folder
from app.lists.conversation_groups import Row, group

_Index = QModelIndex | QPersistentModelIndex


class ConversationRole(IntEnum):
    """What a row can be asked for besides its text."""

    ID = Qt.ItemDataRole.UserRole + 1  # of a conversation; empty for a heading or a folder
    IS_HEADING = Qt.ItemDataRole.UserRole + 2
    FOLDER_ID = Qt.ItemDataRole.UserRole + 3  # of a folder; empty for a heading or a conversation
    IS_OPEN = Qt.ItemDataRole.UserRole + 4  # of a folder
    IS_INSIDE = Qt.ItemDataRole.UserRole + 5  # of a conversation below its folder


class ConversationList(QAbstractListModel):
    """Rows for the sidebar; what the user changes here is passed on by signals."""

    renamed = Signal(str, str)  # conversation id, title
    pinned = Signal(str, bool)  # conversation id
    moved = Signal(str, str)  # conversation id, folder id (empty: out of any)
    folder_saved = Signal(object)  # Folder
    folder_removed = Signal(str)  # folder id

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._headers: dict[str, ConversationHeader] = {}
        self._folders: dict[str, Folder] = {}
        self._closed: set[str] = set()
        self._rows: list[Row] = []
        self._row_numbers: dict[str, int] = {}  # by the id of a conversation or folder

    @property
    def folders(self) -> list[Folder]:
        """The folders, by name."""
        return sorted(self._folders.values(), key=lambda folder: folder.name.casefold())

    @property
    def num_conversations(self) -> int:
        """How many conversations there are, in closed folders too."""
        return len(self._headers)

    def set_headers(self, headers: Iterable[ConversationHeader], folders: Iterable[Folder] = ()) -> None:
        """Take these conversations and folders instead of the ones here."""
        self._headers = {header.id: header for header in headers}
        self._folders = {folder.id: folder for folder in folders}
        self.refresh()

    def put(self, header: ConversationHeader) -> None:
        """Add a conversation, or take its new title, time and place."""
        if self._headers.get(header.id) != header:
            self._headers[header.id] = header
            self.refresh()

    def put_all(self, headers: Iterable[ConversationHeader]) -> None:
        """Add many at once."""
        self._headers.update({header.id: header for header in headers})
        self.refresh()

    def remove(self, conversation_id: str) -> None:
        """Take a conversation out."""
        if self._headers.pop(conversation_id, None):
            self.refresh()

    def header(self, conversation_id: str) -> ConversationHeader:
        """What is known of a conversation; raises KeyError."""
        return self._headers[conversation_id]

    def set_pinned(self, conversation_id: str, is_pinned: bool) -> None:
        """Pin a conversation to the top, or no longer."""
        self.put(replace(self._headers[conversation_id], is_pinned=is_pinned))
        self.pinned.emit(conversation_id, is_pinned)

    def move(self, conversation_id: str, folder_id: str) -> None:
        """Put a conversation into a folder; an empty id takes it out of any."""
        self.put(replace(self._headers[conversation_id], folder_id=folder_id or None))
        self.moved.emit(conversation_id, folder_id)

    def put_folder(self, folder: Folder) -> None:
        """Add a folder, or give it another name."""
        self._folders[folder.id] = folder
        self.folder_saved.emit(folder)
        self.refresh()

    def remove_folder(self, folder_id: str) -> None:
        """Remove a folder; its conversations go back among the others."""
        del self._folders[folder_id]
        self.folder_removed.emit(folder_id)
        for header in list(self._headers.values()):
            if header.folder_id == folder_id:
                self._headers[header.id] = replace(header, folder_id=None)
        self.refresh()

    def toggle_folder(self, folder_id: str) -> None:
        """Show or hide what is in a folder."""
        self._closed ^= {folder_id}
        self.refresh()

    def refresh(self) -> None:
        """Order and group anew (also when the day has changed); rows that stay are left alone."""
        self._replace_rows(
            group(self._headers.values(), self._folders.values(), self._closed, datetime.now().date())
        )

    def row_of(self, conversation_id: str) -> QModelIndex:
        """Where a conversation or a folder is, or an invalid index."""
        number = self._row_numbers.get(conversation_id)
        return QModelIndex() if number is None else self.index(number)

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
                return row.id if row.kind == "conversation" else ""
            case ConversationRole.IS_HEADING:
                return row.kind == "heading"
            case ConversationRole.FOLDER_ID:
                return row.id if row.kind == "folder" else ""
            case ConversationRole.IS_OPEN:
                return row.is_open
            case ConversationRole.IS_INSIDE:
                return row.is_inside
        return None

    def setData(self, index: _Index, value: Any, role: int = Qt.ItemDataRole.EditRole) -> bool:
        """Take a title or a folder's name that was typed into the row; an empty one is refused."""
        text = str(value).strip()
        row = self._rows[index.row()]
        if role != Qt.ItemDataRole.EditRole or not text or row.kind == "heading":
            return False
        if text == row.text:
            return True
        if row.kind == "folder":
            self.put_folder(Folder(id=row.id, name=text))
        else:
            self.put(replace(self._headers[row.id], title=text, title_source="user"))
            self.renamed.emit(row.id, text)
        return True

    def flags(self, index: _Index) -> Qt.ItemFlag:
        """Conversations can be selected and renamed, folders renamed, headings neither."""
        kind = self._rows[index.row()].kind if index.isValid() else "heading"
        if kind == "heading":
            return Qt.ItemFlag.NoItemFlags
        editable = Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsEditable
        return editable | Qt.ItemFlag.ItemIsSelectable if kind == "conversation" else editable

    def roleNames(self) -> dict[int, Any]:
        """The names of the roles."""
        return {**super().roleNames(), **{role: role.name.lower().encode() for role in ConversationRole}}

    def _replace_rows(self, rows: list[Row]) -> None:
        same_before = _common_length(self._rows, rows)
        old_middle = self._rows[same_before:]
        new_middle = rows[same_before:]
        same_after = _common_length(old_middle[::-1], new_middle[::-1])
        old_end, new_end = len(self._rows) - same_after, len(rows) - same_after
        if [(row.kind, row.id) for row in self._rows[same_before:old_end]] == [
            (row.kind, row.id) for row in rows[same_before:new_end]
        ]:
            self._set_rows(rows)
            if same_before < new_end:
                self.dataChanged.emit(self.index(same_before), self.index(new_end - 1))
            return
        if same_before < old_end:
            self.beginRemoveRows(QModelIndex(), same_before, old_end - 1)
            self._set_rows(self._rows[:same_before] + self._rows[old_end:])
            self.endRemoveRows()
        if same_before < new_end:
            self.beginInsertRows(QModelIndex(), same_before, new_end - 1)
            self._set_rows(rows)
            self.endInsertRows()

    def _set_rows(self, rows: list[Row]) -> None:
        self._rows = rows
        self._row_numbers = {row.id: number for number, row in enumerate(rows) if row.id}


def _common_length(first: Sequence[Row], second: Sequence[Row]) -> int:
    length = 0
    for one, other in zip(first, second, strict=False):
        if one != other:
            break
        length += 1
    return length
