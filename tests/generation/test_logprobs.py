import numpy as np
import pytest

from engine.generation.logprobs import logprob_of


def log_softmax(logits: np.ndarray) -> np.ndarray:
    """The textbook's way, (V,) to (V,)."""
    wide = logits.astype(np.longdouble)
    return np.asarray(np.log(np.exp(wide) / np.exp(wide).sum()))


@pytest.mark.parametrize("scale", [0.1, 3.0, 40.0])
def test_a_logprob_is_the_log_softmax_of_the_logits(scale: float) -> None:
    logits = np.random.default_rng(1).normal(0, scale, 300).astype(np.float32)
    expected = log_softmax(logits)
    found = logprob_of(logits, 17, 20)
    assert found.value == pytest.approx(float(expected[17]), abs=1e-9)
    best = np.argsort(-expected, kind="stable")[:20]
    assert [token for token, _ in found.alternatives] == best.tolist()
    assert [value for _, value in found.alternatives] == pytest.approx(expected[best].astype(float).tolist())


def test_large_logits_do_not_overflow_and_the_values_sum_to_one() -> None:
    logits = np.array([1000.0, 999.0, -1000.0], np.float32)
    found = logprob_of(logits, 0, 20)
    assert sum(np.exp(value) for _, value in found.alternatives) == pytest.approx(1)
    assert logprob_of(logits, 2, 0).alternatives == ()
