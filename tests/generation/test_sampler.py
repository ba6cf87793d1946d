"""Sampling from logits: each step does what its name says, and the same seed draws the same."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from engine.contract.errors import InternalError, InvalidRequest
from engine.contract.params import FORBIDDEN, SamplingParams
from engine.generation.backend import Floats
from engine.generation.sampler import LogitsSampler
from engine.generation.sampling_steps import match_lengths, penalized, without_repetition
from engine.generation.vocabulary import Vocabulary
from tests.support import reference_sampling as reference
from tests.support.reference_sampling import Distribution

pytestmark = pytest.mark.slow

DRAWS = 20_000
LOGITS: Floats = np.random.default_rng(3).normal(0, 2, 40).astype(np.float32)
PLAIN: dict[str, Any] = {"top_k": 0, "top_p": 1.0, "min_p": 0.0, "temperature": 1.0}


def sampler(
    changes: dict[str, Any], *, seed: int = 0, logits: Floats = LOGITS, history: tuple[int, ...] = ()
) -> LogitsSampler:
    params = SamplingParams(**(PLAIN | changes))
    return LogitsSampler(
        params,
        seed,
        history,
        logits=lambda _: logits,
        vocabulary=Vocabulary(lambda token: bytes([65 + token]), len(logits), frozenset()),
    )


@pytest.mark.parametrize(
    ("changes", "reference_of"),
    [
        ({}, lambda d: d),
        ({"temperature": 0.5}, lambda d: reference.with_temperature(d, 0.5)),
        ({"top_k": 5}, lambda d: reference.top_k(d, 5)),
        ({"top_k": 500}, lambda d: d),
        ({"top_p": 0.6}, lambda d: reference.top_p(d, 0.6)),
        ({"top_p": 0.001}, lambda d: reference.top_k(d, 1)),
        ({"min_p": 0.2}, lambda d: reference.min_p(d, 0.2)),
        ({"typical_p": 0.5}, lambda d: reference.typical(d, 0.5)),
        ({"xtc_probability": 0.5, "xtc_threshold": 0.05}, lambda d: reference.xtc(d, 0.5, 0.05)),
        ({"xtc_probability": 1.0, "xtc_threshold": 0.9}, lambda d: d),
        (
            {"top_k": 30, "typical_p": 0.9, "top_p": 0.8, "min_p": 0.02, "temperature": 0.7},
            lambda d: reference.with_temperature(
                reference.min_p(reference.top_p(reference.typical(reference.top_k(d, 30), 0.9), 0.8), 0.02),
                0.7,
            ),
        ),
    ],
    ids=lambda value: str(value) if isinstance(value, dict) else "reference",
)
def test_draws_follow_the_distribution_that_the_params_describe(
    changes: dict[str, Any], reference_of: Callable[[Distribution], Distribution]
) -> None:
    expected = reference_of(reference.softmax(dict(enumerate(map(float, LOGITS)))))
    drawing = sampler(changes)
    counts = Counter(drawing.sample(0) for _ in range(DRAWS))
    assert set(counts) <= set(expected)
    for token, share in expected.items():  # five standard deviations and a little: 1 of 40,000 seeds fails
        assert abs(counts[token] - share * DRAWS) <= 5 * (share * DRAWS) ** 0.5 + 1


def test_temperature_0_takes_the_best_token() -> None:
    assert sampler({"temperature": 0}).sample(0) == int(LOGITS.argmax())


def test_the_same_seed_draws_the_same_and_another_one_something_else() -> None:
    drawing = [sampler({}, seed=seed) for seed in (7, 7, 8)]
    first, second, other = ([one.sample(0) for _ in range(50)] for one in drawing)
    assert first == second != other


def test_a_bias_forbids_and_forces_tokens() -> None:
    best = int(LOGITS.argmax())
    assert sampler({"temperature": 0, "logit_bias": ((best, FORBIDDEN),)}).sample(0) != best
    assert sampler({"temperature": 0, "logit_bias": ((7, 1000.0),)}).sample(0) == 7
    with pytest.raises(InvalidRequest, match="token 40, there are 40"):
        sampler({"logit_bias": ((40, 1.0),)})


def test_penalties_count_what_came_lately_whatever_the_sign_of_a_logit() -> None:
    logits = np.array([2.0, -2.0, 1.0], dtype=np.float32)
    assert penalized(logits, [0, 1, 0], SamplingParams(repeat_penalty=2.0)).tolist() == [1.0, -4.0, 1.0]
    params = SamplingParams(frequency_penalty=0.5, presence_penalty=0.25)
    assert penalized(logits, [0, 1, 0], params).tolist() == [0.75, -2.75, 1.0]
    assert penalized(logits, [], params).tolist() == logits.tolist() == [2.0, -2.0, 1.0]


def test_penalties_look_back_on_the_prompt_and_on_what_was_picked_as_far_as_the_window() -> None:
    logits = np.array([3.0, 2.9, 2.8], dtype=np.float32)
    changes = {"temperature": 0, "presence_penalty": 1.0, "penalty_window": 2}
    picking = sampler(changes, logits=logits, history=(0,))
    assert [picking.sample(0) for _ in range(4)] == [1, 2, 0, 1]
    assert sampler(changes, logits=logits, history=(0, 1, 1)).sample(0) == 0
    assert sampler(changes | {"penalty_window": -1}, logits=logits, history=(0, *[1] * 99)).sample(0) == 2


def plain_repetition(tokens: list[int], token: int, reach: int) -> int:
    """How many of the last tokens stood before an earlier `token`, by trying every place and length."""
    return max(
        (
            length
            for place in range(1, len(tokens))
            if tokens[place] == token
            for length in range(1, min(place, reach) + 1)
            if tokens[place - length : place] == tokens[len(tokens) - length :]
        ),
        default=0,
    )


@pytest.mark.parametrize("seed", range(20))
def test_dry_punishes_what_would_go_on_with_a_repetition(seed: int) -> None:
    rng = np.random.default_rng(seed)
    tokens = [int(token) for token in rng.integers(0, 4, 60)]
    params = SamplingParams(dry_multiplier=0.8, dry_base=1.5, dry_allowed_length=2)
    found = without_repetition(np.zeros(5, np.float32), tokens, params, lambda token: token == 0)
    reach = tokens[::-1].index(0)
    for token in range(5):
        length = plain_repetition(tokens, token, reach)
        expected = -0.8 * 1.5 ** (length - 2) if length >= 2 else 0.0
        assert found[token] == pytest.approx(expected)


def test_the_lengths_of_matches_are_those_found_by_comparing() -> None:
    rng = np.random.default_rng(0)
    for size in (0, 1, 2, 30, 200):
        tokens = [int(token) for token in rng.integers(0, 2, size)]
        plain = [
            next((n for n in range(size - place) if tokens[n] != tokens[place + n]), size - place)
            for place in range(size)
        ]
        assert match_lengths(tokens) == plain


def test_a_long_repetition_is_no_overflow() -> None:
    params = SamplingParams(dry_multiplier=1.0, dry_base=100.0)
    found = without_repetition(np.zeros(3, np.float32), [1] * 500, params, lambda token: False)
    assert np.isfinite(found).all()
    assert found[1] < -1e30


@pytest.mark.parametrize("changes", [{}, {"top_k": 3}, {"top_p": 0.3}], ids=str)
def test_a_grammar_refuses_what_was_drawn_and_has_another_drawn_of_what_it_allows(
    changes: dict[str, Any],
) -> None:
    allowed = {0, 3, 5, 38}
    shares = reference.softmax(dict(enumerate(map(float, LOGITS))))
    within = reference.softmax({token: float(LOGITS[token]) for token in allowed})
    if "top_k" in changes:
        shares, within = (reference.top_k(one, 3) for one in (shares, within))
    if "top_p" in changes:
        shares, within = (reference.top_p(one, 0.3) for one in (shares, within))
    refused = sum(share for token, share in shares.items() if token not in allowed)
    drawing = sampler(changes | {"grammar": "root ::= [ADFg]*"})
    counts = Counter(drawing.sample(0) for _ in range(DRAWS // 4))
    for token in range(len(LOGITS)):
        share = (shares.get(token, 0) + refused * within.get(token, 0)) if token in allowed else 0.0
        assert abs(counts[token] - share * DRAWS / 4) <= 5 * (share * DRAWS / 4) ** 0.5 + (share > 0)


def test_logits_that_are_no_numbers_are_an_error_and_no_token() -> None:
    for value in (np.nan, np.inf):
        with pytest.raises(InternalError, match="no numbers"):
            sampler({}, logits=np.array([0.0, value], dtype=np.float32)).sample(0)
