"""Reading on token by token computes what reading at once does."""

import numpy as np
import pytest

from engine.contract.paths import resources
from engine.quantization.scoring import ScoringModel
from engine.quantization.speed import measure_speed
from tests.support.builtin_models import BUILTIN_Q8_0

pytestmark = pytest.mark.llama


def test_a_measured_speed_leaves_the_scores_as_they_were() -> None:
    text = (resources() / "builtin" / "STORIES.md").read_text(encoding="utf-8")
    with ScoringModel(BUILTIN_Q8_0, chunk_length=64) as model:
        chunk = model.chunks_of(text)[0]
        [before] = [scored.logits.copy() for scored in model.score([chunk])]
        speed = measure_speed(model, chunk)
        [after] = [scored.logits.copy() for scored in model.score([chunk])]
    assert speed.prompt_tps > 0 < speed.decode_tps
    assert np.array_equal(before, after)


def test_token_by_token_is_the_same_text() -> None:
    text = (resources() / "builtin" / "STORIES.md").read_text(encoding="utf-8")
    with ScoringModel(BUILTIN_Q8_0, chunk_length=32) as model:
        chunk = model.chunks_of(text)[0]
        whole = model._decode(chunk, 31, 32).copy()
        model.continue_with(chunk[:16], 0)
        for position in range(16, 31):
            model.continue_with(chunk[position : position + 1], position)
        last = model._decode(chunk[31:], 0, 1, 31).copy()
    assert np.allclose(whole, last, atol=0.05)
    assert whole.argmax() == last.argmax()
