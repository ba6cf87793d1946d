"""Drafts in the llama backend: its MTP layer, a smaller model, the text; all answers are those without.

RETORT_FULL_TESTS=1 asks for fifty prompts at every depth.
"""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.backends.llama.backend import NEAR_TIE, LlamaBackend
from engine.contract.errors import InvalidRequest, ModelError
from engine.contract.params import LoadParams, SamplingParams
from engine.generation.common_prefix import common_prefix_length
from tests.support.draft_conversation import DraftConversation, accepted
from tests.support.generation import compute
from tests.support.tiny_model import write_tiny_model

FULL = bool(os.environ.get("RETORT_FULL_TESTS"))
BEGINNINGS = (
    "Once upon a time there was a little {} who lived near the {}.",
    "The {} said to the {} that it was time to go home, and so",
    "Tell me a story about a {} and a {}.",
    "Why did the {} look for the {}? Because",
    "One day a {} found a {} in the garden. It was",
)
NAMES = ("dog", "fox", "bear", "girl", "boat", "king", "bird", "cloud", "river", "tree")
PROMPTS = [
    beginning.format(first, second)
    for beginning in BEGINNINGS
    for first, second in zip(NAMES, (*NAMES[3:], *NAMES[:3]), strict=True)
]
ASKED, LENGTH = (PROMPTS, 160) if FULL else (PROMPTS[::13], 60)
Load = Callable[..., LlamaBackend]


@pytest.fixture
def load(builtin_q8: Path) -> Iterator[Load]:
    """Loads the built-in model, and closes what was loaded."""
    loaded: list[LlamaBackend] = []

    def load_one(path: Path = builtin_q8, **params: Any) -> LlamaBackend:
        loaded.append(
            LlamaBackend(path, LoadParams(**({"threads": 1} | params)), lambda _: None, lambda: False)
        )
        return loaded[-1]

    yield load_one
    for backend in loaded:
        backend.close()


def answers(backend: LlamaBackend, depth: int | None) -> tuple[list[list[int]], int, int]:
    """Greedy answers to the prompts, how many guesses were made and how many stayed."""
    talk = DraftConversation(backend, depth)
    given, made, stayed = [], 0, 0
    for number, text in enumerate(ASKED):
        token_ids = backend.tokenize(text, add_special=True)
        sequence = talk.sequence(token_ids, LENGTH, name=str(number))
        given += talk.run(sequence)
        counts = accepted(sequence)
        made, stayed = made + counts[0], stayed + counts[1]
    return given, made, stayed


def assert_same_but_for_near_ties(
    backend: LlamaBackend, expected: list[list[int]], given: list[list[int]]
) -> None:
    """Answers may part where the best two tokens are as near as several rows at once change logits."""
    parted = 0
    for text, plain, drafted in zip(ASKED, expected, given, strict=True):
        same = common_prefix_length(plain, drafted)
        if same == len(plain) == len(drafted):
            continue
        parted += 1
        token_ids = [*backend.tokenize(text, add_special=True), *plain[:same]]
        backend.truncate(0, 0)
        first, second = np.sort(backend.logits(compute(backend, token_ids)))[[-1, -2]]
        assert first - second < 2 * NEAR_TIE, text
    assert parted <= len(ASKED) // 5


@pytest.mark.parametrize("depth", [1, 2, 3, None] if FULL else [2, None])
def test_greedy_answers_are_those_without_drafts(load: Load, depth: int | None) -> None:
    plain = load()
    expected, _, _ = answers(plain, 0)
    given, made, stayed = answers(load(draft_tokens=depth), depth)
    assert_same_but_for_near_ties(plain, expected, given)
    assert made > 0
    if depth is not None:  # how often the governor guesses is a matter of time: it may be a few times only
        assert stayed > 0.4 * made


def test_a_draft_model_that_is_the_same_model_is_always_right(load: Load, builtin_q8: Path) -> None:
    plain = load()
    expected, _, _ = answers(plain, 0)
    given, made, stayed = answers(load(draft_tokens=3, draft_model=str(builtin_q8)), 3)
    assert_same_but_for_near_ties(plain, expected, given)
    assert stayed > 0.9 * made > 0


def test_the_text_itself_drafts_where_nothing_else_does(load: Load, tmp_path: Path) -> None:
    tiny = write_tiny_model(tmp_path / "tiny.gguf")
    plain, drafting = (DraftConversation(load(tiny, draft_tokens=depth), depth) for depth in (0, 3))
    token_ids = plain.backend.tokenize("again and again and again and", add_special=True)
    expected = plain.run(plain.sequence(token_ids))
    sequence = drafting.sequence(token_ids)
    assert drafting.run(sequence) == expected
    assert accepted(sequence)[0] > 0


