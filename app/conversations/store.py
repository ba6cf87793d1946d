"""The store: conversations in one SQLite file, written by one thread, read by the thread that made the store.

`save` and its like return a sequence number at once; `on_saved` is called with it, on the writer's thread,
when the rows are on the disk. What `on_saved` leads to (asking the engine) therefore never runs ahead of it.
"""

import time
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from sqlcipher3 import dbapi2 as sqlite

from app.conversations import bin as rubbish
from app.conversations.bin import DAYS_IN_BIN, BinEntry
from app.conversations.connection import connect
from app.conversations.conversation import Conversation
from app.conversations.errors import SqliteTooOld, StoreUnreadable
from app.conversations.message import ConversationHeader, Draft, Folder, Message, TitleSource, storable
from app.conversations.migrations import check_version, migrate
from app.conversations.reader import BackgroundReader, Read
from app.conversations.rows import (
    HEADER_COLUMNS,
    attachments_json,
    read_conversation,
    read_draft,
    read_header,
    write_header,
    write_message,
)
from app.conversations.segments import segment_if_needed
from app.conversations.settings import ConversationSettings
from app.conversations.writer import Writer, WriteReports

BATCH_LENGTH = 500_000  # characters of one transaction of an import: some 20 ms
OLDEST_SQLITE = (3, 51, 3)  # older ones can lose committed rows when the write-ahead log is reset


