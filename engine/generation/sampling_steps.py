"""The steps between logits and a draw: those of llama.cpp's sampler chain, in its order.

Logit bias, penalties, DRY; then greedy, or top-k, typical, top-p, min-p, XTC, temperature and a draw.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from engine.contract.params import SamplingParams
from engine.generation.backend import Floats

DRY_BREAKERS = (b"\n", b":", b'"', b"*")  # a repetition does not reach across these (llama.cpp's defaults)

Indices = np.ndarray[Any, np.dtype[np.int64]]


def shares(logits: Floats) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Softmax: (n,) to (n,) float64, with sum 1."""
    weights = np.exp(logits.astype(np.float64) - logits.max())  # (n,)
    return np.asarray(weights / weights.sum())


def biased(logits: Floats, tokens: Indices, biases: Floats) -> Floats:
    """Add the biases (n,) of some tokens (n,), one of which may come twice: (V,) to (V,)."""
    changed = logits.copy()  # (V,)
    np.add.at(changed, tokens, biases)
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