def test_a_second_turn_goes_on_from_what_is_cached(load: Load) -> None:
    plain, drafting = DraftConversation(load(), 0), DraftConversation(load(draft_tokens=2), 2)
    token_ids = plain.backend.tokenize(PROMPTS[0], add_special=True)
    for turn in range(3):
        (expected,) = plain.run(plain.sequence(token_ids))
        sequence = drafting.sequence(token_ids)
        assert drafting.run(sequence) == [expected]
        assert (sequence.reused_length > 10) == (turn > 0)
        assert accepted(sequence)[1] > 0
        token_ids = [*token_ids, *expected, *plain.backend.tokenize(" And then", add_special=False)]


def test_a_prompt_of_several_batches_hands_its_states_on(load: Load) -> None:
    long = " ".join(PROMPTS[:12])
    stayed = []
    for batch_size in (512, 32):
        talk = DraftConversation(load(draft_tokens=1, batch_size=batch_size), 1)
        sequence = talk.sequence(talk.backend.tokenize(long, add_special=True))
        talk.run(sequence)
        stayed.append(accepted(sequence))
    (_, first), (_, second) = stayed
    assert first > 5
    assert abs(first - second) <= 2  # the states are those of the same tokens, but for their rounding


def test_several_at_a_time_draft_and_come_out_the_same(load: Load) -> None:
    plain, drafting = DraftConversation(load(), 0), DraftConversation(load(draft_tokens=2), 2)
    prompts = [plain.backend.tokenize(text, add_special=True) for text in PROMPTS[:4]]
    expected = [plain.run(plain.sequence(ids, name=str(n)))[0] for n, ids in enumerate(prompts)]
    together = [drafting.sequence(ids, name=str(n)) for n, ids in enumerate(prompts)]
    assert drafting.run(*together) == expected
    assert all(accepted(sequence)[1] > 0 for sequence in together)


def test_an_answer_that_has_ended_leaves_its_place_to_the_next_ones_drafter(load: Load) -> None:
    talk = DraftConversation(load(draft_tokens=2, sequences=1), 2)
    token_ids = talk.backend.tokenize(PROMPTS[0], add_special=True)
    kept = [talk.sequence(token_ids, 20, name=str(number)) for number in range(4)]
    given = [talk.run(sequence)[0] for sequence in kept]
    assert given == given[:1] * 4
    assert all(accepted(sequence)[0] > 0 for sequence in kept)


def test_a_drafter_without_a_place_has_no_guesses(load: Load) -> None:
    talk = DraftConversation(load(draft_tokens=2, sequences=1), 2)
    token_ids = talk.backend.tokenize(PROMPTS[0], add_special=True)
    others = [talk.backend.drafter() for _ in range(2)]
    for other in others:
        assert other is not None
        other.observe(0, np.zeros((1, 256), np.float32))
    sequence = talk.sequence(token_ids, 20)
    assert talk.run(sequence)
    assert accepted(sequence)[0] == 0


def test_a_drafter_that_begins_while_another_one_rests_has_guesses(load: Load) -> None:
    talk = DraftConversation(load(draft_tokens=2, sequences=2), 2)
    resting = talk.backend.drafter()
    assert resting is not None
    resting.rest(True)
    sequence = talk.sequence(talk.backend.tokenize(PROMPTS[0], add_special=True), 40)
    talk.run(sequence)
    assert accepted(sequence)[1] > 0


def test_an_answer_with_a_grammar_is_that_without_drafts(load: Load) -> None:
    sampling = SamplingParams(temperature=0, grammar='root ::= ([a-z]+ " "){3,12} "end"')
    plain, drafting = DraftConversation(load(), 0), DraftConversation(load(draft_tokens=3), 3)
    token_ids = plain.backend.tokenize(PROMPTS[1], add_special=True)
    expected = plain.run(plain.sequence(token_ids, params=sampling))
    sequence = drafting.sequence(token_ids, params=sampling)
    assert drafting.run(sequence) == expected
    assert accepted(sequence)[0] > 0


@pytest.mark.parametrize("max_tokens", [1, 2, 5])
def test_the_limit_and_the_context_hold_inside_a_block(load: Load, max_tokens: int) -> None:
    plain, drafting = (DraftConversation(load(draft_tokens=n, context_length=64), n) for n in (0, 4))
    token_ids = plain.backend.tokenize(" ".join(PROMPTS), add_special=True)
    for length, most in ((20, max_tokens), (60, 100)):
        first, second = plain.sequence(token_ids[:length], most), drafting.sequence(token_ids[:length], most)
        assert drafting.run(second) == plain.run(first)
        assert second.reason == first.reason


def test_a_draft_model_of_another_vocabulary_is_refused(load: Load, tmp_path: Path) -> None:
    tiny = write_tiny_model(tmp_path / "tiny.gguf")
    with pytest.raises(InvalidRequest, match="another vocabulary"):
        load(draft_tokens=1, draft_model=str(tiny))


def test_a_damaged_draft_model_is_refused_in_words(load: Load, tmp_path: Path) -> None:
    damaged = tmp_path / "damaged.gguf"
    damaged.write_bytes(b"GGUF" + bytes(40))
    with pytest.raises(ModelError):
        load(draft_tokens=1, draft_model=str(damaged))
