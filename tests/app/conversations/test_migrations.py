from pathlib import Path

import pytest
from sqlcipher3 import dbapi2 as sqlite

from app.conversations.errors import StoreTooNew
from app.conversations.migrations import SCHEMA_VERSION, check_version, migrate
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
    reader = store._reader
    assert reader.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert reader.execute("PRAGMA synchronous").fetchone() == (2,)
    store.close()
