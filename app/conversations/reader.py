"""A thread that reads the conversations, for what may take longer than a window can wait."""

import logging
import queue
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlcipher3 import dbapi2 as sqlite

from app.conversations.connection import connect

Read = Callable[[Any], None]  # gets the connection; hands its result on by itself

log = logging.getLogger(__name__)


class BackgroundReader:
    """Runs one job after the other on a connection of its own; the thread starts with the first."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._jobs: queue.SimpleQueue[Read | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None

    def run(self, read: Read) -> None:
        """Queue a job. What it raises is logged; a job that has to report a failure catches it itself."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="conversation-reader", daemon=True)
            self._thread.start()
        self._jobs.put(read)

    def close(self, timeout_s: float) -> None:
        """End after what is queued."""
        if self._thread is not None:
            self._jobs.put(None)
            self._thread.join(timeout_s)

    def _run(self) -> None:
        connection = None
        try:
            while (read := self._jobs.get()) is not None:
                try:
                    connection = connection or connect(self._path)
                    read(connection)
                except (sqlite.Error, OSError, ValueError, KeyError):
                    log.exception("reading the conversations failed")
        finally:
            if connection is not None:
                connection.close()
