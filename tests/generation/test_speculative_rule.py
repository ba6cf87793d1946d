"""The accept rule keeps the distribution: enumerated answers through the scheduler, chi-squared."""

import math
import os
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import product
from typing import Any

import numpy as np
import pytest

from engine.contract.errors import InvalidRequest
from engine.contract.params import SamplingParams
from engine.generation import speculative
from engine.generation.backend import Backend
from engine.generation.distribution import Distribution
from engine.generation.draft import Draft, PromptLookup
from engine.generation.drafting import Drafting
from engine.generation.governor import Governor
from engine.generation.logprobs import logprob_of
from engine.generation.sampler import request_filters
from engine.generation.sequence import Sequence as Generation
from engine.generation.speculative import NEAR_TIE
from tests.support import reference_sampling as reference
from tests.support.generation import new_scheduler, run
from tests.support.markov_backend import PIECES, MarkovBackend, MarkovDrafter, V

FULL = bool(os.environ.get("RETORT_FULL_TESTS"))
SAMPLES = 3000
ANSWER = 3  # tokens: the first comes with the prompt, the next two are guessed
TOGETHER = 50  # sequences in one batch
PLAIN: dict[str, Any] = {"temperature": 1.0, "top_k": 0, "top_p": 1.0, "min_p": 0.0}
FEW = slice(None) if FULL else slice(-1, None)  # the others with RETORT_FULL_TESTS=1
FILTERS: list[dict[str, Any]] = [
    {},
    {"temperature": 0.7, "top_k": 4},
    {"repeat_penalty": 1.6, "presence_penalty": 0.5, "penalty_window": -1},
    {"temperature": 1.3, "top_p": 0.8, "min_p": 0.1, "repeat_penalty": 1.3, "penalty_window": -1},
]
GRAMMAR = 'root ::= ("a" [bc] | "b" "cd"? | "d"+ "a")*'
GRAMMAR_FILTERS: list[dict[str, Any]] = [
    {},
    {"top_k": 3, "min_p": 0.15, "temperature": 0.8},
    {"top_p": 0.7, "min_p": 0.05, "repeat_penalty": 1.4, "penalty_window": -1},
]


def params(**changes: Any) -> SamplingParams:
    return SamplingParams(**(PLAIN | changes))


def new_drafting(backend: Backend, sampling: SamplingParams, depth: int, drafter: Any, rng: Any) -> Drafting:
    filters = request_filters(sampling, rng, backend.vocabulary)
    return Drafting(backend, drafter, filters, rng, Governor(fixed=depth), NEAR_TIE)


