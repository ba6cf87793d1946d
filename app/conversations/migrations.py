"""The schema of the conversations' file, as the steps that lead to it. A step once released never changes."""

from pathlib import Path
from typing import Any

from sqlcipher3 import dbapi2 as sqlite

from app.conversations.errors import StoreTooNew, StoreUnreadable
from app.conversations.segments import segment_if_needed

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
    # numbers that stay when the file is compacted, for the search index; titles, pins, folders, settings;
    # reasoning, attachments and a bin for messages; drafts
    """
    CREATE TABLE folders (
        id TEXT PRIMARY KEY,
        name TEXT NOT NULL,
        created_at REAL NOT NULL
    ) STRICT;
    CREATE TABLE new_conversations (
        number INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        title TEXT NOT NULL,
        segmented_title TEXT,
        title_source TEXT NOT NULL,
        head_id TEXT,
        created_at REAL NOT NULL,
        updated_at REAL NOT NULL,
        deleted_at REAL,
        is_pinned INTEGER NOT NULL,
        folder_id TEXT REFERENCES folders (id) ON DELETE SET NULL,
        settings TEXT NOT NULL
    ) STRICT;
    CREATE TABLE new_messages (
        number INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        conversation_id TEXT NOT NULL REFERENCES new_conversations (id) ON DELETE CASCADE,
        parent_id TEXT,
        role TEXT NOT NULL,
        text TEXT NOT NULL,
        segmented_text TEXT,
        reasoning TEXT NOT NULL,
        attachments TEXT NOT NULL,
        state TEXT NOT NULL,
        model TEXT NOT NULL,
        stats TEXT NOT NULL,
        created_at REAL NOT NULL,
        deleted_at REAL
    ) STRICT;
    INSERT INTO new_conversations
        SELECT NULL, id, title, segment_if_needed(title), 'user', head_id, created_at, updated_at, deleted_at,
               0, NULL, '{}'
        FROM conversations ORDER BY rowid;
    INSERT INTO new_messages
        SELECT NULL, id, conversation_id, parent_id, role, text, segment_if_needed(text), '', '[]',
               replace(state, 'streaming', 'interrupted'), model, stats, created_at, NULL
        FROM messages ORDER BY rowid;
    DROP TABLE messages;
    DROP TABLE conversations;
    ALTER TABLE new_conversations RENAME TO conversations;
    ALTER TABLE new_messages RENAME TO messages;
    CREATE INDEX messages_of_conversation ON messages (conversation_id);
    CREATE INDEX messages_below ON messages (parent_id);
    CREATE INDEX messages_streaming ON messages (number) WHERE state = 'streaming';
    CREATE INDEX messages_in_bin ON messages (deleted_at) WHERE deleted_at IS NOT NULL;
    CREATE INDEX conversations_by_time ON conversations (deleted_at, updated_at);
    CREATE INDEX conversations_of_folder ON conversations (folder_id);

    CREATE TABLE drafts (
        conversation_id TEXT PRIMARY KEY,  -- empty: a conversation that has not begun
        text TEXT NOT NULL,
        attachments TEXT NOT NULL
    ) STRICT;
    CREATE TRIGGER draft_goes_with_conversation AFTER DELETE ON conversations BEGIN
        DELETE FROM drafts WHERE conversation_id = old.id;
    END;

    CREATE VIEW indexed_messages AS
        SELECT number, coalesce(segmented_text, text) AS text FROM messages
        WHERE state <> 'streaming' AND deleted_at IS NULL;
    CREATE VIRTUAL TABLE message_index USING fts5 (
        text, content='indexed_messages', content_rowid='number',
        tokenize='unicode61 remove_diacritics 2', prefix='2 3'
    );
    CREATE TRIGGER message_index_insert AFTER INSERT ON messages
    WHEN new.state <> 'streaming' AND new.deleted_at IS NULL BEGIN
        INSERT INTO message_index (rowid, text) VALUES (new.number, coalesce(new.segmented_text, new.text));
    END;
    CREATE TRIGGER message_index_delete AFTER DELETE ON messages
    WHEN old.state <> 'streaming' AND old.deleted_at IS NULL BEGIN
        INSERT INTO message_index (message_index, rowid, text)
        VALUES ('delete', old.number, coalesce(old.segmented_text, old.text));
    END;
    CREATE TRIGGER message_index_before_update BEFORE UPDATE OF text, state, deleted_at ON messages
    WHEN old.state <> 'streaming' AND old.deleted_at IS NULL BEGIN
        INSERT INTO message_index (message_index, rowid, text)
        VALUES ('delete', old.number, coalesce(old.segmented_text, old.text));
    END;
    CREATE TRIGGER message_index_after_update AFTER UPDATE OF text, state, deleted_at ON messages
    WHEN new.state <> 'streaming' AND new.deleted_at IS NULL BEGIN
        INSERT INTO message_index (rowid, text) VALUES (new.number, coalesce(new.segmented_text, new.text));
    END;

    CREATE VIEW indexed_titles AS
        SELECT number, coalesce(segmented_title, title) AS title FROM conversations;
    CREATE VIRTUAL TABLE title_index USING fts5 (
        title, content='indexed_titles', content_rowid='number',
        tokenize='unicode61 remove_diacritics 2', prefix='2 3'
    );
    CREATE TRIGGER title_index_insert AFTER INSERT ON conversations BEGIN
        INSERT INTO title_index (rowid, title)
        VALUES (new.number, coalesce(new.segmented_title, new.title));
    END;
    CREATE TRIGGER title_index_delete AFTER DELETE ON conversations BEGIN
        INSERT INTO title_index (title_index, rowid, title)
        VALUES ('delete', old.number, coalesce(old.segmented_title, old.title));
    END;
    CREATE TRIGGER title_index_before_update BEFORE UPDATE OF title ON conversations
    WHEN old.title <> new.title BEGIN
        INSERT INTO title_index (title_index, rowid, title)
        VALUES ('delete', old.number, coalesce(old.segmented_title, old.title));
    END;
    CREATE TRIGGER title_index_after_update AFTER UPDATE OF title ON conversations
    WHEN old.title <> new.title BEGIN
        INSERT INTO title_index (rowid, title)
        VALUES (new.number, coalesce(new.segmented_title, new.title));
    END;
    INSERT INTO message_index (message_index) VALUES ('rebuild');
    INSERT INTO title_index (title_index) VALUES ('rebuild');
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
    connection.create_function("segment_if_needed", 1, segment_if_needed, deterministic=True)
    for version, script in enumerate(MIGRATIONS[found:], start=found + 1):
        connection.executescript(f"BEGIN IMMEDIATE;{script};PRAGMA user_version = {version};COMMIT;")
