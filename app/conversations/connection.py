"""A connection to the conversations' file, with what makes it keep its promises."""

from pathlib import Path
from typing import Any

from sqlcipher3 import dbapi2 as sqlite

BUSY_TIMEOUT_S = 5.0


def connect(path: Path) -> Any:
    """Open the file: a write-ahead log, and a commit that is on the disk before it returns."""
    connection = sqlite.connect(str(path), timeout=BUSY_TIMEOUT_S)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA fullfsync = ON")  # macOS: fsync alone leaves it in the drive's cache
        connection.execute("PRAGMA checkpoint_fullfsync = ON")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA trusted_schema = OFF")  # a foreign file's triggers call no functions
    except sqlite.Error:
        connection.close()
        raise
    return connection
