"""What share of the MTP head's drafts a model accepts, against the torch engine on the same file."""

from pathlib import Path

import pytest

from engine.contract.paths import resources
from engine.library.gguf import read_header
from engine.quantization.drafts import has_mtp_head, measure_drafts
from engine.quantization.scoring import ScoringModel
from tests.support.builtin_models import BUILTIN_Q8_0

pytestmark = pytest.mark.llama

CHUNK = 128


@pytest.fixture(scope="module")
def chunks() -> list[list[int]]:
    text = (resources() / "builtin" / "STORIES.md").read_text(encoding="utf-8")[:6000]
    with ScoringModel(BUILTIN_Q8_0, chunk_length=CHUNK) as model:
        return model.chunks_of(text)[:4]


@pytest.mark.torch
def test_the_share_is_that_of_the_torch_engine(chunks: list[list[int]]) -> None:
    pytest.importorskip("torch", reason="needs torch")
    from engine.transformer.model import load_model  # noqa: PLC0415

    model = load_model(read_header(BUILTIN_Q8_0))
    kept = made = 0
    for chunk in chunks:
        hidden = model.hidden_states(chunk, 0, model.new_cache(CHUNK))
        chosen = model.logits(hidden).argmax(-1)
        states = model.mtp_hidden_states(0, hidden[:-1], chunk[1:], 0, model.new_mtp_cache(CHUNK))
        agrees = (model.logits(states).argmax(-1) == chosen[1:])[CHUNK // 2 :]
        kept, made = kept + int(agrees.sum()), made + len(agrees)
    found = measure_drafts(BUILTIN_Q8_0, chunks)
    assert found == pytest.approx(kept / made, abs=0.03)  # llama.cpp rounds activations to eight bits
    assert found is not None
    assert 0.3 < found < 1


def test_a_model_without_a_head_has_no_drafts(tiny_model: Path, chunks: list[list[int]]) -> None:
    assert has_mtp_head(read_header(BUILTIN_Q8_0))
    assert not has_mtp_head(read_header(tiny_model))
    assert measure_drafts(tiny_model, chunks) is None
