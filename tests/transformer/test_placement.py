"""Where a model computes, without a GPU: torch's `meta` device stands for one; it has shapes and no values.

Torch refuses to mix devices in one operation, so a step that runs through has made nothing elsewhere.
"""

from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="needs torch")

from engine.library.checkpoint import read_checkpoint
from engine.transformer import weights
from engine.transformer.model import Transformer, load_model
from tests.support.tiny_checkpoint import DEEPSEEK, LLAMA, random_arrays, write_checkpoint

pytestmark = pytest.mark.torch

TOKEN_IDS = [(7 * place * place + 3 * place) % 64 for place in range(60)]
CHUNKS = (45, 1, 3, 1)  # prefill, a step, a checked block of guesses, a step
DENSE = DEEPSEEK | {"first_k_dense_replace": 9}


@pytest.fixture
def valueless(monkeypatch: pytest.MonkeyPatch) -> None:
    """Weights on `meta` cannot be looked at, and what comes back from there is zeros."""
    is_finite, to = weights._is_finite, torch.Tensor.to
    monkeypatch.setattr(weights, "_is_finite", lambda values: values.is_meta or is_finite(values))

    def returned(tensor: Any, *places: Any, **options: Any) -> Any:
        if tensor.is_meta and places and places[0] == torch.device("cpu"):
            return torch.zeros(tensor.shape, dtype=tensor.dtype)
        return to(tensor, *places, **options)

    monkeypatch.setattr(torch.Tensor, "to", returned)


def logits(model: Transformer) -> list[Any]:
    """Of every chunk's last token."""
    cache, start, found = model.new_cache(64), 0, []
    for length in CHUNKS:
        hidden = model.hidden_states(TOKEN_IDS[start : start + length], start, cache)
        found.append(model.logits(hidden[-1:]))
        start += length
    return found


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16"])
@pytest.mark.parametrize("config", [LLAMA, DENSE], ids=["Llama", "MLA"])
@pytest.mark.usefixtures("valueless")
def test_all_of_a_step_stays_on_the_device_of_the_model(
    tmp_path: Path, config: dict[str, Any], dtype: str
) -> None:
    folder = write_checkpoint(tmp_path / "m", config, random_arrays(config))
    model = load_model(read_checkpoint(folder), device="meta", dtype=getattr(torch, dtype))
    assert all(values.is_meta and values.shape == (1, 64) for values in logits(model))
    if model.mtp_layers:
        hidden = model.hidden_states(TOKEN_IDS[:20], 0, model.new_cache(64))
        made = model.mtp_hidden_states(0, hidden[:-1], TOKEN_IDS[1:20], 0, model.new_mtp_cache(64))
        assert (made.is_meta, made.shape) == (True, (19, 32))


@pytest.mark.parametrize("quantize_to", [None, "int8"])
@pytest.mark.usefixtures("valueless")
def test_routed_experts_on_another_device_are_all_that_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, quantize_to: Any
) -> None:
    """They give zeros here, so the model is the one whose routed experts are zero."""
    arrays = random_arrays(DEEPSEEK)
    folder = write_checkpoint(tmp_path / "m", DEEPSEEK, arrays)
    silent = {name: 0 * values if ".experts." in name else values for name, values in arrays.items()}
    without = write_checkpoint(tmp_path / "s", DEEPSEEK, silent)
    plain = load_model(read_checkpoint(without), quantize_to=quantize_to)
    expected_logits = logits(plain)
    split = load_model(read_checkpoint(folder), expert_device="meta", quantize_to=quantize_to)
    is_mixture = [hasattr(layer.feed_forward, "router") for layer in split.layers]
    assert is_mixture == [False, True]

    def unknown(tensor: Any) -> list[int]:
        """The experts of one token, or how many tokens each expert got: on `meta` nobody knows."""
        return [0] * len(tensor) if len(tensor) == 8 else list(range(len(tensor)))

    def counts(tensor: Any, minlength: int) -> Any:
        return torch.zeros(minlength, dtype=torch.int64, device=tensor.device)

    monkeypatch.setattr(torch.Tensor, "tolist", unknown)
    monkeypatch.setattr(torch.Tensor, "bincount", counts)
    for values, expected in zip(logits(split), expected_logits, strict=True):
        assert torch.allclose(values, expected, atol=1e-5)
