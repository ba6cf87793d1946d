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
from engine.quantization.gguf_file import Tensor, encoded, in_parts, quantize_q8_0, write_gguf
from tests.support.tiny_checkpoint import (
    DEEPSEEK,
    random_arrays,
    write_chat_checkpoint,
    write_checkpoint,
    write_tokenizer,
)

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


@pytest.mark.parametrize("kind", ["F32", "F16", "BF16", "Q8_0"])
@pytest.mark.parametrize("shape", [(64,), (7, 64), (3, 5, 32), (1, 96)])
def test_a_tensor_is_the_same_in_parts(
    kind: str, shape: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.quantization.gguf_file.VALUES_AT_ONCE", 128)
    values = np.random.default_rng(3).normal(size=shape).astype(np.float32)
    assert b"".join(encoded(part, kind) for part in in_parts(values)) == encoded(values, kind)


def test_a_file_is_whole_or_not_there(tmp_path: Path) -> None:
    def fails() -> Any:
        raise OSError("no more")

    tensor = Tensor(name="x", shape=(32,), type="F32", read=fails)
    with pytest.raises(OSError, match="no more"):
        write_gguf(tmp_path / "x.gguf", {}, [tensor])
    assert not list(tmp_path.glob("x.gguf*"))


@pytest.mark.llama
@pytest.mark.torch
@pytest.mark.parametrize("block", [(128, 128), (8, 5)])
def test_fp8_becomes_the_numbers_that_the_torch_engine_reads(block: tuple[int, int], tmp_path: Path) -> None:
    torch = pytest.importorskip("torch", reason="needs torch")
    from engine.library.checkpoint import read_checkpoint  # noqa: PLC0415
    from engine.transformer.config_readers import read_config  # noqa: PLC0415
    from engine.transformer.tensor_source import CheckpointSource  # noqa: PLC0415
    from tests.support.fp8_checkpoint import write_fp8_checkpoint  # noqa: PLC0415

    folder = write_fp8_checkpoint(tmp_path / "fp8", CONFIG, block)
    checkpoint = read_checkpoint(folder)
    source = CheckpointSource(checkpoint, read_config(checkpoint).fp8_block)
    convert(folder, tmp_path / "out.gguf", weight_type="F32")
    tensors = {tensor.name: tensor for tensor in GGUFReader(tmp_path / "out.gguf").tensors}
    for name, theirs in (
        ("model.layers.0.self_attn.q_a_proj.weight", "blk.0.attn_q_a.weight"),
        ("model.layers.0.mlp.down_proj.weight", "blk.0.ffn_down.weight"),
    ):
        shape = source.shape(name)
        assert shape is not None
        expected = torch.empty(shape)
        source.copy(name, expected)
        assert source.dtype(name) is None, "it is not kept in FP8"
        assert np.array_equal(tensors[theirs].data, expected.numpy())


def test_bfloat16_is_what_a_checkpoint_in_bfloat16_holds() -> None:
    values = np.random.default_rng(2).normal(size=(5, 64)).astype(np.float32)
    kept = (values.view(np.uint32) >> 16).astype(np.uint16)  # a value that is one already
    exact = (kept.astype(np.uint32) << 16).view(np.float32)
    assert encoded(exact, "BF16") == kept.tobytes()
    halfway = np.array([1.00390625, 1.01171875], np.float32)  # between two: to the even one
    assert np.frombuffer(encoded(halfway, "BF16"), np.uint16).tolist() == [0x3F80, 0x3F82]


@pytest.mark.parametrize("weight_type", ["F16", "BF16"])
def test_sixteen_bits_are_written(weight_type: str, folder: Path, tmp_path: Path) -> None:
    convert(folder, tmp_path / "small.gguf", weight_type=weight_type)
    types = {tensor.name: tensor.type.name for tensor in read_header(tmp_path / "small.gguf").tensors}
    assert types["blk.0.attn_q_a.weight"] == weight_type


def test_an_mtp_layer_that_only_the_configuration_names_is_no_mtp_layer(tmp_path: Path) -> None:
    arrays = random_arrays(CONFIG | {"vocab_size": 260})
    kept = {name: values for name, values in arrays.items() if not name.startswith("model.layers.2.")}
    folder = write_checkpoint(tmp_path / "V3", CONFIG | {"vocab_size": 260}, kept)
    write_tokenizer(folder)
    assert not any("MTP" in note for note in convert(folder, tmp_path / "out.gguf").notes)
    assert read_header(tmp_path / "out.gguf").hyperparameter("nextn_predict_layers") == 0


def test_mtp_layers_that_llama_cpp_cannot_run_are_left_out_and_that_is_said(tmp_path: Path) -> None:
    config = CONFIG | {"num_nextn_predict_layers": 2}
    folder = write_chat_checkpoint(tmp_path / "V3", config)
    assert "1 were left out" in convert(folder, tmp_path / "out.gguf").notes[0]
    assert read_header(tmp_path / "out.gguf").hyperparameter("nextn_predict_layers") == 1


def test_another_layout_is_refused(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "model.safetensors").write_bytes((folder / "model.safetensors").read_bytes())
    (tmp_path / "other" / "config.json").write_text(json.dumps(CONFIG | {"model_type": "gpt_neox"}))
    with pytest.raises(ModelUnsupported, match="gpt_neox"):
        convert(tmp_path / "other", tmp_path / "other.gguf")
