from pathlib import Path

import pytest
from sqlcipher3 import dbapi2 as sqlite

from app.conversations.errors import StoreTooNew
from app.conversations.migrations import MIGRATIONS, SCHEMA_VERSION, check_version, migrate
from app.conversations.search import search
from app.conversations.store import ConversationStore


def version_of(path: Path) -> int:
    connection = sqlite.connect(str(path))
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    connection.close()
    return version


def test_a_new_file_has_the_present_schema(tmp_path: Path) -> None:
    path = tmp_path / "conversations.sqlite3"
    ConversationStore(path).close()
    assert version_of(path) == SCHEMA_VERSION


def test_migrating_twice_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "conversations.sqlite3"
    connection = sqlite.connect(str(path))
    migrate(connection)
    migrate(connection)
    connection.close()
    assert version_of(path) == SCHEMA_VERSION


def test_a_newer_file_is_refused_without_touching_it(tmp_path: Path) -> None:
    path = tmp_path / "conversations.sqlite3"
    connection = sqlite.connect(str(path))
    connection.executescript(f"CREATE TABLE later (x); PRAGMA user_version = {SCHEMA_VERSION + 1};")
    connection.close()
    before, files_before = path.read_bytes(), sorted(tmp_path.iterdir())
    with pytest.raises(StoreTooNew, match="newer Retort"):
        ConversationStore(path)
    assert path.read_bytes() == before
    assert sorted(tmp_path.iterdir()) == files_before


def test_a_file_that_is_not_there_yet_passes(tmp_path: Path) -> None:
    check_version(tmp_path / "none.sqlite3")
    assert not (tmp_path / "none.sqlite3").exists()


def test_the_file_is_written_ahead_and_flushed_at_every_commit(tmp_path: Path) -> None:
    path = tmp_path / "conversations.sqlite3"
    store = ConversationStore(path)
    reader = store._connection
    assert reader.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert reader.execute("PRAGMA synchronous").fetchone() == (2,)
    store.close()


def write_first_version(path: Path) -> None:
    """A file as the first version left it, with an answer that was growing when it was killed."""
    connection = sqlite.connect(str(path))
    connection.executescript(f"BEGIN;{MIGRATIONS[0]};PRAGMA user_version = 1;COMMIT;")
    with connection:
        connection.execute("INSERT INTO conversations VALUES ('c', '旅行の計画', 'b', 1.0, 2.0, NULL)")
        for row in (
            ("a", None, "user", "Crème brûlée?", "complete"),
            ("b", "a", "assistant", "Yes", "streaming"),
        ):
            connection.execute("INSERT INTO messages VALUES (?, 'c', ?, ?, ?, ?, '', '{}', 1.0)", row)
    connection.close()


def test_a_file_of_the_first_version_is_taken_over_whole_and_can_be_searched(tmp_path: Path) -> None:
    path = tmp_path / "conversations.sqlite3"
    write_first_version(path)
    store = ConversationStore(path)
    conversation = store.load("c")
    assert [(message.text, message.state) for message in conversation.path()] == [
        ("Crème brûlée?", "complete"),
        ("Yes", "interrupted"),
    ]
    assert conversation.header.title_source == "user"  # nobody knows who gave it, so it stays
    for words in ("creme", "行の", "yes"):
        assert [found.conversation_id for found in search(store._connection, words)] == ["c"]
    assert store._connection.execute("PRAGMA foreign_key_check").fetchall() == []
    assert store._connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    store.close()


def test_a_migration_that_fails_leaves_the_old_version(tmp_path: Path) -> None:
    path = tmp_path / "conversations.sqlite3"
    write_first_version(path)
    connection = sqlite.connect(str(path))
    connection.execute("CREATE TABLE drafts (x)")  # in the way of the second step
    with pytest.raises(sqlite.Error):
        migrate(connection)
    connection.close()
    connection = sqlite.connect(str(path))
    assert connection.execute("SELECT title FROM conversations").fetchone() == ("旅行の計画",)
    assert connection.execute("PRAGMA user_version").fetchone() == (1,)
    connection.close()
