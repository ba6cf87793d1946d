"""GGUF files in the torch engine: blocks, names, layouts, and llama.cpp's logits for the same tokens."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs torch")

from gguf import GGMLQuantizationType
from gguf.quants import dequantize as their_dequantize
from gguf.quants import quantize as their_quantize

from engine.contract.errors import ModelDamaged, ModelError, ModelUnsupported
from engine.library.checkpoint import read_checkpoint
from engine.library.gguf import GgufHeader, read_header
from engine.library.gguf_types import TENSOR_TYPES
from engine.transformer.gguf_blocks import READERS, dequantize
from engine.transformer.gguf_source import GgufSource
from engine.transformer.model import Transformer, load_model
from tests.support.tiny_checkpoint import DEEPSEEK, random_arrays, write_checkpoint
from tests.support.tiny_gguf import write_deepseek_gguf
from tests.support.tiny_model import write_tiny_model

pytestmark = pytest.mark.torch

TYPES = {type_.name: type_ for type_ in TENSOR_TYPES.values()}
SCALES = {
    "Q8_0": [0], "Q4_0": [0], "Q5_0": [0], "Q5_1": [0, 2],
    "Q3_K": [108], "Q4_K": [0, 2], "Q5_K": [0, 2], "Q6_K": [208],
    "IQ4_NL": [0], "IQ4_XS": [0],
}  # fmt: skip
TOKEN_IDS = [(7 * place * place + 3 * place) % 64 for place in range(18)]


@pytest.mark.parametrize("name", READERS)
def test_blocks_become_the_numbers_that_the_format_means(name: str) -> None:
    kind, blocks = TYPES[name], 700  # more than are computed at once of none, and an odd number
    rng = np.random.default_rng(1)
    data = rng.integers(0, 256, (blocks, kind.block_bytes), dtype=np.uint8)
    if kind.block_values > 1:  # scales that are numbers
        for place in SCALES[name]:
            scales = rng.normal(0, 0.1, (blocks, 1)).astype(np.float16)
            data[:, place : place + 2] = scales.view(np.uint8)
    else:
        values = rng.normal(0, 1, (blocks, 1)).astype(np.float32)
        data = np.asarray(their_quantize(values, GGMLQuantizationType[name])).view(np.uint8)
    found = dequantize(data.reshape(-1), name, kind.block_bytes, kind.block_values)
    expected = their_dequantize(data, GGMLQuantizationType[name]).reshape(-1)
    assert np.allclose(found, expected, rtol=1e-6, atol=1e-7)


def logits(model: Transformer, token_ids: list[int] = TOKEN_IDS) -> Any:
    return model.logits(model.hidden_states(token_ids, 0, model.new_cache(64)))


def mtp_logits(model: Transformer) -> Any:
    hidden = model.hidden_states(TOKEN_IDS, 0, model.new_cache(64))
    cache = model.new_mtp_cache(64)
    return model.logits(model.mtp_hidden_states(0, hidden[:-1], TOKEN_IDS[1:], 0, cache))


@pytest.mark.parametrize("split_up", [True, False])
def test_a_deepseek_gguf_is_the_checkpoint_it_was_made_of_with_its_mtp_layer(
    tmp_path: Path, split_up: bool
) -> None:
    config = DEEPSEEK | {"rms_norm_eps": 1e-6}  # llama.cpp takes one for all norms, checkpoints have two
    arrays = random_arrays(config)
    plain = load_model(read_checkpoint(write_checkpoint(tmp_path / "c", config, arrays)))
    file = write_deepseek_gguf(tmp_path / "m.gguf", config, arrays, split_up=split_up)
    found = load_model(read_header(file))
    assert torch.allclose(logits(found), logits(plain), atol=1e-5)
    assert torch.allclose(mtp_logits(found), mtp_logits(plain), atol=1e-5)


@pytest.mark.parametrize("kind", [GGMLQuantizationType.Q8_0, GGMLQuantizationType.Q4_0])
def test_a_quantized_gguf_can_be_quantized_again_and_kept(tmp_path: Path, kind: Any) -> None:
    config = DEEPSEEK | {"hidden_size": 64, "moe_intermediate_size": 32}
    file = write_deepseek_gguf(tmp_path / "m.gguf", config, random_arrays(config), kind=kind)
    plain = logits(load_model(read_header(file)))
    first, second = (
        logits(load_model(read_header(file), quantize_to="int8", cache_folder=tmp_path)) for _ in range(2)
    )
    assert torch.equal(first, second)
    assert float((first - plain).norm() / plain.norm()) < 0.08


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> GgufHeader:
    path = tmp_path_factory.mktemp("sound") / "m.gguf"
    return read_header(write_deepseek_gguf(path, DEEPSEEK, random_arrays(DEEPSEEK)))


@pytest.mark.parametrize("value", [0, -1, 2**31, 3, True, 1e38, float("nan"), "much", None], ids=repr)
def test_hostile_metadata_gives_a_model_or_one_sentence(sound: GgufHeader, value: Any) -> None:
    for key in sorted(sound.metadata):
        if not key.startswith("deepseek2."):
            continue
        metadata = dict(sound.metadata) | {key: value}
        if value is None:
            del metadata[key]
        try:
            load_model(replace(sound, metadata=metadata))
        except ModelError as error:
            assert "\n" not in error.message


def test_what_is_missing_or_unknown_is_said(tmp_path: Path) -> None:
    arrays = random_arrays(DEEPSEEK)
    other = write_deepseek_gguf(tmp_path / "a.gguf", DEEPSEEK, arrays, kind=GGMLQuantizationType.Q4_1)
    with pytest.raises(ModelUnsupported, match="type Q4_1, unknown to the torch engine"):
        load_model(read_header(other))
    wrong = write_deepseek_gguf(tmp_path / "b.gguf", DEEPSEEK | {"v_head_dim": 7}, arrays)
    with pytest.raises(ModelDamaged, match=r"kv_b_proj\.weight has shape"):
        load_model(read_header(wrong))
    missing = {name: array for name, array in arrays.items() if "enorm" not in name}
    incomplete = write_deepseek_gguf(tmp_path / "d.gguf", DEEPSEEK, missing)
    with pytest.raises(ModelDamaged, match=r"enorm\.weight is missing"):
        load_model(read_header(incomplete))
    arrays["model.layers.1.mlp.gate.weight"][0, 0] = np.nan
    damaged = write_deepseek_gguf(tmp_path / "c.gguf", DEEPSEEK, arrays)
    with pytest.raises(ModelDamaged, match="holds values that are no numbers"):
        load_model(read_header(damaged))


def test_a_model_in_several_files_is_the_same_model(tiny_model: Path, tmp_path: Path) -> None:
    first = write_tiny_model(tmp_path / "cut.gguf", tensors_per_file=8)
    whole, cut = load_model(read_header(tiny_model)), load_model(read_header(first))
    assert torch.equal(logits(cut), logits(whole))
    kept = GgufSource(read_header(first))
    assert [path.name for path in kept.files] == [f"cut-0000{n}-of-00003.gguf" for n in (1, 2, 3)]
    kept.files[2].unlink()
    with pytest.raises(ModelDamaged, match=r"its part cut-00003-of-00003\.gguf is missing"):
        read_header(first)
