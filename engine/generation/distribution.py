"""What a request's sampling params make of logits, as probabilities: for rules that compare two of them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from engine.contract.errors import InternalError, InvalidRequest
from engine.contract.params import SamplingParams
from engine.generation.backend import Floats
from engine.generation.grammar import GrammarPath
from engine.generation.sampling_steps import (
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
FEW_TOKENS = 64  # up to so many are checked against a grammar one by one


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
    """A request's sampling params as a function from logits to a distribution.

    With a grammar the answer is drawn as llama.cpp draws it: a token from all that the other filters leave,
    and where the grammar refuses that one, another from what they leave of the tokens it allows. The
    distribution here is that of both draws together, so that rules over distributions need not know of it.
    """

    def __init__(
        self,
        params: SamplingParams,
        piece: Callable[[int], bytes],
        random: np.random.Generator,
        path: GrammarPath | None = None,
    ) -> None:
        """`random` is asked only where XTC is on; `path` says where the answer stands in its grammar."""
        self._params, self._piece, self._random = params, piece, random
        # arrays: keeping to a conversation's scripts biases tens of thousands of tokens
        self._biased = np.array([token for token, _ in params.logit_bias], np.int64)  # (n,)
        self._biases = np.array([bias for _, bias in params.logit_bias], np.float32)  # (n,)
        self.path = path

    @property
    def is_greedy(self) -> bool:
        """Whether only the best token can come."""
        return self._params.temperature == 0

    def __call__(self, logits: Floats, history: Sequence[int]) -> Distribution:
        """Logits (V,) after the tokens of `history`, in the order of the sampler's own steps.

        The grammar's path has to stand after them too: who lengthens the history tells it.
        """
        if not np.isfinite(logits.max()):
            raise InternalError("the model computed values that are no numbers")
        logits = self._punished(logits, history)  # (V,)
        free = self._filtered(logits)
        return free if self.path is None else self._within(self.path, free, logits)

    def _within(self, path: GrammarPath, free: Distribution, logits: Floats) -> Distribution:
        """What the grammar makes of a distribution that does not know it, and of the logits (V,) behind."""
        if len(free.tokens) > FEW_TOKENS:
            allowed = path.mask()[free.tokens]  # (n,)
        else:
            allowed = np.fromiter(map(path.allows, free.tokens.tolist()), np.bool_, len(free.tokens))  # (n,)
        if allowed.all():
            return free
        mask = path.mask()  # (V,)
        if not mask.any():
            raise InvalidRequest("the grammar wants what no token of this model can say")
        again = self._filtered(np.where(mask, logits, -np.inf).astype(np.float32))
        refused = float(free.shares[~allowed].sum())
        tokens = np.concatenate([free.tokens[allowed], again.tokens])  # (m,), some twice
        each, places = np.unique(tokens, return_inverse=True)  # (k,), (m,)
        both = np.concatenate([free.shares[allowed], refused * again.shares])  # (m,)
        summed: Doubles = np.bincount(places, weights=both).astype(np.float64)  # (k,)
        order = np.argsort(-summed, kind="stable")  # (k,)
        return Distribution(each[order], summed[order], min(free.gap, again.gap))

    def _filtered(self, logits: Floats) -> Distribution:
        params = self._params
        if self.is_greedy:
            best = int(logits.argmax())
            rest = max(logits[:best].max(initial=-np.inf), logits[best + 1 :].max(initial=-np.inf))
            return Distribution(np.array([best], np.int64), np.ones(1), float(logits[best] - rest))
        tokens, kept = candidates(logits, params)  # (n,) each
        if params.xtc_probability and self._random.random() < params.xtc_probability:
            dropped = num_obvious(kept, params.xtc_threshold)
            tokens, kept = tokens[dropped:], kept[dropped:]
        return Distribution(tokens, shares(kept / params.temperature))

    def _punished(self, logits: Floats, history: Sequence[int]) -> Floats:
        params = self._params
        window = len(history) if params.penalty_window < 0 else params.penalty_window
        recent = history[max(0, len(history) - window) :]
        if len(self._biased):
            logits = biased(logits, self._biased, self._biases)  # (V,)
        if params.repeat_penalty != 1 or params.frequency_penalty or params.presence_penalty:
            logits = penalized(logits, recent, params)  # (V,)
        if params.dry_multiplier:
            logits = without_repetition(logits, recent, params, self._breaks)  # (V,)
        return logits

    def _breaks(self, token: int) -> bool:
        piece = self._piece(token)
        return any(breaker in piece for breaker in DRY_BREAKERS)
