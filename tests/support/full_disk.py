"""A disk that can be full, played by a file that may not grow."""

from pathlib import Path
from typing import Any

import pytest

from app.conversations.connection import connect


class Disk:
    """While it is full, no connection that the writer makes may add a page to its file."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.is_full = False
        monkeypatch.setattr("app.conversations.writer.connect", self.connect)
        monkeypatch.setattr("app.conversations.writer.RETRY_INTERVAL_S", 0.02)

    def connect(self, path: Path) -> Any:
        """Connect as the writer does."""
        connection = connect(path)
        if self.is_full:
            connection.execute("PRAGMA max_page_count = 1")  # SQLite takes as many as there are
        return connection