def samples(
    sampling: SamplingParams, depth: int, *, drafter: Callable[[], Any] = lambda: MarkovDrafter(2)
) -> Counter[Any]:
    """Answers to [0]: many sequences in one scheduler, so that the batches hold guesses of several."""
    rng, counts, backend = np.random.default_rng(11), Counter[Any](), MarkovBackend()
    for _ in range(SAMPLES // TOGETHER):
        for slot in range(backend.num_slots):
            backend.truncate(slot, 0)
        sequences = [
            Generation(
                token_ids=[0],
                sampler=backend.sampler(sampling, int(rng.integers(2**32)), [0]),
                max_tokens=ANSWER,
                drafting=new_drafting(backend, sampling, depth, drafter(), rng),
            )
            for _ in range(TOGETHER)
        ]
        run(new_scheduler(backend), *sequences)
        for sequence in sequences:
            assert sequence.error is None
            counts[tuple(sequence.token_ids[1:])] += 1
    assert backend.most_entries == TOGETHER
    return counts


def follows(pieces: Sequence[bytes]) -> bool:
    """Whether GRAMMAR can go on after these: an automaton written by hand."""
    state = "begin"
    steps = {
        ("begin", "a"): "a", ("begin", "b"): "b", ("begin", "d"): "d", ("a", "b"): "begin",
        ("a", "c"): "begin", ("b", "c"): "bc", ("bc", "d"): "begin", ("d", "d"): "d", ("d", "a"): "begin",
        ("b", "a"): "a", ("b", "b"): "b", ("b", "d"): "d",
    }  # fmt: skip
    for character in b"".join(pieces).decode():
        if (state, character) not in steps:
            return False
        state = steps[state, character]
    return True


def next_shares(sampling: SamplingParams, history: list[int]) -> reference.Distribution:
    """What plain sampling gives after a history, from the definitions alone."""
    logits = dict(enumerate(map(float, MarkovBackend().table[history[-1]])))
    if sampling.penalty_window < 0:
        for token in set(history):
            value, penalty = logits[token], sampling.repeat_penalty
            logits[token] = (value / penalty if value > 0 else value * penalty) - sampling.presence_penalty

    def filtered(kept: dict[int, float]) -> reference.Distribution:
        shares = reference.softmax(kept)
        if sampling.top_k:
            shares = reference.top_k(shares, sampling.top_k)
        shares = reference.min_p(reference.top_p(shares, sampling.top_p), sampling.min_p)
        return reference.with_temperature(shares, sampling.temperature)

    free = filtered(logits)
    if not sampling.grammar:
        return free
    pieces = [PIECES[token] for token in history[1:]]
    allowed = {token for token in logits if follows([*pieces, PIECES[token]])}
    within = filtered({token: logits[token] for token in allowed})
    refused = sum(share for token, share in free.items() if token not in allowed)
    return {token: free.get(token, 0) + refused * within.get(token, 0) for token in allowed}


def expected_shares(sampling: SamplingParams) -> dict[tuple[int, ...], float]:
    """Every answer and how likely it is without guesses."""
    found = {}
    for answer in product(range(V), repeat=ANSWER):
        share, history = 1.0, [0]
        for token in answer:
            share *= next_shares(sampling, history).get(token, 0.0)
            if not share:
                break
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


@pytest.mark.parametrize("changes", [{}, *FILTERS[1:][FEW]], ids=str)
@pytest.mark.parametrize("depth", [1, 2] if FULL else [2])
def test_answers_are_distributed_as_without_drafts(changes: dict[str, Any], depth: int) -> None:
    sampling = params(**changes)
    assert abs(deviation(samples(sampling, depth), expected_shares(sampling))) < 4


@pytest.mark.parametrize("changes", GRAMMAR_FILTERS[FEW], ids=str)
@pytest.mark.parametrize("depth", [0, 1, 2] if FULL else [2])
def test_within_a_grammar_too(changes: dict[str, Any], depth: int) -> None:
    sampling = params(grammar=GRAMMAR, **changes)
    assert abs(deviation(samples(sampling, depth), expected_shares(sampling))) < 4


class Stubborn(PromptLookup):
    """Certain guesses, mostly wrong."""

    def propose(self, token_ids: Sequence[int], most: int, choose: Any) -> list[Draft]:
        return [Draft(3, Distribution.certain(3)), Draft(1, Distribution.certain(1))][:most]


@pytest.mark.parametrize("grammar", ["", GRAMMAR][FEW])
def test_certain_guesses_keep_the_distribution_too(grammar: str) -> None:
    sampling = params(grammar=grammar)
    assert abs(deviation(samples(sampling, 2, drafter=Stubborn), expected_shares(sampling))) < 4


def wrong_rule(bug: str) -> Callable[[Draft, Distribution, np.random.Generator], tuple[int, bool]]:
    def wrong(draft: Draft, target: Distribution, random: np.random.Generator) -> tuple[int, bool]:
        guessed, wanted = draft.distribution.share_of(draft.token), target.share_of(draft.token)
        limit = {"accepts all": 0.0, "no division by q": 1.0}.get(bug, guessed)
        if random.random() * limit < wanted:
            return draft.token, True
        left = target if bug == "residual from p" else target.without(draft.distribution)
        return left.draw(random), False

    return wrong


@pytest.mark.parametrize("bug", ["no division by q", "accepts all", "residual from p"][FEW])
def test_wrong_rules_are_caught(monkeypatch: pytest.MonkeyPatch, bug: str) -> None:
    monkeypatch.setattr(speculative, "accept", wrong_rule(bug))
    assert deviation(samples(params(), 2), expected_shares(params())) > 8


@pytest.mark.parametrize("changes", [GRAMMAR_FILTERS[0], *(GRAMMAR_FILTERS[1:] if FULL else [])], ids=str)
def test_the_planted_residual_is_caught_within_a_grammar_too(
    monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any]
) -> None:
    monkeypatch.setattr(speculative, "accept", wrong_rule("residual from p"))
    sampling = params(grammar=GRAMMAR, **changes)
    assert deviation(samples(sampling, 2), expected_shares(sampling)) > 8


