"""Generation with drafts: the model checks several guesses in one step and keeps what it would have said.

Speculative sampling (Leviathan et al. 2023, arXiv:2211.17192): a guess x drawn from q stays with probability
min(1, p(x) / q(x)); the first one refused is replaced by a draw from (p - q)+, and where all stay, one more
token comes from the model's own p. The tokens are distributed exactly as without drafts. p and q both come
through the request's filters, each given the tokens before it.

Greedy answers are those of plain decoding. Several rows computed at once are rounded otherwise than one, so
where the best two logits are nearer than `near_tie` the row is computed again alone.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from engine.generation.backend import Cancelled, Floats
from engine.generation.distribution import Distribution, Filters
from engine.generation.draft import Draft, Drafter, States
from engine.generation.governor import Governor

PREFILL_CHUNK = 512
QUANTIZED_NEAR_TIE = 0.05  # roundings of 16-bit activations turn over
NEAR_TIE = 1e-3  # of logits in float32: 400 times the largest deviation measured (docs/benchmarks.md)


class Verifier(Protocol):
    """A model with a KV cache for one sequence."""

    @property
    def max_length(self) -> int:
        """Positions that its KV cache can hold."""
        ...

    def decode(
        self, token_ids: Sequence[int], position: int, num_logits: int
    ) -> tuple[Sequence[Floats], States]:
        """Compute T tokens from `position` on, forgetting what was there.

        Gives the logits (V,) of each of the last `num_logits` of them, and the states of all.
        """
        ...

    def rows(self, states: States, first: int) -> States:
        """The first so many of the states."""
        ...


@dataclass(slots=True)
class Speculation:
    """One request: its tokens, how far they are computed, and what became of the guesses."""

    token_ids: list[int]
    prompt_length: int
    cached_length: int = 0
    num_drafted: int = 0
    num_accepted: int = 0
    governor: Governor = field(default_factory=Governor)

    @property
    def acceptance(self) -> float | None:
        """The share of guesses that stayed, None before any was made."""
        return self.num_accepted / self.num_drafted if self.num_drafted else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """When generation ends, and how near two logits have to be to be computed again."""

    max_tokens: int
    end_tokens: frozenset[int] = frozenset()
    near_tie: float = NEAR_TIE


def generate_with_drafts(
    model: Verifier,
    drafter: Drafter,
    speculation: Speculation,
    *,
    filters: Filters,
    random: np.random.Generator,
    limits: Limits,
    cancelled: Cancelled,
) -> Iterator[int]:
    """Yield token ids one by one until an end token, the limit, a full context or a cancel.

    The end token is appended to the sequence but not yielded. Who stops reading early, for a stop string,
    finds in `token_ids` what was yielded and no more; the KV cache may hold positions after it.
    """
    run = _Run(model, drafter, speculation, filters=filters, random=random, limits=limits)
    token_ids, end = speculation.token_ids, speculation.prompt_length + limits.max_tokens
    while len(token_ids) < min(end, model.max_length + 1) and not cancelled():
        for token in run.step(end):
            token_ids.append(token)
            if token in limits.end_tokens:
                return
            yield token


@dataclass(frozen=True, slots=True)
class _Run:
    model: Verifier
    drafter: Drafter
    speculation: Speculation
    filters: Filters
    random: np.random.Generator
    limits: Limits

    def step(self, end: int) -> list[int]:
        """One step of the model: the tokens it gives, none while prefill goes on, none from `end` on."""
        speculation, started = self.speculation, time.perf_counter()
        token_ids, position = list(speculation.token_ids), speculation.cached_length
        if position + PREFILL_CHUNK < len(token_ids):
            _, states = self.model.decode(token_ids[position : position + PREFILL_CHUNK], position, 0)
            self._observe(position, states, PREFILL_CHUNK)
            return []
        is_decoding = position == len(token_ids) - 1
        depth = speculation.governor.next_depth() if is_decoding else 0
        most = min(depth, end - len(token_ids) - 1, self.model.max_length - len(token_ids))
        drafts = self.drafter.propose(token_ids, most, self._choose) if most > 0 else []
        new = [*token_ids[position:], *(draft.token for draft in drafts)]
        logits, states = self.model.decode(new, position, len(drafts) + 1)
        tokens, num_rows = judge(
            drafts,
            logits,
            token_ids,
            filters=self.filters,
            random=self.random,
            near_tie=self.limits.near_tie,
            end_tokens=self.limits.end_tokens,
            alone=self._alone,
        )
        self._observe(position, states, len(new) - len(drafts) + num_rows - 1)
        speculation.num_drafted += len(drafts)
        pairs = zip(tokens, drafts, strict=False)
        speculation.num_accepted += sum(token == draft.token for token, draft in pairs)
        if is_decoding:
            speculation.governor.record(depth, len(tokens), time.perf_counter() - started)
        return tokens

    def _observe(self, position: int, states: States, num_rows: int) -> None:
        """So many rows from `position` on are there to stay."""
        self.speculation.cached_length = position + num_rows
        if self.speculation.governor.may_draft:
            self.drafter.observe(position, self.model.rows(states, num_rows))

    def _alone(self, history: list[int]) -> Floats:
        return self.model.decode(history[-1:], len(history) - 1, 1)[0][0]

    def _choose(self, logits: Floats, history: Sequence[int]) -> Draft:
        distribution = self.filters(logits, history)
        return Draft(distribution.draw(self.random), distribution)


def judge(
    drafts: list[Draft],
    logits: Sequence[Floats],
    token_ids: list[int],
    *,
    filters: Filters,
    random: np.random.Generator,
    near_tie: float,
    end_tokens: frozenset[int],
    alone: Callable[[list[int]], Floats],
) -> tuple[list[int], int]:
    """The tokens that come after `token_ids` and how many rows of `logits` they took; the last has none yet.

    `alone` computes the logits (V,) after some tokens as plain decoding does and writes their row again.
    """
    tokens: list[int] = []
    for row, draft in enumerate(drafts):
        history = [*token_ids, *tokens]
        target = filters(logits[row], history)
        if target.gap < near_tie:  # what follows was computed after the other row
            return [*tokens, filters(alone(history), history).draw(random)], row + 1
        token, stays = accept(draft, target, random)
        tokens.append(token)
        if not stays or token in end_tokens:
            return tokens, row + 1
    history = [*token_ids, *tokens]
    target = filters(logits[len(drafts)], history)
    if drafts and target.gap < near_tie:
        target = filters(alone(history), history)
    return [*tokens, target.draw(random)], len(drafts) + 1


def accept(draft: Draft, target: Distribution, random: np.random.Generator) -> tuple[int, bool]:
    """The token that takes a guess's place, and whether it is the guess."""
    guessed, wanted = draft.distribution.share_of(draft.token), target.share_of(draft.token)
    if random.random() * guessed < wanted:
        return draft.token, True
    return target.without(draft.distribution).draw(random), False
