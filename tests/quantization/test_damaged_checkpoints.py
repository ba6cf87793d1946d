"""Folders that are not what they say: the converter refuses each in one sentence and writes nothing."""

import json
import os
import pickle
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.contract.errors import InvalidRequest, ModelDamaged, ModelError, ModelUnsupported
from engine.contract.jobs import ConvertJob
from engine.quantization.convert import convert
from engine.worker.job.foreign_code import refuse_foreign_code
from engine.worker.job.progress import ProgressReporter
from engine.worker.job.work import do_job
from tests.support.tiny_checkpoint import DEEPSEEK, random_arrays, write_checkpoint, write_tokenizer

pytest.importorskip("tokenizers", reason="needs the tokenizers library")

CONFIG = DEEPSEEK | {"vocab_size": 260, "n_group": 1, "topk_group": 1, "tie_word_embeddings": True}
UP = "model.layers.0.mlp.up_proj.weight"
EXPERT = "model.layers.1.mlp.experts.5.down_proj.weight"
Change = Callable[[dict[str, Any]], None]


def written(folder: Path, change: Change = lambda _: None, **config: Any) -> Path:
    """A sound checkpoint but for what `change` does to its arrays and some entries of its configuration."""
    arrays = random_arrays(CONFIG)
    change(arrays)
    write_checkpoint(folder, CONFIG | config, arrays)
    write_tokenizer(folder)
    return folder


def refusal(folder: Path) -> ModelError:
    target = folder.parent / "out.gguf"
    with pytest.raises(ModelError) as caught:
        convert(folder, target, weight_type="F16")
    assert "\n" not in caught.value.message
    assert not list(folder.parent.glob("out*"))
    return caught.value


def remove(name: str) -> Change:
    return lambda arrays: arrays.pop(name)


def put(name: str, value: float) -> Change:
    def change(arrays: dict[str, Any]) -> None:
        arrays[name].reshape(-1)[-1] = value

    return change


@pytest.mark.parametrize(
    "name", [UP, EXPERT, "model.norm.weight", "model.layers.2.enorm.weight", "model.embed_tokens.weight"]
)
def test_a_missing_tensor_is_named(name: str, tmp_path: Path) -> None:
    assert f"the tensor {name} is missing" in refusal(written(tmp_path / "m", remove(name))).message


@pytest.mark.parametrize("name", [UP, EXPERT, "model.norm.weight", "model.layers.1.mlp.gate.weight"])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_value_that_is_no_number_is_refused_with_its_tensor(
    name: str, value: float, tmp_path: Path
) -> None:
    error = refusal(written(tmp_path / "m", put(name, value)))
    assert isinstance(error, ModelDamaged)
    assert f"the tensor {name} holds values that are no numbers" in error.message


def test_a_value_too_large_for_the_type_is_refused_with_its_tensor(tmp_path: Path) -> None:
    error = refusal(written(tmp_path / "m", put(EXPERT, 1e5)))
    assert isinstance(error, ModelUnsupported)
    assert f"the tensor {EXPERT} holds values too large for F16" in error.message


@pytest.mark.parametrize("shape", [(48, 31), (31, 48), (48 * 32,), (48, 32, 1)])
def test_a_wrong_shape_is_said_with_the_right_one(shape: tuple[int, ...], tmp_path: Path) -> None:
    def change(arrays: dict[str, Any]) -> None:
        arrays[UP] = np.zeros(shape, np.float32)

    assert f"the tensor {UP} has shape {list(shape)}" in refusal(written(tmp_path / "m", change)).message


def test_a_tensor_of_whole_numbers_is_refused(tmp_path: Path) -> None:
    def change(arrays: dict[str, Any]) -> None:
        arrays[UP] = np.zeros((48, 32), np.int32)

    assert f"the tensor {UP} has type I32" in refusal(written(tmp_path / "m", change)).message


def test_a_tensor_that_the_layout_lacks_is_refused(tmp_path: Path) -> None:
    def change(arrays: dict[str, Any]) -> None:
        arrays["model.layers.0.self_attn.q_a_proj.bias"] = np.zeros(12, np.float32)

    assert "q_a_proj.bias, which its layout does not have" in refusal(written(tmp_path / "m", change)).message


def rewrite_header(folder: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """Change the index of the tensors and leave their bytes."""
    path = folder / "model.safetensors"
    data = path.read_bytes()
    length = struct.unpack("<Q", data[:8])[0]
    entries = json.loads(data[8 : 8 + length])
    change(entries)
    header = json.dumps(entries).encode()
    path.write_bytes(struct.pack("<Q", len(header)) + header + data[8 + length :])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda e: e[UP].update(data_offsets=[2**40, 2**40 + 6144]), "ends too early"),
        (lambda e: e[UP].update(data_offsets=[-8, 6136]), "impossible shape or place"),
        (lambda e: e[UP].update(shape=[48, 33]), "its shape needs"),
        (lambda e: e[UP].update(dtype="F8_E5M2", data_offsets=[0, 1536]), "overlaps|has type"),
        (lambda e: e[UP].update(dtype="COMPLEX"), "which is not known"),
        (lambda e: e.update({UP: {}}), "is incomplete"),
    ],
)
def test_an_index_that_lies_is_refused(
    change: Callable[[dict[str, Any]], None], said: str, tmp_path: Path
) -> None:
    folder = written(tmp_path / "m")
    rewrite_header(folder, change)
    with pytest.raises(ModelError, match=said):
        convert(folder, tmp_path / "out.gguf")


