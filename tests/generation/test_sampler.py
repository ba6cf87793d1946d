"""Sampling from logits: each step does what its name says, and the same seed draws the same."""

import numpy as np
import pytest

from engine.contract.errors import InternalError
from engine.contract.params import SamplingParams
from engine.generation.sampler import Floats, LogitsSampler, candidates, penalized

LOGITS = np.log(np.array([0.05, 0.4, 0.2, 0.3, 0.05], dtype=np.float32))
EVERYTHING = SamplingParams(temperature=1, top_k=0, top_p=1, min_p=0)


def sampler(
    params: SamplingParams, seed: int = 0, logits: Floats = LOGITS, history: tuple[int, ...] = ()
) -> LogitsSampler:
    return LogitsSampler(params, seed, history, lambda: logits)


def draws(params: SamplingParams, count: int = 2000, seed: int = 0) -> list[float]:
    """How often each token comes."""
    drawing = sampler(params, seed)
    tokens = [drawing.sample() for _ in range(count)]
    return [tokens.count(token) / count for token in range(len(LOGITS))]


def test_temperature_0_takes_the_best_token() -> None:
    assert sampler(SamplingParams(temperature=0)).sample() == 1


def test_without_any_limit_tokens_come_as_often_as_they_are_likely() -> None:
    assert draws(EVERYTHING, 20_000) == pytest.approx(np.exp(LOGITS).tolist(), abs=0.02)


def test_the_same_seed_draws_the_same_and_another_one_something_else() -> None:
    first, second, other = (
        [drawing.sample() for _ in range(50)]
        for drawing in (sampler(EVERYTHING, 7), sampler(EVERYTHING, 7), sampler(EVERYTHING, 8))
    )
    assert first == second != other


@pytest.mark.parametrize(
    ("changes", "kept"),
    [
        ({}, [1, 3, 2, 0, 4]),
        ({"top_k": 2}, [1, 3]),
        ({"top_k": 9}, [1, 3, 2, 0, 4]),
        ({"top_p": 0.4}, [1]),
        ({"top_p": 0.41}, [1, 3]),
        ({"top_p": 0.69}, [1, 3]),
        ({"top_p": 0.71}, [1, 3, 2]),
        ({"top_p": 0.01}, [1]),
        ({"min_p": 0.6}, [1, 3]),
        ({"min_p": 1.0}, [1]),
        ({"top_k": 2, "top_p": 0.5}, [1]),  # of the two that top-k left, the first has 4/7
        ({"top_k": 2, "top_p": 0.6}, [1, 3]),
        ({"top_k": 3, "min_p": 0.7}, [1, 3]),
    ],
)
def test_what_top_k_top_p_and_min_p_leave(changes: dict[str, float], kept: list[int]) -> None:
    params = SamplingParams(**({"temperature": 0.1, "top_k": 0, "top_p": 1.0, "min_p": 0.0} | changes))  # type: ignore[arg-type]
    assert candidates(LOGITS, params)[0].tolist() == kept


def test_the_temperature_changes_the_draw_and_not_what_is_left() -> None:
    cold = SamplingParams(temperature=0.25, top_k=2, top_p=1, min_p=0)
    assert draws(cold)[1] == pytest.approx(0.4**4 / (0.4**4 + 0.3**4), abs=0.04)
    hot = SamplingParams(temperature=100, top_k=2, top_p=1, min_p=0)
    assert draws(hot)[1] == pytest.approx(0.5, abs=0.04)


def test_a_repeat_penalty_makes_recent_tokens_less_likely_whatever_their_sign() -> None:
    logits = np.array([2.0, -2.0, 1.0], dtype=np.float32)
    assert penalized(logits, [0, 1, 0], 2.0).tolist() == [1.0, -4.0, 1.0]
    assert logits.tolist() == [2.0, -2.0, 1.0]
    assert penalized(logits, [], 2.0).tolist() == logits.tolist()


def test_penalties_look_back_on_the_prompt_and_on_what_was_picked_over_64_tokens() -> None:
    logits = np.array([3.0, 2.9, 2.8], dtype=np.float32)
    params = SamplingParams(temperature=0, repeat_penalty=1.5)
    picking = sampler(params, logits=logits, history=(0,))
    assert [picking.sample() for _ in range(3)] == [1, 2, 0]
    assert sampler(params, logits=logits, history=(0, *[1] * 64)).sample() == 0


def test_logits_that_are_no_numbers_are_an_error_and_no_token() -> None:
    for value in (np.nan, np.inf):
        with pytest.raises(InternalError, match="no numbers"):
            sampler(EVERYTHING, logits=np.array([0.0, value], dtype=np.float32)).sample()