@pytest.mark.parametrize("changes", FILTERS[1:], ids=str)
@pytest.mark.skipif(not FULL, reason="the same rule under other params: with RETORT_FULL_TESTS=1")
def test_the_planted_residual_is_caught_under_all_params(
    monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any]
) -> None:
    monkeypatch.setattr(speculative, "accept", wrong_rule("residual from p"))
    sampling = params(**changes)
    assert deviation(samples(sampling, 2), expected_shares(sampling)) > 8


def one(backend: MarkovBackend, sampling: SamplingParams, depth: int, **options: Any) -> Generation:
    rng = np.random.default_rng(0)
    drafting = new_drafting(backend, sampling, depth, MarkovDrafter(1), rng)
    sampler = backend.sampler(sampling, 0, [0])
    return Generation(token_ids=[0], sampler=sampler, drafting=drafting, **({"max_tokens": 12} | options))


def test_log_probabilities_are_those_of_the_rows_that_gave_the_tokens() -> None:
    backend = MarkovBackend()
    sequence = one(backend, params(), 3, logprobs=2)
    generated = run(new_scheduler(backend), sequence)
    assert sequence.drafting is not None
    assert sequence.drafting.num_accepted
    assert len(generated) == 12
    for before, came in zip(sequence.token_ids, generated, strict=False):
        assert came.logprob == logprob_of(backend.table[before], came.token, 2)


@pytest.mark.parametrize("depth", [0, 3])
def test_tokens_forced_on_an_answer_with_a_grammar_leave_it_where_it_was_or_go_along(depth: int) -> None:
    backend = MarkovBackend(end_tokens=frozenset({3}))
    sequence = one(backend, params(grammar='root ::= ("a" "b"){3}', temperature=0), depth)
    scheduler = new_scheduler(backend)
    scheduler.add(sequence)
    sequence.force([2, 0, 1])  # "c" is not in the grammar, "ab" is
    while scheduler.has_work:
        scheduler.step()
    text = b"".join(PIECES[token] for token in sequence.token_ids[1:-1])
    assert (text, sequence.token_ids[-1], sequence.reason) == (b"cababab", 3, "stop")


def test_guesses_that_find_no_room_are_left_out_before_anybody_has_to_leave() -> None:
    backend = MarkovBackend(num_slots=2, num_positions=26)
    sequences = [one(backend, params(), 4) for _ in range(2)]
    run(new_scheduler(backend), *sequences)
    assert [sequence.reason for sequence in sequences] == ["length", "length"]
    assert [len(sequence.token_ids) for sequence in sequences] == [13, 13]


def test_a_grammar_that_no_token_can_follow_ends_its_own_answer_in_words() -> None:
    backend = MarkovBackend()
    wanting, other = one(backend, params(grammar='root ::= "x"'), 2), one(backend, params(), 2)
    run(new_scheduler(backend), wanting, other)
    assert isinstance(wanting.error, InvalidRequest)
    assert (other.error, other.reason) == (None, "length")


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
