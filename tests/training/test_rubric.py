"""What the rubric lets pass and what it refuses."""

from collections.abc import Sequence

import pytest

from engine.training import rubric
from engine.training.messages import Message
from engine.training.rubric import Answer, Prompt, says, sounds, tells_of

STORY = (
    "There was a fox. The fox had a kite. It was red. It was old. The kite flew away. "
    "The fox ran after the kite. The fox found it. They went home."
)


def passes(prompt: Prompt, *answers: str, ended: bool = True) -> bool:
    left = list(answers)
    return prompt.passes(lambda messages: Answer(left.pop(0), ended))[0]


def test_an_answer_must_end_and_must_not_loop() -> None:
    prompt = Prompt(turns=("Hello",), check=says("hello"), example="Hello.")
    assert passes(prompt, "Hello!")
    assert not passes(prompt, "Hello!", ended=False)
    assert not passes(prompt, "Hello to you. " * 3)


def test_a_story_has_several_sentences_about_every_subject() -> None:
    assert tells_of("fox", "kite")(STORY)
    assert not tells_of("fox", "lamp")(STORY)
    assert not tells_of("fox")("The fox sat. The fox ran.")


def test_a_subject_that_is_forgotten_fails() -> None:
    forgotten = (
        "A fox. The fox sat. " + "Then a bear came and sang a long and slow song. " * 2 + "All slept. " * 5
    )
    assert not tells_of("fox")(forgotten)


def test_reasoning_is_wanted_where_it_was_asked_for_and_only_there() -> None:
    thinks = Prompt(turns=("Think. 3 + 4",), check=rubric.results_in(7), example="", thinks=True)
    assert passes(thinks, "<think>Count.</think>3 + 4 = 7.")
    assert not passes(thinks, "3 + 4 = 7.")
    silent = Prompt(turns=("3 + 4",), check=rubric.results_in(7), example="7")
    assert not passes(silent, "<think>x</think>3 + 4 = 7.")
    assert not passes(thinks, "<think>7</think>3 + 4 = 8.")


def test_a_voice_is_told_from_the_others() -> None:
    assert sounds("witty", "how")("Living the dream.")
    assert not sounds("professional", "how")("Living the dream.")
    assert not sounds("professional", "hello")("Hi! Nice to see you!")
    assert sounds("professional", "hello")("Hello. How may I help you?")


def test_a_conversation_is_judged_by_its_last_answer() -> None:
    prompt = Prompt(turns=("I am Tom.", "Who am I?"), check=says(r"\btom\b"), example="Tom.")
    assert passes(prompt, "Hi!", "You are Tom.")
    assert not passes(prompt, "Hi, Tom!", "I do not know.")


def test_twenty_prompts_are_fixed_and_twenty_drawn_by_a_seed() -> None:
    assert len(rubric.FIXED) == len(rubric.draw(1)) == len(rubric.draw(2)) == 20
    asked = [[prompt.turns for prompt in rubric.draw(seed)] for seed in (1, 1, 2)]
    assert asked[0] == asked[1] != asked[2]


def test_every_conversation_gets_a_seed_of_its_own() -> None:
    seeds: list[int] = []

    def answerer(messages: Sequence[Message], seed: int) -> Answer:
        seeds.append(seed)
        return Answer("Hello.", is_ended=True)

    rubric.judge(rubric.FIXED[:3], answerer, seed=2)
    assert seeds == [2000, 2001, 2002]


@pytest.mark.parametrize("prompt", [*rubric.FIXED, *rubric.draw(1), *rubric.draw(2)])
def test_the_answer_beside_a_prompt_passes(prompt: Prompt) -> None:
    assert passes(prompt, *["Hello."] * (len(prompt.turns) - 1), prompt.example)
