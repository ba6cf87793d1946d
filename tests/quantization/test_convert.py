"""Converted checkpoints: what llama.cpp computes with them, and what the file says."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gguf import GGUFReader
from gguf.quants import quantize as reference_quantize

from engine.contract.errors import ModelUnsupported
from engine.library.gguf import read_header
from engine.quantization.convert import convert
from engine.quantization.gguf_file import Tensor, quantize_q8_0, write_gguf
from tests.support.tiny_checkpoint import DEEPSEEK, LLAMA, write_chat_checkpoint

CONFIG = DEEPSEEK | {"tie_word_embeddings": True, "n_group": 1, "topk_group": 1}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("tokenizers", reason="needs the tokenizers library")
    return write_chat_checkpoint(tmp_path_factory.mktemp("checkpoints") / "Tiny-V3", CONFIG)


@pytest.fixture(scope="module")
def converted(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("converted") / "tiny.gguf"
    convert(folder, path, weight_type="F32", about={"name": "Tiny", "license": "apache-2.0"})
    return path


def test_the_file_says_what_it_is(converted: Path) -> None:
    metadata = read_header(converted).metadata
    assert metadata["general.architecture"] == "deepseek2"
    assert metadata["general.name"] == "Tiny"
    assert metadata["deepseek2.block_count"] == CONFIG["num_hidden_layers"] + 1
    assert metadata["deepseek2.nextn_predict_layers"] == 1
    assert metadata["tokenizer.ggml.bos_token_id"] == 256


def test_a_public_reader_finds_every_tensor_in_its_place(converted: Path, folder: Path) -> None:
    from safetensors.numpy import load_file  # noqa: PLC0415

    arrays = load_file(folder / "model.safetensors")
    tensors = {tensor.name: tensor for tensor in GGUFReader(converted).tensors}
    assert np.array_equal(tensors["token_embd.weight"].data, arrays["model.embed_tokens.weight"])
    experts = np.stack([arrays[f"model.layers.1.mlp.experts.{n}.up_proj.weight"] for n in range(8)])
    assert np.array_equal(tensors["blk.1.ffn_up_exps.weight"].data, experts)
    both = arrays["model.layers.0.self_attn.kv_b_proj.weight"].reshape(2, 14, 16)
    assert np.array_equal(tensors["blk.0.attn_k_b.weight"].data, both[:, :8].swapaxes(1, 2))
    assert np.array_equal(tensors["blk.0.attn_v_b.weight"].data, both[:, 8:])
    assert "output.weight" not in tensors


@pytest.mark.llama
@pytest.mark.torch
def test_llama_cpp_gives_the_torch_engines_logits(converted: Path, folder: Path) -> None:
    llama_cpp = pytest.importorskip("llama_cpp", reason="needs the llama-cpp-python wheel")
    pytest.importorskip("torch", reason="needs torch")
    from engine.library.checkpoint import read_checkpoint  # noqa: PLC0415
    from engine.transformer.model import load_model  # noqa: PLC0415

    token_ids = [256, *range(40, 90)]
    model = load_model(read_checkpoint(folder))
    expected = model.logits(model.hidden_states(token_ids, 0, model.new_cache(128))).numpy()
    llama = llama_cpp.Llama(str(converted), n_ctx=128, n_threads=1, logits_all=True, verbose=False)
    llama.eval(token_ids)
    ours = np.array(llama.scores[: len(token_ids)])
    llama.close()
    assert np.abs(ours - expected).max() < 2e-2
    assert (ours.argmax(1) == expected.argmax(1)).mean() > 0.97


@pytest.mark.llama
@pytest.mark.torch
def test_the_mtp_layer_gives_the_torch_engines_drafts(converted: Path, folder: Path) -> None:
    pytest.importorskip("llama_cpp", reason="needs the llama-cpp-python wheel")
    pytest.importorskip("torch", reason="needs torch")
    from engine.library.checkpoint import read_checkpoint  # noqa: PLC0415
    from engine.transformer.model import load_model  # noqa: PLC0415
    from tests.support.llama_mtp import open_mtp  # noqa: PLC0415

    token_ids = [256, *range(40, 90)]
    model = load_model(read_checkpoint(folder))
    hidden = model.hidden_states(token_ids, 0, model.new_cache(128))
    drafts = model.mtp_hidden_states(0, hidden[:-1], token_ids[1:], 0, model.new_mtp_cache(128))
    expected = model.logits(drafts).numpy()
    with open_mtp(converted) as llama:
        _, states = llama.hidden(token_ids, 0)
        ours = llama.drafted(token_ids[1:], states[:-1], 1)
    assert np.abs(states - hidden.numpy()).max() < 2e-2
    assert np.abs(ours - expected).max() < 2e-2
    assert (ours.argmax(1) == expected.argmax(1)).mean() > 0.97


def test_q8_0_is_what_ggml_makes_of_the_same_values() -> None:
    from gguf import GGMLQuantizationType  # noqa: PLC0415

    values = np.random.default_rng(1).normal(size=(7, 96)).astype(np.float32)
    values[0, :32] = 0
    assert quantize_q8_0(values) == reference_quantize(values, GGMLQuantizationType.Q8_0).tobytes()


def test_matrices_that_do_not_fit_blocks_stay_in_sixteen_bits(folder: Path, tmp_path: Path) -> None:
    convert(folder, tmp_path / "small.gguf")
    types = {tensor.name: tensor.type.name for tensor in read_header(tmp_path / "small.gguf").tensors}
    assert types["blk.0.attn_q_a.weight"] == "Q8_0"
    assert types["blk.0.attn_k_b.weight"] == "F16"  # rows of 8
    assert types["blk.1.ffn_gate_inp.weight"] == types["output_norm.weight"] == "F32"


def test_a_file_is_whole_or_not_there(tmp_path: Path) -> None:
    def fails() -> Any:
        raise OSError("no more")

    tensor = Tensor(name="x", shape=(32,), type="F32", read=fails)
    with pytest.raises(OSError, match="no more"):
        write_gguf(tmp_path / "x.gguf", {}, [tensor])
    assert not list(tmp_path.glob("x.gguf*"))


@pytest.mark.parametrize("change", [{"q_lora_rank": None}, {"rope_scaling": {"type": "yarn", "factor": 4.0}}])
def test_other_layouts_are_refused(folder: Path, tmp_path: Path, change: dict[str, Any]) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "model.safetensors").write_bytes((folder / "model.safetensors").read_bytes())
    (other / "config.json").write_text(json.dumps(CONFIG | change))
    with pytest.raises(ModelUnsupported):
        convert(other, tmp_path / "other.gguf")


def test_a_llama_is_refused(tmp_path: Path) -> None:
    pytest.importorskip("tokenizers", reason="needs the tokenizers library")
    folder = write_chat_checkpoint(tmp_path / "llama", LLAMA)
    with pytest.raises(ModelUnsupported):
        convert(folder, tmp_path / "llama.gguf")
