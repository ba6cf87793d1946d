from dataclasses import replace

from app.conversations.context_plan import BYTES_PER_TOKEN, bytes_per_token, measure_path, plan_context
from app.conversations.conversation import Conversation
from app.conversations.message import AnswerStats, Message


def chat(*lengths: int, tokens: int = 0, prompt_tokens: int = 0) -> list[Message]:
    """A conversation of messages of so many letters; the last answer has these figures."""
    conversation = Conversation.new()
    for at, length in enumerate(lengths):
        conversation.append(role="assistant" if at % 2 else "user", text="a" * length)
    path = conversation.path()
    if tokens:
        stats = AnswerStats(
            prompt_tokens=prompt_tokens, completion_tokens=tokens, finish_reason="stop", context_length=1000
        )
        conversation.change(replace(path[-1], stats=stats))
    return conversation.path()


def test_what_fits_leaves_nothing_out() -> None:
    plan = plan_context(measure_path(chat(100, 100)), draft="short", context_length=1000)
    assert (plan.num_left_out, plan.draft_fits, plan.is_estimate) == (0, True, True)


def test_the_oldest_turns_are_left_out_until_the_draft_and_an_answer_fit() -> None:
    path = chat(720, 720, 720, 720)  # about 200 tokens each
    plan = plan_context(measure_path(path), draft="a" * 360, context_length=800)
    assert plan.num_left_out == 2
    assert path[plan.num_left_out].role == "user"
    assert plan.draft_fits


def test_a_draft_that_is_too_long_by_itself_is_told_apart() -> None:
    plan = plan_context(measure_path(chat(100, 100)), draft="a" * 9000, context_length=1000)
    assert not plan.draft_fits
    assert plan.num_left_out == 2


def test_an_unknown_context_length_leaves_nothing_out() -> None:
    assert plan_context(measure_path(chat(100, 100)), draft="a" * 9000, context_length=0).num_left_out == 0


def test_the_figures_of_the_last_answer_are_exact() -> None:
    plan = plan_context(measure_path(chat(400, 400, tokens=100, prompt_tokens=130)), context_length=1000)
    assert (plan.used_tokens, plan.is_estimate) == (230, False)


def test_figures_of_an_answer_to_a_part_of_the_path_are_not_taken_for_the_whole() -> None:
    plan = plan_context(
        measure_path(chat(4000, 4000, 400, 400, tokens=100, prompt_tokens=130)), context_length=8000
    )
    assert plan.is_estimate
    assert plan.used_tokens > 2000


def test_answers_tell_how_long_a_token_is() -> None:
    assert bytes_per_token(chat(10, 10)) == BYTES_PER_TOKEN
    assert bytes_per_token(chat(10, 500, tokens=100, prompt_tokens=5)) == 5


def test_the_system_prompt_takes_its_room() -> None:
    path = chat(720, 720)
    alone = plan_context(measure_path(path), draft="a", context_length=700)
    with_prompt = plan_context(measure_path(path), draft="a", context_length=700, system_prompt="a" * 1200)
    assert (alone.num_left_out, with_prompt.num_left_out) == (0, 2)
