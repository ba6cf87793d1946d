"""Picking the next token from logits: the steps of llama.cpp's sampler chain, in its order.

Repeat penalty, then greedy, or top-k, top-p, min-p, temperature and a draw. For backends that hand out
logits; the llama backend uses llama.cpp's own chain. The same seed gives the same answer again, but not
llama.cpp's: the random numbers are others.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from engine.contract.errors import InternalError
from engine.contract.params import SamplingParams

PENALTY_WINDOW = 64  # tokens that a repeat penalty looks back on

Floats = np.ndarray[Any, np.dtype[np.float32]]
Indices = np.ndarray[Any, np.dtype[np.int64]]


class LogitsSampler:
    """A sampler for one request; `logits` gives those of the last decoded position, (V,) float32."""

    def __init__(
        self, params: SamplingParams, seed: int, history: Sequence[int], logits: Callable[[], Floats]
    ) -> None:
        self._params, self._logits = params, logits
        self._random = np.random.Generator(np.random.PCG64(seed))
        self._recent = list(history[-PENALTY_WINDOW:])

    def sample(self) -> int:
        """The next token."""
        logits = self._logits()  # (V,)
        if not np.isfinite(logits.max()):
            raise InternalError("the model computed values that are no numbers")
        if self._params.repeat_penalty != 1:
            logits = penalized(logits, self._recent, self._params.repeat_penalty)  # (V,)
        token = int(logits.argmax()) if self._params.temperature == 0 else self._draw(logits)
        self._recent = [*self._recent[1 - PENALTY_WINDOW :], token]
        return token

    def close(self) -> None:
        """Nothing to give back."""

    def _draw(self, logits: Floats) -> int:
        tokens, kept = candidates(logits, self._params)  # (kept,) each
        cumulative = shares(kept / self._params.temperature).cumsum()  # (kept,)
        place = cumulative.searchsorted(self._random.random() * cumulative[-1], side="right")
        return int(tokens[min(place, len(tokens) - 1)])


def penalized(logits: Floats, recent: Sequence[int], penalty: float) -> Floats:
    """Make tokens that came lately less likely, whatever the sign of their logit: (V,) to (V,)."""
    tokens = np.unique(np.asarray(recent, dtype=np.int64))  # (distinct,)
    changed = logits.copy()  # (V,)
    values = changed[tokens]  # (distinct,)
    changed[tokens] = np.where(values > 0, values / penalty, values * penalty)
    return changed


def candidates(logits: Floats, params: SamplingParams) -> tuple[Indices, Floats]:
    """The tokens that top-k, top-p and min-p leave and their logits, best first: (kept,) each, never none."""
    top_k = params.top_k or len(logits)
    if top_k < len(logits):
        tokens = np.argpartition(-logits, top_k - 1)[:top_k]  # (k,), in no order
        tokens = tokens[np.argsort(-logits[tokens], kind="stable")]  # (k,)
    else:
        tokens = np.argsort(-logits, kind="stable")  # (V,)
    kept = logits[tokens]  # (k,)
    if params.top_p < 1:
        length = int(shares(kept).cumsum().searchsorted(params.top_p)) + 1
        tokens, kept = tokens[:length], kept[:length]
    if params.min_p > 0:
        length = max(1, int((kept >= kept[0] + np.log(params.min_p)).sum()))
        tokens, kept = tokens[:length], kept[:length]
    return tokens, kept


def shares(logits: Floats) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Softmax: (n,) to (n,) float64, with sum 1."""
    weights = np.exp(logits.astype(np.float64) - logits.max())  # (n,)
    return np.asarray(weights / weights.sum())
