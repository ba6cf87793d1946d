"""What happens when the disk refuses: a full one is played by a file that may not grow."""

from pathlib import Path
from typing import Any

import pytest
from sqlcipher3 import dbapi2 as sqlite

from app.conversations.conversation import Conversation
from app.conversations.store import ConversationStore
from tests.support.full_disk import Disk
from tests.support.saved_recorder import SavedRecorder


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    return Disk(monkeypatch)


def long_talk() -> Conversation:
    conversation = Conversation.new()
    conversation.append(role="user", text="many words " * 2000)
    return conversation


def test_a_full_disk_is_said_at_once_and_everything_is_written_when_there_is_room(
    tmp_path: Path, recorder: SavedRecorder, disk: Disk
) -> None:
    store = ConversationStore(tmp_path / "conversations.sqlite3", recorder.reports)
    disk.is_full = True
    conversations = [long_talk() for _ in range(5)]
    numbers = [store.save(one.header, *one.path()) for one in conversations]
    assert recorder.wait_until_blocked() == "the disk is full"
    assert recorder.saved == []
    disk.is_full = False
    recorder.wait_for(numbers[-1])
    assert recorder.saved == numbers
    assert (len(recorder.blocked), recorder.num_unblocked, recorder.failed) == (1, 1, [])
    assert {header.id for header in store.headers()} == {one.id for one in conversations}
    store.close()


def refuse(_connection: Any) -> None:
    """A write for which there is never room."""
    error = sqlite.OperationalError("database or disk is full")
    error.sqlite_errorcode = sqlite.SQLITE_FULL
    raise error


def test_closing_while_the_disk_is_full_ends_and_keeps_what_was_saved(
    tmp_path: Path, recorder: SavedRecorder
) -> None:
    store = ConversationStore(tmp_path / "conversations.sqlite3", recorder.reports)
    kept, lost = long_talk(), long_talk()
    recorder.wait_for(store.save(kept.header, *kept.path()))
    store._writer.put(refuse)
    store.save(lost.header, *lost.path())
    recorder.wait_until_blocked()
    store.close()
    store = ConversationStore(tmp_path / "conversations.sqlite3")
    assert [header.id for header in store.headers()] == [kept.id]
    assert store._connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    store.close()


def test_a_write_that_is_wrong_is_given_up_and_blocks_nothing(
    tmp_path: Path, recorder: SavedRecorder
) -> None:
    store = ConversationStore(tmp_path / "conversations.sqlite3", recorder.reports)
    wrong = store.move_to_folder("nowhere", "no folder")
    store._writer.put(lambda connection: connection.execute("INSERT INTO folders VALUES (NULL, NULL, NULL)"))
    right = long_talk()
    number = store.save(right.header, *right.path())
    recorder.wait_for(number)
    assert recorder.saved == [wrong, number]  # no conversation of that name: nothing to change
    assert [failed for failed, _ in recorder.failed] == [number - 1]
    store.close()
