"""The torch engine against transformers, on models drawn at random.

RETORT_FULL_TESTS=1 draws three times as many. A failure names the seed; RETORT_TEST_SEED repeats the draw.
"""

import os
import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="needs torch")
pytest.importorskip("transformers", reason="needs transformers")

from engine.transformer.model import Transformer
from tests.support.drawn_models import FAMILIES, VOCABULARY_SIZE, draw, ours

pytestmark = [pytest.mark.torch, pytest.mark.slow]

ROUNDS = 12 if os.environ.get("RETORT_FULL_TESTS") else 4  # times nine families
# the same in all processes of one run, which have to collect the same tests
DRAW = random.Random(os.environ.get("PYTEST_XDIST_TESTRUNUID"))
FIRST_SEED = int(os.environ.get("RETORT_TEST_SEED") or len(FAMILIES) * DRAW.randrange(10**6))
TOLERANCE = 1e-4  # of the largest logit; measured: at most 5e-6 in 270 draws


@dataclass(frozen=True)
class Drawn:
    """A random model twice, a text, and what transformers computes of it."""

    theirs: Any
    ours: Transformer
    token_ids: list[int]
    logits: Any  # (T, V)
    rng: random.Random


@pytest.fixture(
    scope="module",
    params=range(FIRST_SEED, FIRST_SEED + ROUNDS * len(FAMILIES)),
    ids=lambda seed: f"seed{seed}",
)
def drawn(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Drawn]:
    rng = random.Random(request.param)
    theirs = draw(request.param)
    token_ids = [rng.randrange(VOCABULARY_SIZE) for _ in range(rng.randint(40, 90))]
    with torch.no_grad():
        logits = theirs(torch.tensor([token_ids])).logits[0]  # (T, V)
    yield Drawn(theirs, ours(theirs, tmp_path_factory.mktemp("checkpoint")), token_ids, logits, rng)


def relative_error(found: Any, expected: Any) -> float:
    assert found.shape == expected.shape
    return float((found - expected).abs().max() / expected.abs().max())


def in_chunks(model: Transformer, token_ids: list[int], ends: list[int], cache: Any = None) -> Any:
    """Logits (T, V) of a text that is computed in chunks; the first begins where the cache ends."""
    cache = cache or model.new_cache(256)
    parts = []
    for end in ends:
        parts.append(model.logits(model.hidden_states(token_ids[cache.length : end], cache.length, cache)))
    return torch.cat(parts)


def random_ends(rng: random.Random, length: int) -> list[int]:
    return [*sorted(rng.sample(range(1, length), rng.randint(1, 6))), length]


def test_the_logits_of_a_whole_text_are_those_of_transformers(drawn: Drawn) -> None:
    length = len(drawn.token_ids)
    assert relative_error(in_chunks(drawn.ours, drawn.token_ids, [length]), drawn.logits) <= TOLERANCE


def test_token_by_token_gives_the_same(drawn: Drawn) -> None:
    ends = list(range(1, len(drawn.token_ids) + 1))
    assert relative_error(in_chunks(drawn.ours, drawn.token_ids, ends), drawn.logits) <= TOLERANCE


def test_chunks_split_anywhere_give_the_same(drawn: Drawn) -> None:
    for _ in range(3):
        ends = random_ends(drawn.rng, len(drawn.token_ids))
        assert relative_error(in_chunks(drawn.ours, drawn.token_ids, ends), drawn.logits) <= TOLERANCE, ends


def test_truncating_and_going_on_gives_the_same_as_never_having_been_elsewhere(drawn: Drawn) -> None:
    length = len(drawn.token_ids)
    cache = drawn.ours.new_cache(256)
    kept = drawn.rng.randint(1, length - 1)
    wrong = [(token + 1) % VOCABULARY_SIZE for token in drawn.token_ids[kept:]]
    in_chunks(drawn.ours, drawn.token_ids[:kept] + wrong, random_ends(drawn.rng, length), cache)
    cache.truncate(kept)
    found = in_chunks(drawn.ours, drawn.token_ids, [length], cache)
    assert relative_error(found, drawn.logits[kept:]) <= TOLERANCE


def test_greedy_answers_are_those_of_transformers(drawn: Drawn) -> None:
    prompt = drawn.token_ids[:12]
    with torch.no_grad():
        expected = drawn.theirs.generate(
            torch.tensor([prompt]), max_new_tokens=24, do_sample=False, eos_token_id=None
        )[0].tolist()
    cache, token_ids = drawn.ours.new_cache(256), list(prompt)
    while len(token_ids) < len(expected):
        hidden = drawn.ours.hidden_states(token_ids[cache.length :], cache.length, cache)
        token_ids.append(int(drawn.ours.logits(hidden[-1:]).argmax()))
    assert token_ids == expected
