import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.chat import formats
from engine.chat.output_format import OutputFormat
from engine.chat.output_parser import OutputParser
from engine.chat.thinking import ReasoningBudget, ReasoningWatch, is_looping, loop_length, repeated_sentence
from engine.contract.chat import ChatMessage

REASONING = [o for o in formats.FORMATS if o.reasoning_end]


def test_the_reasoning_ends_once_when_its_budget_is_used_up() -> None:
    budget = ReasoningBudget(3, "</think>")
    forced = [budget.note(was_reasoning=True, is_reasoning=True) for _ in range(6)]
    assert forced == ["", "", "</think>", "", "", ""]
    assert budget.used == 6


def test_tokens_of_the_answer_do_not_count() -> None:
    budget = ReasoningBudget(2, "</think>")
    assert not budget.note(was_reasoning=False, is_reasoning=False)
    assert not budget.note(was_reasoning=False, is_reasoning=True)
    assert not budget.note(was_reasoning=True, is_reasoning=True)
    assert not budget.note(was_reasoning=True, is_reasoning=False)
    assert budget.used == 2


def test_a_budget_of_nothing_ends_what_the_prompt_has_opened() -> None:
    assert ReasoningBudget(0, "</think>").begin(is_reasoning=True) == "</think>"
    assert ReasoningBudget(0, "</think>").begin(is_reasoning=False) == ""
    assert ReasoningBudget(0, "</think>").note(was_reasoning=False, is_reasoning=True) == "</think>"


def test_without_a_budget_reasoning_goes_on_until_somebody_wants_the_answer() -> None:
    budget = ReasoningBudget(None, "</think>")
    assert not any(budget.note(was_reasoning=True, is_reasoning=True) for _ in range(10_000))
    assert budget.end_now(is_reasoning=False) == ""
    assert budget.end_now(is_reasoning=True) == "</think>"
    assert budget.end_now(is_reasoning=True) == ""


def test_a_format_without_reasoning_has_nothing_to_force_and_a_negative_budget_is_refused() -> None:
    assert ReasoningBudget(0, formats.PLAIN.reasoning_end).begin(is_reasoning=True) == ""
    with pytest.raises(ValueError, match="got -1"):
        ReasoningBudget(-1, "")


@pytest.mark.parametrize("output", REASONING, ids=lambda output: output.name)
def test_the_forced_text_ends_the_reasoning_in_the_words_of_the_format(output: OutputFormat) -> None:
    parser = OutputParser(output, prompt=output.reasoning_begin[0])
    parts = parser.feed("I think")
    assert parser.is_reasoning
    parts += [*parser.feed(output.reasoning_end + "So be it."), *parser.finish()]
    assert ChatMessage.answer(parts) == ChatMessage(role="assistant", reasoning="I think", text="So be it.")


@pytest.mark.parametrize(
    "stretch",
    [
        "Wait, let me check that again.\n",
        "But what if it is not? Hmm. ",
        "\u0627\u0646\u062a\u0638\u0631 \u0642\u0644\u064a\u0644\u0627\u064b\n",
        "x + 1 = 2, so x = 1; ",
    ],
)
def test_the_same_stretch_again_and_again_is_a_loop(stretch: str) -> None:
    assert loop_length("It began well. " + stretch * 4) == len(stretch)
    assert loop_length(stretch * 40 + stretch[:5]) == len(stretch)
    assert is_looping("It began well. " + stretch * 10)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "One sentence. Another one. And a third, quite different from both of the others.",
        "Wait, let me check that again.\n" * 3,
        "1. apple\n2. pear\n3. plum\n4. fig\n5. kiwi\n6. lime\n",
        "-" * 500,
        "Title\n" + "=" * 80 + "\n" + " " * 600,
        "| a | b |\n|---|---|\n" + "".join(f"| {n} | {n * n} |\n" for n in range(50)),
        "".join(f"Step {n}: add {n} to the sum, which gives {n * (n + 1) // 2}.\n" for n in range(200)),
    ],
)
def test_ordinary_text_is_no_loop(text: str) -> None:
    assert loop_length(text) == 0
    assert not is_looping(text)


def test_a_thought_that_returns_with_other_words_between_is_noticed() -> None:
    thought = "Let me reconsider the second condition once more."
    text = "".join(f"{thought} Perhaps {n} fits, perhaps {n * 7} does.\n" for n in range(12))
    assert loop_length(text) == 0
    assert repeated_sentence(text) == thought
    assert is_looping(text)


def test_only_the_end_counts() -> None:
    assert (
        loop_length("Again and again and again. " * 10 + "But then it found the way out of the circle.") == 0
    )


def brute_force(text: str, repeats: int, min_length: int) -> int:
    lengths = range(min_length, len(text) // repeats + 1)
    return next((n for n in lengths if text.endswith(text[-n:] * repeats)), 0)


@given(
    st.text("ab", max_size=12), st.text("ab", min_size=1, max_size=5), st.integers(1, 6), st.integers(1, 4)
)
def test_the_shortest_loop_is_found_as_by_trying_every_length(
    before: str, stretch: str, count: int, min_length: int
) -> None:
    text = before + stretch * count
    assert loop_length(text, repeats=3, min_length=min_length) == brute_force(text, 3, min_length)


def test_looking_for_loops_costs_the_same_however_long_the_answer_is() -> None:
    def seconds(text: str) -> float:
        started = time.process_time()
        for _ in range(50):
            is_looping(text)
        return time.process_time() - started

    text = "".join(f"Thought {n} is new. " for n in range(20_000))
    assert min(seconds(text) for _ in range(3)) < 5 * min(seconds(text[-8_000:]) for _ in range(3)) + 0.01


def test_a_loop_without_sense_is_refused() -> None:
    with pytest.raises(ValueError, match="needs 2 repeats"):
        loop_length("text", repeats=1)


def watched(budget: int | None, tokens: list[str]) -> tuple[ReasoningWatch, list[str]]:
    """What a watch wants forced after each token of reasoning."""
    watch = ReasoningWatch(budget, "</think>")
    begun = watch.begin(is_reasoning=True)
    return watch, [begun, *(watch.note(token, was_reasoning=True, is_reasoning=True) for token in tokens)]


def test_a_spent_budget_ends_the_reasoning_once() -> None:
    watch, forced = watched(2, ["a", "b", "c"])
    assert (forced, watch.ended_by, watch.used) == (["", "", "</think>", ""], "budget", 3)
    assert watched(0, [])[1] == ["</think>"]
    assert watched(None, ["a"] * 10)[0].ended_by == ""


def test_a_circle_ends_the_reasoning_and_is_named() -> None:
    watch, forced = watched(None, ["But wait, let me think again. "] * 200)
    assert (forced.count("</think>"), watch.ended_by) == (1, "loop")
    assert watch.used == 200
    watch, forced = watched(None, [f"Then {number} follows from it. " for number in range(200)])
    assert (set(forced), watch.ended_by) == ({""}, "")


def test_a_family_without_reasoning_has_nothing_to_end() -> None:
    watch = ReasoningWatch(0, "")
    assert watch.begin(is_reasoning=True) == ""
    assert watch.ended_by == ""
