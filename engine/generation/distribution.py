"""What a request's sampling params make of logits, as probabilities: for rules that compare two of them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from engine.contract.errors import InternalError
from engine.contract.params import SamplingParams
from engine.generation.backend import Floats
from engine.generation.sampler import (
    DRY_BREAKERS,
    Indices,
    biased,
    candidates,
    num_obvious,
    penalized,
    shares,
    without_repetition,
)

Doubles = np.ndarray[Any, np.dtype[np.float64]]
# From logits (V,) and the tokens before them to logits, with -inf for what a grammar forbids here.
Mask = Callable[[Floats, Sequence[int]], Floats]


@dataclass(frozen=True, slots=True, eq=False)
class Distribution:
    """Tokens that can come next and how likely each is; all others cannot."""

    tokens: Indices  # (n,), best first
    shares: Doubles  # (n,), with sum 1
    gap: float = np.inf  # between the best two logits, after penalties

    @classmethod
    def certain(cls, token: int) -> "Distribution":
        """One token and no other."""
        return cls(np.array([token], np.int64), np.ones(1))

    def share_of(self, token: int) -> float:
        """How likely a token is."""
        found = np.flatnonzero(self.tokens == token)
        return float(self.shares[found[0]]) if len(found) else 0.0

    def draw(self, random: np.random.Generator) -> int:
        """A token."""
        cumulative = self.shares.cumsum()  # (n,)
        place = int(cumulative.searchsorted(random.random() * cumulative[-1], side="right"))
        return int(self.tokens[min(place, len(self.tokens) - 1)])

    def without(self, other: "Distribution") -> "Distribution":
        """What is left of it where another was drawn from first: (p - q)+, made to sum to 1 again.

        Leviathan et al. 2023, arXiv:2211.17192, section 2.3.
        """
        order = np.argsort(other.tokens, kind="stable")  # (m,)
        places = np.searchsorted(other.tokens, self.tokens, sorter=order).clip(max=len(order) - 1)  # (n,)
        places = order[places]  # (n,)
        taken = np.where(other.tokens[places] == self.tokens, other.shares[places], 0.0)  # (n,)
        left = np.maximum(self.shares - taken, 0.0)  # (n,)
        total = left.sum()
        return self if total <= 0 else Distribution(self.tokens, left / total)


class Filters:
    """A request's sampling params as a function from logits to a distribution."""

    def __init__(
        self,
        params: SamplingParams,
        piece: Callable[[int], bytes],
        random: np.random.Generator,
        mask: Mask | None = None,
    ) -> None:
        """`random` is asked only where XTC is on; `mask` is a grammar's."""
        self._params, self._piece, self._random, self._mask = params, piece, random, mask

    @property
    def is_greedy(self) -> bool:
        """Whether only the best token can come."""
        return self._params.temperature == 0

    def __call__(self, logits: Floats, history: Sequence[int]) -> Distribution:
        """Logits (V,) after the tokens of `history`, in the order of the sampler's own steps."""
        if not np.isfinite(logits.max()):
            raise InternalError("the model computed values that are no numbers")
        if self._mask is not None:
            logits = self._mask(logits, history)  # (V,)
        logits = self._punished(logits, history)  # (V,)
        if self.is_greedy:
            best = int(logits.argmax())
            rest = np.delete(logits, best)  # (V - 1,)
            gap = float(logits[best] - rest.max()) if len(rest) else np.inf
            return Distribution(np.array([best], np.int64), np.ones(1), gap)
        params = self._params
        tokens, kept = candidates(logits, params)  # (n,) each
        if params.xtc_probability and self._random.random() < params.xtc_probability:
            dropped = num_obvious(kept, params.xtc_threshold)
            tokens, kept = tokens[dropped:], kept[dropped:]
        return Distribution(tokens, shares(kept / params.temperature))

    def _punished(self, logits: Floats, history: Sequence[int]) -> Floats:
        params = self._params
        window = len(history) if params.penalty_window < 0 else params.penalty_window
        recent = history[max(0, len(history) - window) :]
        if params.logit_bias:
            logits = biased(logits, params.logit_bias)  # (V,)
        if params.repeat_penalty != 1 or params.frequency_penalty or params.presence_penalty:
            logits = penalized(logits, recent, params)  # (V,)
        if params.dry_multiplier:
            logits = without_repetition(logits, recent, params, self._breaks)  # (V,)
        return logits

    def _breaks(self, token: int) -> bool:
        piece = self._piece(token)
        return any(breaker in piece for breaker in DRY_BREAKERS)