@pytest.mark.parametrize("keep", [0, 7, 100, 20_000, -1])
def test_a_file_that_ends_too_early_is_refused(keep: int, tmp_path: Path) -> None:
    folder = written(tmp_path / "m")
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:keep])
    assert isinstance(refusal(folder), ModelDamaged)


def test_fp8_without_its_scales_or_its_block_size_is_refused(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch", reason="needs torch")
    assert torch
    from safetensors.torch import load_file, save_file  # noqa: PLC0415

    from tests.support.fp8_checkpoint import write_fp8_checkpoint  # noqa: PLC0415

    folder = write_fp8_checkpoint(tmp_path / "m", CONFIG, (8, 8))
    path, config = folder / "model.safetensors", (folder / "config.json").read_text()
    (folder / "config.json").write_text(json.dumps(CONFIG))
    assert "has no weight_block_size" in refusal(folder).message
    (folder / "config.json").write_text(config)
    tensors = load_file(path)
    del tensors["model.layers.0.mlp.up_proj.weight_scale_inv"]
    save_file(tensors, path)
    assert "up_proj.weight_scale_inv is missing" in refusal(folder).message


@pytest.mark.parametrize(
    "config",
    [
        {"hidden_size": 0},
        {"hidden_size": "32"},
        {"num_hidden_layers": 10**6},
        {"num_attention_heads": -2},
        {"kv_lora_rank": 10**9},
        {"n_routed_experts": 5},
        {"rms_norm_eps": float("inf")},
        {"rope_scaling": {"type": "dynamic"}},
        {"quantization_config": {"quant_method": "gptq"}},
        {"scoring_func": "softmax"},
        {"model_type": ["deepseek_v3"]},
    ],
)
def test_a_configuration_that_cannot_be_is_refused(config: dict[str, Any], tmp_path: Path) -> None:
    refusal(written(tmp_path / "m", **config))


def test_pickles_are_never_opened(tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> Any:
            return (Path.touch, (tmp_path / "sprung",))

    folder = written(tmp_path / "m")
    (folder / "model.safetensors").unlink()
    (folder / "pytorch_model.bin").write_bytes(pickle.dumps(Trap()))
    assert "pickles" in refusal(folder).message
    with pytest.raises(ModelUnsupported, match="pickle"):
        refuse_foreign_code(folder)
    assert not (tmp_path / "sprung").exists()


@pytest.mark.parametrize("name", ["modeling_custom.py", "deep/er/config.py", "kernels.so", "weights.pt"])
def test_a_folder_that_brings_code_is_not_given_to_scripts(name: str, tmp_path: Path) -> None:
    folder = written(tmp_path / "m")
    refuse_foreign_code(folder)
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text("raise SystemExit")
    with pytest.raises(ModelUnsupported, match=Path(name).name):
        refuse_foreign_code(folder)


@pytest.mark.parametrize("file", ["config.json", "tokenizer_config.json", "processor_config.json"])
@pytest.mark.parametrize("spelling", ['"auto_map"', '"\\u0061uto_map"'])
def test_an_auto_map_is_found_however_deep_and_however_spelt(
    file: str, spelling: str, tmp_path: Path
) -> None:
    folder = written(tmp_path / "m")
    (folder / file).write_text('{"text_config": [{' + spelling + ': {"AutoConfig": "evil.Config"}}]}')
    with pytest.raises(ModelUnsupported, match="auto_map"):
        refuse_foreign_code(folder)


@pytest.mark.parametrize("link", ["same", "hard", "symbolic", "part"])
def test_a_file_of_the_source_is_never_the_target(link: str, tmp_path: Path) -> None:
    folder = written(tmp_path / "m")
    weights = folder / "model.safetensors"
    before, target = weights.read_bytes(), tmp_path / "out.gguf"
    if link == "same":
        target = weights
    elif link == "symbolic":
        target.symlink_to(weights)
    else:
        os.link(weights, target if link == "hard" else tmp_path / "out.gguf.part")
    job = ConvertJob(source=str(folder), target=str(target))
    with ProgressReporter(lambda _: None, "a", 0) as progress, pytest.raises(InvalidRequest, match="itself"):
        do_job(job, progress, tmp_path)
    assert weights.read_bytes() == before