class ConversationStore:
    """Every conversation of one data folder."""

    def __init__(self, path: Path, reports: WriteReports | None = None) -> None:
        """Open or make the file; raises StoreError."""
        if sqlite.sqlite_version_info < OLDEST_SQLITE:
            raise SqliteTooOld(sqlite.sqlite_version, ".".join(map(str, OLDEST_SQLITE)))
        check_version(path)
        try:
            self._connection = connect(path)
            migrate(self._connection)
        except sqlite.Error as error:
            raise StoreUnreadable(str(path), str(error)) from error
        self._writer = Writer(path, reports or WriteReports())
        self._reader = BackgroundReader(path)

    # what is there

    def headers(self) -> list[ConversationHeader]:
        """Every conversation outside the bin, the newest first."""
        rows = self._connection.execute(
            f"SELECT {HEADER_COLUMNS} FROM conversations WHERE deleted_at IS NULL ORDER BY updated_at DESC"
        )
        return [read_header(row) for row in rows]

    def load(self, conversation_id: str) -> Conversation:
        """One conversation with all its messages; raises KeyError."""
        return read_conversation(self._connection, conversation_id)

    def has(self, conversation: Conversation) -> bool:
        """Whether every message of a conversation is in the file as it is here; no if it cannot be read."""
        try:
            kept = self.load(conversation.id)
        except (KeyError, sqlite.Error):
            return False
        return list(kept.tree) == list(conversation.tree)

    def folders(self) -> list[Folder]:
        """The folders, by name."""
        rows = self._connection.execute("SELECT id, name FROM folders ORDER BY name COLLATE NOCASE")
        return [Folder(id=row[0], name=row[1]) for row in rows]

    def draft(self, conversation_id: str) -> Draft:
        """What is typed and not sent in a conversation; the id is empty for one that has not begun."""
        row = self._connection.execute(
            "SELECT text, attachments FROM drafts WHERE conversation_id = ?", (conversation_id,)
        ).fetchone()
        return read_draft(row) if row else Draft()

    def bin(self) -> list[BinEntry]:
        """What is in the bin, the newest deletion first."""
        return rubbish.list_bin(self._connection)

    def read_in_background(self, read: Read) -> None:
        """Run this with a connection on the reading thread: a search, an export."""
        self._reader.run(read)

    # what changes

    def save(self, header: ConversationHeader, *messages: Message) -> int:
        """Write a conversation's header and these messages, in one transaction."""

        def write(connection: Any) -> None:
            write_header(connection, header)
            _write_messages(connection, messages)

        growing = len(messages) == 1 and messages[0].state == "streaming"
        return self._writer.put(write, key=f"growing {messages[0].id}" if growing else "")

    def insert(self, conversation: Conversation) -> int:
        """Write a whole conversation that is new here; the number is that of its last write.

        It takes several transactions, so that a growing answer need not wait for a large one. Until the last
        it lies in the bin, under a time so early that the next start removes what a kill has left of it.
        """
        header, settings = conversation.header, conversation.settings

        def begin(connection: Any) -> None:
            write_header(connection, header)
            self._write_settings(connection, header.id, settings)
            connection.execute("UPDATE conversations SET deleted_at = 0 WHERE id = ?", (header.id,))

        self._writer.put(begin)
        for batch in _batches(conversation.tree):
            self._writer.put(partial(_write_messages, messages=batch))
        return self.restore(header.id)

    def rename(self, conversation_id: str, title: str, source: TitleSource = "user") -> int:
        """Give a conversation another title."""
        title = storable(title)
        return self._change(
            "UPDATE conversations SET title = ?, segmented_title = ?, title_source = ? WHERE id = ?",
            (title, segment_if_needed(title), source, conversation_id),
        )

    def set_pinned(self, conversation_id: str, is_pinned: bool) -> int:
        """Pin a conversation to the top of the list, or no longer."""
        return self._change(
            "UPDATE conversations SET is_pinned = ? WHERE id = ?", (is_pinned, conversation_id)
        )

    def move_to_folder(self, conversation_id: str, folder_id: str | None) -> int:
        """Put a conversation into a folder; None takes it out of any."""
        return self._change(
            "UPDATE conversations SET folder_id = ? WHERE id = ?", (folder_id, conversation_id)
        )

    def save_settings(self, conversation_id: str, settings: ConversationSettings) -> int:
        """Write what a conversation sets for itself; it must have been saved before."""
        return self._writer.put(
            lambda connection: self._write_settings(connection, conversation_id, settings),
            key=f"settings {conversation_id}",
        )

    def save_folder(self, folder: Folder) -> int:
        """Make a folder, or rename it."""
        return self._change(
            "INSERT INTO folders (id, name, created_at) VALUES (?, ?, ?) "
            "ON CONFLICT (id) DO UPDATE SET name = excluded.name",
            (folder.id, storable(folder.name), time.time()),
        )

    def remove_folder(self, folder_id: str) -> int:
        """Remove a folder; its conversations go back among the others."""
        return self._change("DELETE FROM folders WHERE id = ?", (folder_id,))

    def save_draft(self, conversation_id: str, draft: Draft) -> int:
        """Keep what is typed and not sent; an empty draft is forgotten."""

        def write(connection: Any) -> None:
            if draft == Draft():
                connection.execute("DELETE FROM drafts WHERE conversation_id = ?", (conversation_id,))
                return
            connection.execute(
                "INSERT OR REPLACE INTO drafts (conversation_id, text, attachments) VALUES (?, ?, ?)",
                (conversation_id, storable(draft.text), attachments_json(draft.attachments)),
            )

        return self._writer.put(write, key=f"draft {conversation_id}")

    def end_interrupted(self) -> int:
        """Mark the answers that were growing when the program ended as interrupted. Only their owner may."""
        return self._writer.put(_end_interrupted)

    # the bin

    def move_to_bin(self, conversation_id: str) -> int:
        """Take a conversation out of the list; its rows stay for thirty days."""
        return self._change(
            "UPDATE conversations SET deleted_at = ? WHERE id = ?", (time.time(), conversation_id)
        )

    def restore(self, conversation_id: str) -> int:
        """Take a conversation out of the bin."""
        return self._change("UPDATE conversations SET deleted_at = NULL WHERE id = ?", (conversation_id,))

    def remove_from_bin(self, entry: BinEntry) -> int:
        """Remove an entry of the bin for good."""
        return self._writer.put(lambda connection: rubbish.purge_entry(connection, entry))

    def empty_bin(self, now: float, days: float = DAYS_IN_BIN) -> int:
        """Remove for good what has been in the bin for so long."""
        return self._writer.put(lambda connection: rubbish.purge(connection, now - days * 86_400))

    @property
    def is_idle(self) -> bool:
        """Whether everything is on the disk."""
        return self._writer.is_idle

    def wait_until_idle(self, timeout_s: float) -> bool:
        """Wait until everything is on the disk; False if it takes longer, or nothing can be written."""
        return self._writer.wait_until_idle(timeout_s)

    def close(self, timeout_s: float = 10.0) -> None:
        """Write what waits, then close the file."""
        self._reader.close(timeout_s)
        self._writer.close(timeout_s)
        self._connection.close()

    def _change(self, statement: str, values: tuple[Any, ...]) -> int:
        return self._writer.put(lambda connection: connection.execute(statement, values))

    @staticmethod
    def _write_settings(connection: Any, conversation_id: str, settings: ConversationSettings) -> None:
        connection.execute(
            "UPDATE conversations SET settings = ? WHERE id = ?",
            (storable(settings.to_json()), conversation_id),
        )


def _write_messages(connection: Any, messages: Iterable[Message]) -> None:
    for message in messages:
        write_message(connection, message)


def _batches(messages: Iterable[Message]) -> Iterator[list[Message]]:
    batch: list[Message] = []
    length = 0
    for message in messages:
        batch.append(message)
        length += (
            len(message.text) + len(message.reasoning) + sum(len(one.text) for one in message.attachments)
        )
        if length > BATCH_LENGTH:
            yield batch
            batch, length = [], 0
    yield batch


def _end_interrupted(connection: Any) -> None:
    growing = connection.execute("SELECT id, text FROM messages WHERE state = 'streaming'").fetchall()
    connection.executemany(
        "UPDATE messages SET state = 'interrupted', segmented_text = ? WHERE id = ?",
        [(segment_if_needed(text), message_id) for message_id, text in growing],
    )
