"""The accept rule keeps the distribution: enumerated pairs of tokens through the public call, chi-squared."""

import math
from collections import Counter
from collections.abc import Sequence
from itertools import product
from typing import Any

import numpy as np
import pytest

from engine.contract.params import SamplingParams
from engine.generation import speculative
from engine.generation.distribution import Distribution, Filters
from engine.generation.draft import Draft, PromptLookup
from engine.generation.governor import Governor
from engine.generation.speculative import Limits, Speculation, generate_with_drafts

V = 6
SAMPLES = 3000
FILTERS = [
    {},
    {"temperature": 0.7, "top_k": 4},
    {"temperature": 1.3, "top_p": 0.8, "min_p": 0.1},
    {"repeat_penalty": 1.6, "presence_penalty": 0.5, "penalty_window": -1},
]


class MarkovModel:
    """Logits that depend on the token before: a model whose every distribution can be written down."""

    max_length = 1000

    def __init__(self, seed: int) -> None:
        self.table = np.random.default_rng(seed).normal(0, 1.2, (V, V)).astype(np.float32)

    def decode(self, token_ids: Sequence[int], position: int, num_logits: int) -> tuple[Any, None]:
        return [self.table[token] for token in token_ids[len(token_ids) - num_logits :]], None

    def rows(self, states: None, first: int) -> None:
        return None


class MarkovDrafter:
    """Guesses from another such table."""

    def __init__(self, seed: int) -> None:
        self.table = MarkovModel(seed).table

    def observe(self, position: int, states: Any) -> None:
        return None

    def propose(self, token_ids: Sequence[int], most: int, choose: Any) -> list[Draft]:
        drafts: list[Draft] = []
        for _ in range(most):
            known = [*token_ids, *(draft.token for draft in drafts)]
            drafts.append(choose(self.table[known[-1]], known))
        return drafts


def params(**changes: Any) -> SamplingParams:
    plain = {"temperature": 1.0, "top_k": 0, "top_p": 1.0, "min_p": 0.0}
    return SamplingParams(**(plain | changes))


def filters_of(sampling: SamplingParams, rng: np.random.Generator, mask: Any = None) -> Filters:
    return Filters(sampling, lambda token: b"", rng, mask)


def samples(sampling: SamplingParams, depth: int, *, drafter: Any = None, mask: Any = None) -> Counter[Any]:
    """What comes second and third after [0]; the first comes from prefill and is drawn before any draft."""
    rng, counts = np.random.default_rng(11), Counter[Any]()
    model, limits = MarkovModel(1), Limits(max_tokens=3)
    for _ in range(SAMPLES):
        speculation = Speculation([0], 0, cached_length=0, governor=Governor(fixed=depth))
        speculation.prompt_length = 1
        found = list(
            generate_with_drafts(
                model,
                drafter() if drafter else MarkovDrafter(2),
                speculation,
                filters=filters_of(sampling, rng, mask),
                random=rng,
                limits=limits,
                cancelled=lambda: False,
            )
        )
        counts[tuple(found)] += 1
    return counts


def expected_shares(sampling: SamplingParams, mask: Any = None) -> dict[tuple[int, ...], float]:
    """Every answer of three tokens and how likely it is, by the plain path alone."""
    table, filters = MarkovModel(1).table, filters_of(sampling, np.random.default_rng(0), mask)
    found = {}
    for answer in product(range(V), repeat=3):
        share, history = 1.0, [0]
        for token in answer:
            share *= filters(table[history[-1]], history).share_of(token)
            history.append(token)
        if share:
            found[answer] = share
    return found


def deviation(counts: Counter[Any], shares: dict[tuple[int, ...], float]) -> float:
    """Chi-squared in standard deviations from what chance gives; rare cells are counted together."""
    assert set(counts) <= set(shares)
    cells: list[tuple[float, float]] = []
    rest = [0.0, 0.0]
    for answer, share in shares.items():
        wanted = share * SAMPLES
        if wanted >= 8:
            cells.append((counts[answer], wanted))
        else:
            rest[0], rest[1] = rest[0] + counts[answer], rest[1] + wanted
    if rest[1]:
        cells.append((rest[0], rest[1]))
    chi_squared = sum((found - wanted) ** 2 / wanted for found, wanted in cells)
    freedom = len(cells) - 1
    return (chi_squared - freedom) / math.sqrt(2 * freedom)


@pytest.mark.parametrize("changes", FILTERS, ids=str)
@pytest.mark.parametrize("depth", [1, 2])
def test_answers_are_distributed_as_without_drafts(changes: dict[str, Any], depth: int) -> None:
    sampling = params(**changes)
    assert abs(deviation(samples(sampling, depth), expected_shares(sampling))) < 4


def test_certain_guesses_keep_the_distribution_too() -> None:
    class Lookup(PromptLookup):
        def propose(self, token_ids: Sequence[int], most: int, choose: Any) -> list[Draft]:
            return [Draft(3, Distribution.certain(3)), Draft(1, Distribution.certain(1))][:most]

    counts = samples(params(), 2, drafter=Lookup)
    assert abs(deviation(counts, expected_shares(params()))) < 4


def test_a_grammar_holds_for_guesses_and_answers() -> None:
    def no_repeats(logits: Any, history: Sequence[int]) -> Any:
        masked = logits.copy()
        masked[history[-1]] = -np.inf
        return masked

    counts = samples(params(), 2, mask=no_repeats)
    assert abs(deviation(counts, expected_shares(params(), no_repeats))) < 4


@pytest.mark.parametrize("bug", ["residual from p", "accepts all", "no division by q"])
def test_wrong_rules_are_caught(monkeypatch: pytest.MonkeyPatch, bug: str) -> None:
    def wrong(draft: Draft, target: Distribution, random: np.random.Generator) -> tuple[int, bool]:
        guessed, wanted = draft.distribution.share_of(draft.token), target.share_of(draft.token)
        limit = 0.0 if bug == "accepts all" else guessed
        if bug == "no division by q":
            limit = 1.0
        if random.random() * limit < wanted:
            return draft.token, True
        left = target if bug == "residual from p" else target.without(draft.distribution)
        return left.draw(random), False

    monkeypatch.setattr(speculative, "accept", wrong)
    assert deviation(samples(params(), 2), expected_shares(params())) > 8


def test_what_is_left_after_another_distribution() -> None:
    first = Distribution(np.array([2, 0, 1]), np.array([0.5, 0.3, 0.2]))
    other = Distribution(np.array([0, 3, 2]), np.array([0.6, 0.3, 0.1]))
    left = first.without(other)
    shares = dict(zip(left.tokens.tolist(), left.shares.tolist(), strict=True))
    assert shares == pytest.approx({2: 0.4 / 0.6, 0: 0.0, 1: 0.2 / 0.6})
    assert first.without(first) is first  # nothing left: it cannot have been refused but by rounding


def test_prompt_lookup_finds_what_followed_last_time() -> None:
    lookup = PromptLookup()

    def tokens(text: list[int], most: int) -> list[int]:
        return [draft.token for draft in lookup.propose(text, most, None)]  # type: ignore[arg-type]

    assert tokens([1, 2, 3, 4, 5, 9, 2, 3, 4], 2) == [5, 9]
    assert tokens([1, 2, 3, 4, 5, 9, 2, 3, 4, 7], 3) == []
    assert tokens([1, 2, 3, 4, 5, 9, 2, 3, 4, 7, 3, 4], 3) == [7, 3, 4]  # the later of two
    assert tokens([1, 2, 3, 4, 5, 9, 2, 3, 4, 7, 3, 4, 1, 2], 1) == [3]
