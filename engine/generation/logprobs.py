"""How likely a model found a token, and which others: for those who ask with a request."""

from dataclasses import dataclass

import numpy as np

from engine.generation.backend import Floats


@dataclass(frozen=True, slots=True)
class Logprob:
    """The log-probability of a token at temperature 1, before penalties and filters; the likeliest ones."""

    value: float
    alternatives: tuple[tuple[int, float], ...] = ()  # token ids and theirs, best first


def logprob_of(logits: Floats, token: int, num_alternatives: int) -> Logprob:
    """Log-softmax of a row of logits (V,) at a token and at the best `num_alternatives`."""
    values = logits.astype(np.float64)  # (V,)
    values -= values.max()
    values -= np.log(np.exp(values).sum())  # (V,) log-probabilities
    count = min(num_alternatives, len(values))
    best = np.argpartition(-values, count - 1)[:count] if count else np.empty(0, np.int64)  # (count,)
    best = best[np.argsort(-values[best], kind="stable")]  # (count,)
    return Logprob(float(values[token]), tuple((int(other), float(values[other])) for other in best))
