from dataclasses import replace

import pytest

from app.conversations.conversation import Conversation, make_title
from engine.contract.chat import ChatMessage


def test_messages_follow_one_another_from_the_first_to_the_head() -> None:
    conversation = Conversation.new()
    question = conversation.append(role="user", text="Who?")
    answer = conversation.append(role="assistant", text="I.", model="Built-in model")
    assert [message.id for message in conversation.path()] == [question.id, answer.id]
    assert (question.parent_id, answer.parent_id) == (None, question.id)
    assert conversation.header.head_id == answer.id


def test_a_branch_that_is_not_on_the_path_stays_in_the_conversation() -> None:
    conversation = Conversation.new()
    first = conversation.append(role="user", text="Who?")
    left = conversation.append(role="assistant", text="I.")
    conversation.header = replace(conversation.header, head_id=first.id)
    right = conversation.append(role="assistant", text="You.")
    assert conversation.path() == [first, right]
    assert conversation[left.id] == left


def test_a_grown_answer_takes_the_place_of_its_former_record() -> None:
    conversation = Conversation.new()
    answer = conversation.append(role="assistant", text="", state="streaming")
    conversation.change(replace(answer, text="Once"))
    assert [message.text for message in conversation.path()] == ["Once"]


def test_a_message_of_another_conversation_is_refused() -> None:
    stranger = Conversation.new().append(role="user", text="Hello")
    with pytest.raises(KeyError):
        Conversation.new().change(stranger)


def test_the_engine_gets_alternating_roles_even_after_an_answer_that_failed_without_text() -> None:
    conversation = Conversation.new()
    conversation.append(role="user", text="Who?")
    conversation.append(role="assistant", text="", state="failed")
    conversation.append(role="user", text="Once more: who?")
    conversation.append(role="assistant", text="I", state="interrupted")
    conversation.append(role="user", text="Go on.")
    conversation.append(role="assistant", text="", state="streaming")
    assert conversation.chat_messages() == (
        ChatMessage(role="user", text="Who?\n\nOnce more: who?"),
        ChatMessage(role="assistant", text="I"),
        ChatMessage(role="user", text="Go on."),
    )


def test_the_first_question_gives_the_title_and_later_ones_do_not() -> None:
    conversation = Conversation.new()
    conversation.append(role="user", text="  Tell me\na story ")
    conversation.append(role="user", text="Another one")
    assert conversation.header.title == "Tell me a story"


def test_the_user_s_own_title_stays() -> None:
    conversation = Conversation.new()
    conversation.rename("Stories")
    conversation.append(role="user", text="Tell me a story")
    assert conversation.header.title == "Stories"


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("Short", "Short"),
        (
            "Explain softmax with temperature, and show stable Python.",
            "Explain softmax with temperature, and…",
        ),
        ("x" * 60, "x" * 40 + "…"),
        ("   \n ", ""),
    ],
)
def test_a_title_ends_at_a_word(text: str, title: str) -> None:
    assert make_title(text) == title


def test_half_a_surrogate_pair_becomes_something_that_can_be_stored() -> None:
    message = Conversation.new().append(role="user", text="a\ud83db")
    assert message.text == "a?b"
