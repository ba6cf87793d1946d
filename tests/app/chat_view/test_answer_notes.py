from dataclasses import replace

import pytest

from app.chat_view.answer_notes import details_of, note_under
from app.conversations.conversation import AnswerStats, Conversation, Message


@pytest.fixture
def answer() -> Message:
    return Conversation.new().append(role="assistant", text="Once", model="Built-in model")


def test_a_complete_answer_shows_speed_length_and_first_token(answer: Message) -> None:
    stats = AnswerStats(completion_tokens=1280, decode_tps=42.66, ttft_ms=85.2, finish_reason="stop")
    assert note_under(replace(answer, stats=stats), "") == "42.7 tok/s · 1,280 tokens · first token 85 ms"


@pytest.mark.parametrize(("reason", "words"), [("cancelled", "stopped"), ("length", "length limit reached")])
def test_an_answer_that_did_not_end_by_itself_says_why(answer: Message, reason: str, words: str) -> None:
    stats = AnswerStats(completion_tokens=1, ttft_ms=2300, finish_reason=reason)
    assert note_under(replace(answer, stats=stats), "") == f"1 token · first token 2.3 s · {words}"


def test_a_running_answer_says_what_it_waits_for(answer: Message) -> None:
    running = replace(answer, state="streaming")
    assert note_under(running, "Loading the model, 40%") == "Loading the model, 40%"


def test_an_interrupted_answer_says_that_its_text_is_kept(answer: Message) -> None:
    assert "kept" in note_under(replace(answer, state="interrupted"), "")


def test_the_user_s_own_message_has_no_note() -> None:
    assert note_under(Conversation.new().append(role="user", text="Hello"), "Reading…") == ""


@pytest.mark.parametrize(
    ("end", "words"),
    [
        ("budget", "its budget was spent"),
        ("loop", "it went in circles"),
        ("asked", "you asked for the answer"),
    ],
)
def test_reasoning_that_was_ended_for_the_model_is_said(answer: Message, end: str, words: str) -> None:
    stats = AnswerStats(finish_reason="stop", reasoning_ended_by=end)
    assert note_under(replace(answer, stats=stats), "") == f"reasoning ended: {words}"


def test_a_drift_into_another_language_is_named(answer: Message) -> None:
    stats = AnswerStats(finish_reason="stop", drifted_to="zh")
    assert note_under(replace(answer, stats=stats), "") == "slipped into Chinese"


def test_a_template_that_failed_is_said_and_its_reason_among_the_details(answer: Message) -> None:
    stats = AnswerStats(finish_reason="stop", template_fallback="ChatML", template_failure="no filter x")
    said = replace(answer, stats=stats)
    assert note_under(said, "") == "its chat template failed, asked in ChatML turns"
    assert details_of(said) == "chat template: no filter x"


def test_the_details_say_where_the_tokens_went(answer: Message) -> None:
    stats = AnswerStats(prompt_tokens=1200, cached_tokens=900, reasoning_tokens=340, completion_tokens=500)
    assert details_of(replace(answer, stats=stats)) == (
        "1,200 tokens of the prompt · 900 of them kept · 340 tokens of reasoning"
    )
    assert details_of(answer) == ""
