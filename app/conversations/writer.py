"""The one thread that writes the conversations: in order, and for as long as it takes.

A write that the disk refuses (it is full, or gone for the moment) is tried again until it goes through, and
everything behind it waits in memory: nothing is lost by it, and it goes on by itself. A write that is wrong
in itself is given up and reported.
"""

import logging
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlcipher3 import dbapi2 as sqlite

from app.conversations.connection import connect

RETRY_INTERVAL_S = 1.0
# what passes when there is room again, another program lets go, or the drive is back
_PASSING = {
    sqlite.SQLITE_FULL: "the disk is full",
    sqlite.SQLITE_IOERR: "the disk does not take it; it may be full",
    sqlite.SQLITE_READONLY: "the file cannot be written",
    sqlite.SQLITE_CANTOPEN: "the file cannot be opened",
    sqlite.SQLITE_BUSY: "another program is using the file",
    sqlite.SQLITE_LOCKED: "another program is using the file",
}

log = logging.getLogger(__name__)
Write = Callable[[Any], object]


def _ignore(*_anything: object) -> None:
    """Nobody listens."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteReports:
    """Who is told what became of the writes; called on the writer's thread."""

    on_saved: Callable[[int], None] = _ignore  # the write with this sequence number is on the disk
    on_failed: Callable[[int, str], None] = _ignore  # it is wrong, for this reason, and was given up
    on_blocked: Callable[[str], None] = _ignore  # nothing can be written for now, for this reason
    on_unblocked: Callable[[], None] = _ignore  # writing goes on


@dataclass(slots=True)
class _Waiting:
    write: Write
    key: str
    sequences: list[int] = field(default_factory=list)


class Writer:
    """Takes writes from any thread; each runs in a transaction of its own."""

    def __init__(self, path: Path, reports: WriteReports) -> None:
        self._path = path
        self._reports = reports
        self._changed = threading.Condition()
        self._waiting: deque[_Waiting] = deque()
        self._sequence = 0
        self._is_closing = False
        self._is_blocked = False
        self._is_writing = False
        self._connection: Any = None
        self._thread = threading.Thread(target=self._run, name="conversation-writer", daemon=True)
        self._thread.start()

    def put(self, write: Write, key: str = "") -> int:
        """Queue a write; returns its sequence number.

        A write with a key takes the place of one with the same key that still waits, and both are reported.
        """
        with self._changed:
            self._sequence += 1
            waiting = next((one for one in self._waiting if key and one.key == key), None)
            if waiting is None:
                waiting = _Waiting(write, key)
                self._waiting.append(waiting)
            waiting.write = write
            waiting.sequences.append(self._sequence)
            self._changed.notify_all()
            return self._sequence

    @property
    def is_idle(self) -> bool:
        """Whether everything is on the disk."""
        with self._changed:
            return self._is_idle

    def wait_until_idle(self, timeout_s: float) -> bool:
        """Wait until everything is on the disk; False if it takes longer, or nothing can be written."""
        with self._changed:
            self._changed.wait_for(lambda: self._is_idle or self._is_blocked, timeout_s)
            return self._is_idle

    @property
    def _is_idle(self) -> bool:
        return not self._waiting and not self._is_writing

    def close(self, timeout_s: float) -> None:
        """Write what waits, then end; what cannot be written by then is lost, and the log says so."""
        with self._changed:
            self._is_closing = True
            self._changed.notify_all()
        self._thread.join(timeout_s)
        if self._thread.is_alive():
            log.error("the conversations were not written within %s s", timeout_s)

    def _run(self) -> None:
        while (item := self._next()) is not None:
            while not self._try(item):
                with self._changed:
                    if self._is_closing:
                        log.error("%d writes were lost at the end", 1 + len(self._waiting))
                        self._waiting.clear()
                        break
                    self._changed.wait_for(lambda: self._is_closing, RETRY_INTERVAL_S)
        self._disconnect()

    def _next(self) -> _Waiting | None:
        with self._changed:
            self._is_writing = False
            self._changed.notify_all()
            self._changed.wait_for(lambda: bool(self._waiting) or self._is_closing)
            self._is_writing = bool(self._waiting)
            return self._waiting.popleft() if self._waiting else None

    def _try(self, item: _Waiting) -> bool:
        """Whether this write is done with; False if it has to be tried again."""
        try:
            if self._connection is None:
                self._connection = connect(self._path)
            with self._connection:  # commits, or rolls back
                item.write(self._connection)
        except (sqlite.Error, ValueError) as error:
            self._disconnect()
            reason = _PASSING.get(getattr(error, "sqlite_errorcode", 0) & 0xFF)
            if reason is not None:
                self._block(reason, error)
                return False
            log.exception("conversation write %s failed", item.sequences)
            for sequence in item.sequences:
                self._reports.on_failed(sequence, str(error))
        else:
            self._unblock()
            for sequence in item.sequences:
                self._reports.on_saved(sequence)
        return True

    def _block(self, reason: str, error: Exception) -> None:
        if not self._is_blocked:
            self._is_blocked = True
            with self._changed:
                self._changed.notify_all()
            log.error("the conversations cannot be written: %s", error)
            self._reports.on_blocked(reason)

    def _unblock(self) -> None:
        if self._is_blocked:
            self._is_blocked = False
            log.info("the conversations can be written again")
            self._reports.on_unblocked()

    def _disconnect(self) -> None:
        if self._connection is not None:
            try:
                self._connection.close()
            except sqlite.Error:
                log.exception("closing the conversations' file")
            self._connection = None
