"""What the rubric lets pass and what it refuses; that its drawn prompts are new to the training."""

import random
import re
from collections.abc import Sequence

import pytest

from engine.training import mix, rubric, words
from engine.training.data import Corpus
from engine.training.messages import Message
from engine.training.rubric import Answer, Prompt, says, sounds, tells_of
from engine.training.stories import make_story

STORY = (
    "There was a fox. The fox had a kite. It was red. It was old. The kite flew away. "
    "The fox ran after the kite. The fox found it. They went home."
)


def passes(prompt: Prompt, *answers: str, ended: bool = True) -> bool:
    left = list(answers)
    return prompt.passes(lambda messages: Answer(left.pop(0), ended))[0]


def test_an_answer_must_end_and_must_not_loop() -> None:
    prompt = Prompt(turns=("Hello",), check=says("hello"))
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
    thinks = Prompt(turns=("Think. 3 + 4",), check=rubric.results_in(7), thinks=True)
    assert passes(thinks, "<think>Count.</think>3 + 4 = 7.")
    assert not passes(thinks, "3 + 4 = 7.")
    assert not passes(Prompt(turns=("3 + 4",), check=rubric.results_in(7)), "<think>x</think>3 + 4 = 7.")
    assert not passes(thinks, "<think>7</think>3 + 4 = 8.")


def test_a_voice_is_told_from_the_others() -> None:
    assert sounds("witty", "how")("Living the dream.")
    assert not sounds("professional", "how")("Living the dream.")
    assert not sounds("professional", "hello")("Hi! Nice to see you!")
    assert sounds("professional", "hello")("Hello. How may I help you?")


def test_a_conversation_is_judged_by_its_last_answer() -> None:
    prompt = Prompt(turns=("I am Tom.", "Who am I?"), check=says(r"\btom\b"))
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


@pytest.mark.parametrize("seed", [1, 2])
def test_what_is_drawn_is_new_to_the_training(seed: int) -> None:
    corpus = Corpus(stories=(), held_out=(), books=(), small_talk=(), unanswerable=())
    trained: set[str] = set()
    for document in mix.draw_epoch(corpus, random.Random(seed), mix.Mix()):
        if not isinstance(document, str):
            trained |= {message.content.lower().rstrip(".?!") for message in document}
    for prompt in rubric.draw(seed):
        last = prompt.turns[-1].lower().rstrip(".?!")
        if prompt.system:
            assert prompt.system.lower().rstrip(".?!") not in trained
        elif len(prompt.turns) == 1:
            assert last not in trained


def test_no_eight_words_that_are_expected_stand_in_a_generated_story() -> None:
    expected = [prompt.turns[0] for prompt in (*rubric.FIXED, *rubric.draw(1))]
    stories = " ".join(make_story(random.Random(seed)).text for seed in range(300))
    told = re.findall(r"\w+", stories.lower())
    runs = {tuple(told[at : at + 8]) for at in range(len(told))}
    for text in expected:
        asked = re.findall(r"\w+", text.lower())
        assert not any(tuple(asked[at : at + 8]) in runs for at in range(len(asked) - 7))
    assert not words.HELD_OUT_NOUNS & set(told)
