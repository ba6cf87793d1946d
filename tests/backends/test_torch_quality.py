"""The figures that say what fewer bits cost."""

import math

import numpy as np
import pytest

from benchmarks.torch_quality import Reading, measure
from engine.contract.paths import builtin_model, resources

pytestmark = pytest.mark.torch


def test_perplexity_and_divergence_are_those_of_their_definitions() -> None:
    exact = np.log(np.array([[0.5, 0.25, 0.25], [0.1, 0.8, 0.1]], np.float32))
    other = np.log(np.array([[0.25, 0.5, 0.25], [0.1, 0.8, 0.1]], np.float32)) + 3
    reading = Reading("int8")
    reading.add(other, exact, [0, 1])
    quality = reading.quality()
    assert math.isclose(quality.perplexity, (0.25 * 0.8) ** -0.5, rel_tol=1e-5)
    assert math.isclose(quality.kl_nats, 0.25 * math.log(2) / 2, rel_tol=1e-4)
    assert quality.top1_agreement == 0.5


@pytest.mark.slow
def test_fewer_bits_stay_near_and_fewest_are_farthest() -> None:
    text = (resources() / "builtin" / "STORIES.md").read_text(encoding="utf-8")
    exact, int8, int4 = measure(
        str(builtin_model()), text, ["int8", "int4"], num_tokens=600, context=200, threads=1
    )
    assert exact.kl_nats == 0
    assert 0 < int8.kl_nats < int4.kl_nats < 0.1
    assert abs(int8.perplexity / exact.perplexity - 1) < 0.01
    assert int4.top1_agreement <= int8.top1_agreement < 1
