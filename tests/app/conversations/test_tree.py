import pytest

from app.conversations.conversation import Conversation
from app.conversations.message import Attachment, Message


@pytest.fixture
def talk() -> Conversation:
    """Two questions and their answers."""
    conversation = Conversation.new()
    for role, text in (("user", "U1"), ("assistant", "A1"), ("user", "U2"), ("assistant", "A2")):
        conversation.append(role=role, text=text)  # type: ignore[arg-type]
    return conversation


def texts(messages: list[Message]) -> list[str]:
    return [message.text for message in messages]


def message(conversation: Conversation, text: str) -> Message:
    return next(one for one in conversation.tree if one.text == text)


def test_an_edited_question_is_another_version_and_the_old_branch_stays(talk: Conversation) -> None:
    talk.edit(message(talk, "U2").id, "U2b")
    talk.append(role="assistant", text="A2b")
    assert texts(talk.path()) == ["U1", "A1", "U2b", "A2b"]
    assert texts(talk.siblings(message(talk, "U2b").id)) == ["U2", "U2b"]
    talk.select(message(talk, "U2").id)
    assert texts(talk.path()) == ["U1", "A1", "U2", "A2"]


def test_the_first_question_can_be_edited_too(talk: Conversation) -> None:
    talk.edit(message(talk, "U1").id, "U1b")
    assert texts(talk.path()) == ["U1b"]
    assert texts(talk.siblings(talk.path()[0].id)) == ["U1", "U1b"]


def test_an_edit_keeps_what_was_attached_unless_it_is_changed() -> None:
    conversation = Conversation.new()
    notes = Attachment(name="notes.txt", text="one", size_bytes=3)
    first = conversation.append(role="user", text="Read this", attachments=[notes])
    assert conversation.edit(first.id, "Read that").attachments == (notes,)
    assert conversation.edit(first.id, "Read nothing", ()).attachments == ()


def test_another_answer_is_a_version_of_the_first(talk: Conversation) -> None:
    again = talk.answer_again(message(talk, "A1").id, model="Other")
    assert (again.parent_id, again.state, again.model) == (message(talk, "U1").id, "streaming", "Other")
    assert texts(talk.path()) == ["U1", ""]
    assert [one.id for one in talk.siblings(again.id)] == [message(talk, "A1").id, again.id]


def test_selecting_a_version_goes_down_to_its_newest_leaf(talk: Conversation) -> None:
    talk.answer_again(message(talk, "A2").id, model="")
    talk.answer_again(message(talk, "A1").id, model="")
    talk.select(message(talk, "A1").id)
    assert talk.path()[-1].parent_id == message(talk, "U2").id
    assert talk.path()[-1].text == ""  # the newer of the two answers


def test_a_message_deleted_in_the_middle_leaves_what_follows(talk: Conversation) -> None:
    changed = talk.delete(message(talk, "A1").id)
    assert texts(changed) == ["A1"]
    assert texts(talk.path()) == ["U1", "U2", "A2"]
    assert texts(talk.restore([changed[0].id])) == ["A1"]
    assert texts(talk.path()) == ["U1", "A1", "U2", "A2"]


def test_a_deleted_branch_comes_back_as_it_was(talk: Conversation) -> None:
    changed = talk.delete(message(talk, "U2").id, with_branch=True)
    assert texts(changed) == ["U2", "A2"]
    assert texts(talk.path()) == ["U1", "A1"]
    talk.restore(one.id for one in changed)
    assert texts(talk.path()) == ["U1", "A1", "U2", "A2"]


def test_deleting_the_newest_version_shows_the_one_before(talk: Conversation) -> None:
    again = talk.answer_again(message(talk, "A2").id, model="")
    talk.delete(again.id)
    assert texts(talk.path()) == ["U1", "A1", "U2", "A2"]


def test_deleting_everything_leaves_an_empty_path_that_can_go_on(talk: Conversation) -> None:
    talk.delete(message(talk, "U1").id, with_branch=True)
    assert talk.path() == []
    talk.append(role="user", text="New")
    assert texts(talk.path()) == ["New"]


def test_every_message_outside_the_bin_can_be_reached_through_versions(talk: Conversation) -> None:
    again = talk.answer_again(message(talk, "A1").id, model="")
    talk.delete(message(talk, "A1").id)  # U2 hangs below it, in another branch than the one shown
    versions = talk.siblings(again.id)
    assert [one.text for one in versions] == ["U2", ""]
    talk.select(versions[0].id)
    assert texts(talk.path()) == ["U1", "U2", "A2"]


def test_the_order_of_versions_is_that_of_their_coming_whatever_the_clock_said(
    talk: Conversation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.time", lambda: 5.0)
    talk.edit(message(talk, "U2").id, "U2b")
    assert texts(talk.siblings(message(talk, "U2").id)) == ["U2", "U2b"]
    talk.select(message(talk, "A1").id)
    assert texts(talk.path())[-1] == "U2b"


def test_a_path_whose_beginning_is_missing_shows_what_is_there(talk: Conversation) -> None:
    rest = [one for one in talk.tree if one.text != "U1"]
    assert texts(Conversation(talk.header, rest).path()) == ["A1", "U2", "A2"]


def test_the_versions_along_a_path_are_told_at_once(talk: Conversation) -> None:
    talk.edit(message(talk, "U2").id, "U2b")
    assert [(position, count) for _id, position, count in talk.versions_on_path()] == [(1, 1), (1, 1), (2, 2)]
