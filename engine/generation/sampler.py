"""Picking the next token from logits: the steps of llama.cpp's sampler chain, in its order.

Logit bias, penalties, DRY; then greedy, or top-k, typical, top-p, min-p, XTC, temperature and a draw. For
backends that hand out logits; the llama backend uses llama.cpp's own chain. The same seed gives the same
answer again, but not llama.cpp's: the random numbers are others.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from engine.contract.errors import InternalError, InvalidRequest
from engine.contract.params import SamplingParams
from engine.generation.backend import Floats

DRY_BREAKERS = (b"\n", b":", b'"', b"*")  # a repetition does not reach across these (llama.cpp's defaults)

Indices = np.ndarray[Any, np.dtype[np.int64]]


class LogitsSampler:
    """A sampler for one request."""

    def __init__(
        self,
        params: SamplingParams,
        seed: int,
        history: Sequence[int],
        *,
        logits: Callable[[int], Floats],
        piece: Callable[[int], bytes],
        vocabulary_size: int,
    ) -> None:
        """`logits` gives a row of the last decode call, (V,); `history` is the prompt.

        Raises InvalidRequest for what it cannot do: grammars, and a bias on a token that does not exist.
        """
        if params.grammar or params.json_schema:
            raise InvalidRequest("grammars and JSON schemas work with GGUF models only, not yet with folders")
        for token, _ in params.logit_bias:
            if token >= vocabulary_size:
                raise InvalidRequest(f"logit_bias names token {token}, there are {vocabulary_size}")
        self._params, self._logits, self._piece = params, logits, piece
        self._random = np.random.Generator(np.random.PCG64(seed))
        self._tokens = list(history)

    def sample(self, row: int) -> int:
        """The next token, from a row of logits."""
        params = self._params
        logits = self._logits(row)  # (V,)
        if not np.isfinite(logits.max()):
            raise InternalError("the model computed values that are no numbers")
        logits = self._punished(logits)  # (V,)
        token = int(logits.argmax()) if params.temperature == 0 else self._draw(logits)
        self._tokens.append(token)
        return token

    def accept(self, token: int) -> None:
        """Take note of a token that was not sampled."""
        self._tokens.append(token)

    def close(self) -> None:
        """Nothing to give back."""

    def _punished(self, logits: Floats) -> Floats:
        params = self._params
        window = len(self._tokens) if params.penalty_window < 0 else params.penalty_window
        recent = self._tokens[max(0, len(self._tokens) - window) :]
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

    def _draw(self, logits: Floats) -> int:
        params = self._params
        tokens, kept = candidates(logits, params)  # (kept,) each
        if params.xtc_probability and self._random.random() < params.xtc_probability:
            dropped = num_obvious(kept, params.xtc_threshold)
            tokens, kept = tokens[dropped:], kept[dropped:]
        cumulative = shares(kept / params.temperature).cumsum()  # (kept,)
        place = int(cumulative.searchsorted(self._random.random() * cumulative[-1], side="right"))
        return int(tokens[min(place, len(tokens) - 1)])


def shares(logits: Floats) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Softmax: (n,) to (n,) float64, with sum 1."""
    weights = np.exp(logits.astype(np.float64) - logits.max())  # (n,)
    return np.asarray(weights / weights.sum())


def biased(logits: Floats, logit_bias: Sequence[tuple[int, float]]) -> Floats:
    """Add the biases: (V,) to (V,)."""
    changed = logits.copy()  # (V,)
    for token, bias in logit_bias:
        changed[token] += bias
    return changed


def penalized(logits: Floats, recent: Sequence[int], params: SamplingParams) -> Floats:
    """Make tokens that came lately less likely (CTRL, arXiv:1909.05858, 4.1): (V,) to (V,).

    The repeat penalty works whatever the sign of a logit; frequency and presence are subtracted.
    """
    tokens, counts = np.unique(np.asarray(recent, dtype=np.int64), return_counts=True)  # (distinct,) each
    changed = logits.copy()  # (V,)
    values = changed[tokens]  # (distinct,)
    values = np.where(values > 0, values / params.repeat_penalty, values * params.repeat_penalty)
    changed[tokens] = values - counts * params.frequency_penalty - params.presence_penalty
    return changed


