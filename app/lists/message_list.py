"""The shown path of one conversation as rows; it grows while text streams and never resets then."""

from collections.abc import Iterable
from dataclasses import replace
from enum import IntEnum
from typing import Any

from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from app.conversations.conversation import Message

_Index = QModelIndex | QPersistentModelIndex


class MessageRole(IntEnum):
    """What a message can be asked for besides its text."""

    ID = Qt.ItemDataRole.UserRole + 1
    SPEAKER = Qt.ItemDataRole.UserRole + 2  # user, assistant, system
    STATE = Qt.ItemDataRole.UserRole + 3
    MODEL = Qt.ItemDataRole.UserRole + 4
    MESSAGE = Qt.ItemDataRole.UserRole + 5  # the whole record
    ACTIVITY = Qt.ItemDataRole.UserRole + 6  # what an answer without text yet waits for
    IS_DIMMED = Qt.ItemDataRole.UserRole + 7  # no longer fits the context


class MessageList(QAbstractListModel):
    """Messages by row. `message` and `activity` are the quick way for Python, `data` the Qt one.

    Text that streams in is told of once; what comes after it is told of again when the message has been read.
    """

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._messages: list[Message] = []
        self._activity = ""
        self._versions: dict[str, tuple[int, int]] = {}  # by message id: which one, of how many
        self._first_kept_id = ""
        self._growing_row = -1  # of the message whose text has come since it was read last
        self._new_text: list[str] = []
        self._new_reasoning: list[str] = []

    def show_path(self, messages: Iterable[Message], activity: str = "") -> None:
        """Show another conversation."""
        self._forget_new()
        self.beginResetModel()
        self._messages = list(messages)
        self._activity = activity
        self._versions = {}
        self._first_kept_id = ""
        self.endResetModel()

    def replace_tail(self, row: int, messages: Iterable[Message]) -> None:
        """Show another branch from a row on; what is above it stays as it is."""
        self._join_new()
        last = len(self._messages) - 1
        if row <= last:
            self.beginRemoveRows(QModelIndex(), row, last)
            del self._messages[row:]
            self.endRemoveRows()
        new = list(messages)
        if new:
            self.beginInsertRows(QModelIndex(), row, row + len(new) - 1)
            self._messages += new
            self.endInsertRows()

    def append(self, message: Message) -> None:
        """Add a message at the end."""
        row = len(self._messages)
        self.beginInsertRows(QModelIndex(), row, row)
        self._messages.append(message)
        self.endInsertRows()

    def append_text(self, message_id: str, text: str) -> None:
        """Let an answer grow."""
        self._grow(message_id, self._new_text, text)

    def append_reasoning(self, message_id: str, text: str) -> None:
        """Let what a model thinks before its answer grow."""
        self._grow(message_id, self._new_reasoning, text)

    def set_versions(self, message_id: str, position: int, count: int) -> None:
        """Say that a message is one of several that were made in the same place, counted from 1."""
        self._versions[message_id] = (position, count)
        row = self.find(message_id)
        if row is not None:
            self._put(row, self.message(row))

    def versions(self, row: int) -> tuple[int, int]:
        """Which version a message is, and how many there are."""
        return self._versions.get(self._messages[row].id, (1, 1))

    def set_first_kept(self, message_id: str) -> None:
        """Say which message is the first that fits the context; empty: all do, an id not shown: none does."""
        if message_id != self._first_kept_id:
            self._first_kept_id = message_id
            if self._messages:
                self.dataChanged.emit(
                    self.index(0), self.index(len(self._messages) - 1), [MessageRole.IS_DIMMED]
                )

    def is_dimmed(self, row: int) -> bool:
        """Whether a message no longer fits the context."""
        if not self._first_kept_id:
            return False
        first = self.find(self._first_kept_id)
        return first is None or row < first

    def change(self, message: Message) -> None:
        """Take the new record of a message that is shown; others are ignored."""
        row = self.find(message.id)
        if row is not None:
            if row == self._growing_row:  # the record has it all
                self._forget_new()
            self._put(row, message)

    def set_activity(self, activity: str) -> None:
        """Say what the newest answer waits for; empty for nothing."""
        self._activity = activity
        if self._messages:
            row = len(self._messages) - 1
            self._put(row, self.message(row))

    def find(self, message_id: str) -> int | None:
        """The row of a message; searched from the end, where changes happen."""
        for row in range(len(self._messages) - 1, -1, -1):
            if self._messages[row].id == message_id:
                return row
        return None

    def message(self, row: int) -> Message:
        """The record in a row."""
        if row == self._growing_row:
            self._join_new()
        return self._messages[row]

    def activity(self, row: int) -> str:
        """What the answer in this row waits for; only the newest can wait."""
        is_waiting = row == len(self._messages) - 1 and self._messages[row].state == "streaming"
        return self._activity if is_waiting else ""

    def rowCount(self, parent: _Index | None = None) -> int:
        """How many messages are shown."""
        return 0 if parent is not None and parent.isValid() else len(self._messages)

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """What a message says under a role."""
        if not index.isValid():
            return None
        message = self.message(index.row())
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return message.text
            case Qt.ItemDataRole.AccessibleTextRole:
                return f"{message.role}: {message.text}"
            case MessageRole.ID:
                return message.id
            case MessageRole.SPEAKER:
                return message.role
            case MessageRole.STATE:
                return message.state
            case MessageRole.MODEL:
                return message.model
            case MessageRole.MESSAGE:
                return message
            case MessageRole.ACTIVITY:
                return self.activity(index.row())
            case MessageRole.IS_DIMMED:
                return self.is_dimmed(index.row())
        return None

    def roleNames(self) -> dict[int, Any]:
        """The names of the roles."""
        return {**super().roleNames(), **{role: role.name.lower().encode() for role in MessageRole}}

    def _grow(self, message_id: str, new: list[str], text: str) -> None:
        row = self.find(message_id)
        if row is None:
            return
        is_told = row == self._growing_row
        if not is_told:
            self._join_new()
            self._growing_row = row
        new.append(text)
        if not is_told:
            index = self.index(row)
            self.dataChanged.emit(index, index)

    def _join_new(self) -> None:
        """Make what has streamed in a part of its message."""
        row = self._growing_row
        if row >= 0:
            message = self._messages[row]
            text = "".join([message.text, *self._new_text])
            reasoning = "".join([message.reasoning, *self._new_reasoning])
            self._messages[row] = replace(message, text=text, reasoning=reasoning)
            self._forget_new()

    def _forget_new(self) -> None:
        self._growing_row = -1
        self._new_text.clear()
        self._new_reasoning.clear()

    def _put(self, row: int, message: Message) -> None:
        self._messages[row] = message
        index = self.index(row)
        self.dataChanged.emit(index, index)
