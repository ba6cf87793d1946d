"""The store: conversations in one SQLite file, written by one thread, read by the thread that made the store.

`save` and its like return a sequence number at once; `on_saved` is called with it, on the writer thread, when
the rows are on the disk. What `on_saved` leads to (asking the engine) therefore never runs ahead of the disk.
"""

import json
import logging
import queue
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any

from sqlcipher3 import dbapi2 as sqlite

from app.conversations.conversation import AnswerStats, Conversation, ConversationHeader, Message, storable
from app.conversations.errors import SqliteTooOld, StoreUnreadable
from app.conversations.migrations import check_version, migrate

OLDEST_SQLITE = (3, 51, 3)  # older ones can lose committed rows when the write-ahead log is reset
DAYS_IN_BIN = 30

log = logging.getLogger(__name__)
_Write = Callable[[Any], None]


class ConversationStore:
    """Every conversation of one data folder."""

    def __init__(
        self,
        path: Path,
        *,
        on_saved: Callable[[int], None] = lambda _sequence: None,
        on_failed: Callable[[int, str], None] = lambda _sequence, _reason: None,
    ) -> None:
        """Open or make the file; raises StoreError. The callbacks run on the writer thread."""
        self._path = path
        self._on_saved = on_saved
        self._on_failed = on_failed
        self._writes: queue.SimpleQueue[tuple[int, _Write] | None] = queue.SimpleQueue()
        self._sequence = 0
        if sqlite.sqlite_version_info < OLDEST_SQLITE:
            raise SqliteTooOld(sqlite.sqlite_version, ".".join(map(str, OLDEST_SQLITE)))
        check_version(path)
        try:
            self._reader = _connect(path)
            migrate(self._reader)
        except sqlite.Error as error:
            raise StoreUnreadable(str(path), str(error)) from error
        self._thread = threading.Thread(target=self._run, name="conversation-writer", daemon=True)
        self._thread.start()

    def headers(self) -> list[ConversationHeader]:
        """Every conversation outside the bin, the newest first."""
        rows = self._reader.execute(
            "SELECT id, title, created_at, updated_at, head_id FROM conversations "
            "WHERE deleted_at IS NULL ORDER BY updated_at DESC"
        )
        return [_header(row) for row in rows]

    def load(self, conversation_id: str) -> Conversation:
        """One conversation with all its messages; an answer that never ended shows as interrupted."""
        row = self._reader.execute(
            "SELECT id, title, created_at, updated_at, head_id FROM conversations WHERE id = ?",
            (conversation_id,),
        ).fetchone()
        if row is None:
            raise KeyError(f"no conversation {conversation_id}")
        rows = self._reader.execute(
            "SELECT id, conversation_id, parent_id, role, text, state, model, stats, created_at "
            "FROM messages WHERE conversation_id = ?",
            (conversation_id,),
        )
        return Conversation(_header(row), map(_message, rows))

    def save(self, header: ConversationHeader, *messages: Message) -> int:
        """Write a conversation's header and these messages, in one transaction."""

        def write(connection: Any) -> None:
            connection.execute(
                "INSERT INTO conversations (id, title, head_id, created_at, updated_at) "
                "VALUES (?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET "
                "title = excluded.title, head_id = excluded.head_id, updated_at = excluded.updated_at",
                (header.id, header.title, header.head_id, header.created_at, header.updated_at),
            )
            for message in messages:
                _write_message(connection, message)

        return self._queue(write)

    def rename(self, conversation_id: str, title: str) -> int:
        """Give a conversation another title."""
        return self._queue(
            lambda connection: connection.execute(
                "UPDATE conversations SET title = ? WHERE id = ?", (storable(title), conversation_id)
            )
        )

    def move_to_bin(self, conversation_id: str) -> int:
        """Take a conversation out of the list; its rows stay for thirty days."""
        return self._set_deleted_at(conversation_id, time.time())

    def restore(self, conversation_id: str) -> int:
        """Take a conversation out of the bin."""
        return self._set_deleted_at(conversation_id, None)

    def empty_bin(self, now: float) -> int:
        """Remove for good what has been in the bin for thirty days."""
        return self._queue(
            lambda connection: connection.execute(
                "DELETE FROM conversations WHERE deleted_at < ?", (now - DAYS_IN_BIN * 86_400,)
            )
        )

    def close(self, timeout_s: float = 10.0) -> None:
        """Write what waits, then close the file."""
        self._writes.put(None)
        self._thread.join(timeout_s)
        if self._thread.is_alive():
            log.error("the conversations were not written within %s s", timeout_s)
        self._reader.close()

    def _set_deleted_at(self, conversation_id: str, deleted_at: float | None) -> int:
        return self._queue(
            lambda connection: connection.execute(
                "UPDATE conversations SET deleted_at = ? WHERE id = ?", (deleted_at, conversation_id)
            )
        )

    def _queue(self, write: _Write) -> int:
        self._sequence += 1
        self._writes.put((self._sequence, write))
        return self._sequence

    def _run(self) -> None:
        connection = None
        while (item := self._writes.get()) is not None:
            sequence, write = item
            try:
                if connection is None:
                    connection = _connect(self._path)
                with connection:  # commits, or rolls back
                    write(connection)
            except (sqlite.Error, ValueError) as error:  # the disk is full, the folder is gone …
                log.exception("conversation write %d failed", sequence)
                self._on_failed(sequence, str(error))
            else:
                self._on_saved(sequence)
        if connection is not None:
            connection.close()


def _connect(path: Path) -> Any:
    connection = sqlite.connect(str(path), timeout=5.0)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
    except sqlite.Error:
        connection.close()
        raise
    return connection


def _write_message(connection: Any, message: Message) -> None:
    connection.execute(
        "INSERT INTO messages (id, conversation_id, parent_id, role, text, state, model, stats, created_at) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET "
        "text = excluded.text, state = excluded.state, model = excluded.model, stats = excluded.stats",
        (
            message.id,
            message.conversation_id,
            message.parent_id,
            message.role,
            message.text,
            message.state,
            message.model,
            json.dumps(asdict(message.stats)),
            message.created_at,
        ),
    )


def _header(row: Any) -> ConversationHeader:
    return ConversationHeader(id=row[0], title=row[1], created_at=row[2], updated_at=row[3], head_id=row[4])


def _stats(values: dict[str, Any]) -> AnswerStats:
    """The fields this version knows; a later one may have written more."""
    known = {field.name for field in fields(AnswerStats)}
    return AnswerStats(**{name: value for name, value in values.items() if name in known})


def _message(row: Any) -> Message:
    message = Message(
        id=row[0],
        conversation_id=row[1],
        parent_id=row[2],
        role=row[3],
        text=row[4],
        state=row[5],
        model=row[6],
        stats=_stats(json.loads(row[7])),
        created_at=row[8],
    )
    return replace(message, state="interrupted") if message.state == "streaming" else message
