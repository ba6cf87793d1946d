import time
from collections.abc import Iterator

import pytest

from app.conversations.conversation import Conversation
from app.conversations.store import ConversationStore
from engine.contract.paths import Paths
from tests.support.saved_recorder import SavedRecorder


@pytest.fixture
def store(paths: Paths, recorder: SavedRecorder) -> Iterator[ConversationStore]:
    store = ConversationStore(paths.conversations, recorder.reports)
    yield store
    store.close()


@pytest.fixture
def talk(store: ConversationStore, recorder: SavedRecorder) -> Conversation:
    """Two questions and their answers, saved."""
    talk = Conversation.new()
    for role, text in (("user", "U1"), ("assistant", "A1"), ("user", "U2"), ("assistant", "A2")):
        talk.append(role=role, text=text)  # type: ignore[arg-type]
    recorder.wait_for(store.save(talk.header, *talk.path()))
    return talk


def delete(
    store: ConversationStore, recorder: SavedRecorder, talk: Conversation, row: int, branch: bool
) -> None:
    changed = talk.delete(talk.path()[row].id, with_branch=branch)
    recorder.wait_for(store.save(talk.header, *changed))


def texts(store: ConversationStore, talk: Conversation) -> list[str]:
    return [message.text for message in store.load(talk.id).path()]


def test_a_deleted_conversation_is_in_the_bin(
    store: ConversationStore, talk: Conversation, recorder: SavedRecorder
) -> None:
    recorder.wait_for(store.move_to_bin(talk.id))
    [entry] = store.bin()
    assert (entry.conversation_id, entry.title, entry.message_ids) == (talk.id, "U1", ())
    assert abs(entry.deleted_at - time.time()) < 60


def test_messages_deleted_together_are_one_entry(
    store: ConversationStore, talk: Conversation, recorder: SavedRecorder
) -> None:
    delete(store, recorder, talk, 2, branch=True)
    delete(store, recorder, talk, 1, branch=False)
    one, branch = store.bin()
    assert (len(one.message_ids), one.text) == (1, "A1")
    assert (len(branch.message_ids), branch.text) == (2, "U2")
    assert texts(store, talk) == ["U1"]


def test_messages_of_a_deleted_conversation_are_no_entry_of_their_own(
    store: ConversationStore, talk: Conversation, recorder: SavedRecorder
) -> None:
    delete(store, recorder, talk, 3, branch=False)
    recorder.wait_for(store.move_to_bin(talk.id))
    assert [entry.message_ids for entry in store.bin()] == [()]


def test_an_entry_can_be_removed_for_good_and_the_rest_stays(
    store: ConversationStore, talk: Conversation, recorder: SavedRecorder
) -> None:
    delete(store, recorder, talk, 3, branch=False)
    recorder.wait_for(store.remove_from_bin(store.bin()[0]))
    assert store.bin() == []
    assert texts(store, talk) == ["U1", "A1", "U2"]
    assert len(store.load(talk.id).tree) == 3
    recorder.wait_for(store.move_to_bin(talk.id))
    recorder.wait_for(store.remove_from_bin(store.bin()[0]))
    with pytest.raises(KeyError):
        store.load(talk.id)


def test_a_message_that_holds_a_branch_together_loses_its_words_and_leaves_its_place(
    store: ConversationStore, talk: Conversation, recorder: SavedRecorder
) -> None:
    delete(store, recorder, talk, 1, branch=False)
    recorder.wait_for(store.remove_from_bin(store.bin()[0]))
    assert store.bin() == []
    assert texts(store, talk) == ["U1", "U2", "A2"]
    words = store._connection.execute("SELECT text FROM messages WHERE deleted_at = 0").fetchall()
    assert words == [("",)]


def test_messages_leave_the_bin_after_thirty_days(
    store: ConversationStore, talk: Conversation, recorder: SavedRecorder
) -> None:
    delete(store, recorder, talk, 2, branch=True)
    recorder.wait_for(store.empty_bin(time.time() + 29 * 86_400))
    assert len(store.bin()) == 1
    recorder.wait_for(store.empty_bin(time.time() + 31 * 86_400))
    assert (store.bin(), len(store.load(talk.id).tree)) == ([], 2)
