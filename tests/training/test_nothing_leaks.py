"""What the rubric asks and what it expects is nowhere in the training data.

An epoch of everything that is generated is drawn as training draws it, with RETORT_FULL_TESTS=1 five of them.
The texts that are read, stories, books and small talk, are all looked through where ../shared/data has them.
"""

import os
import random
import re
from collections.abc import Iterable, Iterator

import pytest

from engine.training import mix, rubric, words
from engine.training.data import Corpus
from engine.training.messages import Dialogue
from engine.training.tokenizer import texts_of

RUN = 8  # words
FULL = bool(os.environ.get("RETORT_FULL_TESTS"))
NUM_EPOCHS = 5 if FULL else 1
RUBRIC_SEEDS = range(1, 41 if FULL else 5)
EMPTY = Corpus(stories=(), held_out=(), books=(), small_talk=(), unanswerable=())


@pytest.fixture(scope="module")
def generated() -> list[str | Dialogue]:
    """Everything of our own that training sees."""
    epochs = (mix.draw_epoch(EMPTY, random.Random(seed), mix.Mix()) for seed in range(NUM_EPOCHS))
    return [document for epoch in epochs for document in epoch]


def all_prompts() -> Iterator[rubric.Prompt]:
    yield from rubric.FIXED
    for seed in RUBRIC_SEEDS:
        yield from rubric.draw(seed)


def words_of(text: str) -> list[str]:
    return re.findall(r"[\w']+", text.lower())


def expected_runs() -> set[str]:
    """Every run of so many words in an answer that is expected."""
    answers = [words_of(prompt.example) for prompt in all_prompts()]
    return {" ".join(said[at : at + RUN]) for said in answers for at in range(len(said) - RUN + 1)}


def found_in(texts: Iterable[str]) -> list[str]:
    """The expected runs that stand in one of the texts."""
    text = " | ".join(" ".join(words_of(each)) for each in texts)
    return [run for run in expected_runs() if run in text]


def test_a_run_that_stands_in_a_text_is_found() -> None:
    assert len(expected_runs()) > 200
    assert found_in(["Then, at last: " + rubric.example_story("a robot")])


def test_nothing_that_is_expected_stands_in_what_is_generated(generated: list[str | Dialogue]) -> None:
    assert found_in(texts_of(generated)) == []


def test_nothing_that_is_expected_stands_in_the_texts_that_are_read(real_corpus: Corpus) -> None:
    told = [f"{story.title}\n{story.text}" for story in real_corpus.stories]
    talked = [
        text for intent in real_corpus.small_talk for text in (*intent.questions, *intent.answers.values())
    ]
    assert len(told) > 600 and len(real_corpus.books) > 1000 and len(talked) > 5000
    assert found_in([*told, *real_corpus.books, *talked, *real_corpus.unanswerable]) == []


def test_what_is_drawn_is_asked_nowhere(generated: list[str | Dialogue]) -> None:
    asked = {text.lower().rstrip(".?!") for text in texts_of(generated)}
    for prompt in (each for seed in RUBRIC_SEEDS for each in rubric.draw(seed)):
        if prompt.system:
            assert prompt.system.lower().rstrip(".?!") not in asked
        elif len(prompt.turns) == 1:
            assert prompt.turns[-1].lower().rstrip(".?!") not in asked


def test_words_that_are_held_out_are_in_nothing_that_is_generated(generated: list[str | Dialogue]) -> None:
    told = {word for text in texts_of(generated) for word in words_of(text)}
    assert not words.HELD_OUT_NOUNS & told
