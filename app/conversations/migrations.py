"""The schema of the conversations' file, as the steps that lead to it. A step once released never changes."""

from pathlib import Path
from typing import Any

from sqlcipher3 import dbapi2 as sqlite

from app.conversations.errors import StoreTooNew, StoreUnreadable

MIGRATIONS: tuple[str, ...] = (
    """
    CREATE TABLE conversations (
        id TEXT PRIMARY KEY,
        title TEXT NOT NULL,
        head_id TEXT,
        created_at REAL NOT NULL,
        updated_at REAL NOT NULL,
        deleted_at REAL
    ) STRICT;
    CREATE TABLE messages (
        id TEXT PRIMARY KEY,
        conversation_id TEXT NOT NULL REFERENCES conversations (id) ON DELETE CASCADE,
        parent_id TEXT,
        role TEXT NOT NULL,
        text TEXT NOT NULL,
        state TEXT NOT NULL,
        model TEXT NOT NULL,
        stats TEXT NOT NULL,
        created_at REAL NOT NULL
    ) STRICT;
    CREATE INDEX messages_of_conversation ON messages (conversation_id);
    CREATE INDEX conversations_by_time ON conversations (deleted_at, updated_at);
    """,
)
SCHEMA_VERSION = len(MIGRATIONS)


def check_version(path: Path) -> None:
    """Refuse a file of a newer Retort, or no database at all, through a connection that cannot write."""
    if not path.exists():
        return
    try:
        connection = sqlite.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
        try:
            found = int(connection.execute("PRAGMA user_version").fetchone()[0])
        finally:
            connection.close()
    except sqlite.Error as error:
        raise StoreUnreadable(str(path), str(error)) from error
    if found > SCHEMA_VERSION:
        raise StoreTooNew(str(path), found, SCHEMA_VERSION)


def migrate(connection: Any) -> None:
    """Bring the schema up to date, each step in a transaction of its own."""
    found = int(connection.execute("PRAGMA user_version").fetchone()[0])
    for version, script in enumerate(MIGRATIONS[found:], start=found + 1):
        connection.executescript(f"BEGIN IMMEDIATE;{script};PRAGMA user_version = {version};COMMIT;")