def without_repetition(
    logits: Floats, recent: Sequence[int], params: SamplingParams, breaks: Callable[[int], bool]
) -> Floats:
    """DRY, "don't repeat yourself": punish tokens that would go on with a repetition: (V,) to (V,).

    A token that followed an earlier occurrence of the last n tokens loses multiplier * base ** (n - allowed).
    """
    backwards = list(reversed(recent))
    reach = next((place for place, token in enumerate(backwards) if breaks(token)), len(backwards))
    if reach < params.dry_allowed_length:
        return logits
    longest: dict[int, int] = {}
    for place, length in enumerate(match_lengths(backwards)[1:], start=1):
        length = min(length, reach)  # noqa: PLW2901  (no further than the last break)
        if length >= params.dry_allowed_length:
            following = backwards[place - 1]
            longest[following] = max(length, longest.get(following, 0))
    changed = logits.copy()  # (V,)
    for token, length in longest.items():
        exponent = min(length - params.dry_allowed_length, 88 / max(np.log(params.dry_base), 1e-6))
        changed[token] -= params.dry_multiplier * params.dry_base**exponent  # within float32
    return changed


def match_lengths(tokens: Sequence[int]) -> list[int]:
    """For every place, how long what begins there equals the beginning: the Z function, in linear time."""
    lengths = [len(tokens)] + [0] * (len(tokens) - 1) if tokens else []
    left = right = 0  # of the match that reaches furthest
    for place in range(1, len(tokens)):
        length = min(right - place, lengths[place - left]) if place < right else 0
        while place + length < len(tokens) and tokens[length] == tokens[place + length]:
            length += 1
        lengths[place] = length
        if place + length > right:
            left, right = place, place + length
    return lengths


def candidates(logits: Floats, params: SamplingParams) -> tuple[Indices, Floats]:
    """What top-k, typical, top-p and min-p leave: tokens and logits, best first, (kept,) each, never none."""
    top_k = params.top_k or len(logits)
    if top_k < len(logits):
        tokens = np.argpartition(-logits, top_k - 1)[:top_k]  # (k,), in no order
        tokens = tokens[np.argsort(-logits[tokens], kind="stable")]  # (k,)
    else:
        tokens = np.argsort(-logits, kind="stable")  # (V,)
    if params.typical_p < 1:
        tokens = tokens[np.sort(typical_places(logits[tokens], params.typical_p))]  # (kept,)
    kept = logits[tokens]  # (kept,)
    if params.top_p < 1:  # arXiv:1904.09751
        length = int(shares(kept).cumsum().searchsorted(params.top_p)) + 1
        tokens, kept = tokens[:length], kept[:length]
    if params.min_p > 0:  # arXiv:2407.01082
        length = max(1, int((kept >= kept[0] + np.log(params.min_p)).sum()))
        tokens, kept = tokens[:length], kept[:length]
    return tokens, kept


def typical_places(logits: Floats, typical_p: float) -> Indices:
    """Locally typical sampling (arXiv:2202.00666): places with a surprise near the expected, (kept,)."""
    probabilities = shares(logits)  # (n,)
    surprise = -np.log(np.maximum(probabilities, 1e-300))  # (n,)
    order = np.argsort(np.abs(surprise - (probabilities * surprise).sum()), kind="stable")  # (n,)
    length = int(probabilities[order].cumsum().searchsorted(typical_p)) + 1
    return order[:length]


def num_obvious(logits: Floats, threshold: float) -> int:
    """XTC, "exclude top choices": how many of the likeliest go, all above the threshold but the last."""
    return max(0, int((shares(logits) >= threshold).sum()) - 1)
