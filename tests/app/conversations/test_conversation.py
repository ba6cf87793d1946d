from dataclasses import replace

import pytest

from app.conversations.conversation import Conversation
from app.conversations.message import Attachment
from app.conversations.settings import ConversationSettings
from app.conversations.titles import clean_title, make_title
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


def test_the_engine_gets_the_system_prompt_first() -> None:
    conversation = Conversation.new()
    conversation.settings = ConversationSettings(system_prompt="Be brief.")
    conversation.append(role="user", text="Hello")
    assert conversation.chat_messages() == (
        ChatMessage(role="system", text="Be brief."),
        ChatMessage(role="user", text="Hello"),
    )


def test_attachments_come_before_the_text_each_in_fences_it_does_not_hold() -> None:
    conversation = Conversation.new()
    attached = (
        Attachment(name="a.py", text="print(1)\n", size_bytes=9),
        Attachment(name="b.md", text="````\ncode\n````", size_bytes=14),
    )
    conversation.append(role="user", text="What is this?", attachments=attached)
    [said] = conversation.chat_messages()
    assert said.text == (
        "a.py:\n```\nprint(1)\n```\n\nb.md:\n`````\n````\ncode\n````\n`````\n\nWhat is this?"
    )


def test_reasoning_is_not_sent_again() -> None:
    conversation = Conversation.new()
    conversation.append(role="user", text="Why?")
    answer = conversation.append(role="assistant", text="Because.")
    conversation.change(replace(answer, reasoning="Let me see."))
    assert conversation.chat_messages()[-1] == ChatMessage(role="assistant", text="Because.")


def test_a_message_of_attachments_alone_is_titled_after_the_first() -> None:
    conversation = Conversation.new()
    conversation.append(
        role="user", text="", attachments=[Attachment(name="report.txt", text="x", size_bytes=1)]
    )
    assert conversation.header.title == "report.txt"


def test_a_title_the_user_typed_is_never_replaced() -> None:
    conversation = Conversation.new()
    conversation.append(role="user", text="Tell me about stills")
    conversation.rename("Distillation", "model")
    assert conversation.header.title == "Distillation"
    conversation.rename("My stills")
    conversation.rename("Distillation", "model")
    assert conversation.header.title == "My stills"


@pytest.mark.parametrize(
    ("answer", "title"),
    [
        ("Stills and retorts", "Stills and retorts"),
        ('**Title:** "Stills and retorts."\n\nIt is about…', "Stills and retorts"),
        ("# 旅行の計画\n", "旅行の計画"),
        ("", ""),
        ("...", ""),
        ("Sure, here is a title that tells you everything about what was said so far", ""),
    ],
)
def test_a_model_s_answer_becomes_a_title_or_none(answer: str, title: str) -> None:
    assert clean_title(answer) == title
