"""Folders that are not what they say: one clear sentence each, and nothing in them is ever executed."""

import json
import math
import pickle
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

torch = pytest.importorskip("torch", reason="needs torch")

from engine.contract.errors import ModelDamaged, ModelError, ModelNotFound, ModelUnsupported
from engine.generation.backend import DecodeCancelled
from engine.library.checkpoint import read_checkpoint
from engine.transformer.model import Transformer, load_model
from tests.support.tiny_checkpoint import DEEPSEEK, LLAMA, random_arrays, write_checkpoint

pytestmark = pytest.mark.torch

UP = "model.layers.0.mlp.up_proj.weight"
EXPERT = "model.layers.1.mlp.experts.5.down_proj.weight"


def load(folder: Path) -> Transformer:
    return load_model(read_checkpoint(folder))


def written(tmp_path: Path, num_shards: int = 1, **changes: Any) -> Path:
    """A sound checkpoint but for some entries of its configuration."""
    return write_checkpoint(
        tmp_path / "model", DEEPSEEK | changes, random_arrays(DEEPSEEK), num_shards=num_shards
    )


def refusal(folder: Path) -> str:
    with pytest.raises(ModelError) as caught:
        load(folder)
    assert "\n" not in caught.value.message
    return caught.value.message


def test_a_checkpoint_in_parts_is_the_same_model(tmp_path: Path) -> None:
    one, three = (load(written(tmp_path / str(count), count)) for count in (1, 3))
    found, expected = (model.hidden_states([1, 2, 3], 0, model.new_cache(16)) for model in (one, three))
    assert torch.equal(found, expected)


@pytest.mark.parametrize(
    "name", [UP, EXPERT, "model.norm.weight", "lm_head.weight", "model.layers.2.enorm.weight"]
)
def test_a_missing_tensor_is_named(tmp_path: Path, name: str) -> None:
    arrays = random_arrays(DEEPSEEK)
    del arrays[name]
    assert refusal(write_checkpoint(tmp_path, DEEPSEEK, arrays)).endswith(f"the tensor {name} is missing")


@pytest.mark.parametrize("name", [UP, EXPERT, "model.norm.weight", "model.embed_tokens.weight"])
def test_a_wrong_shape_is_named_with_both_shapes(tmp_path: Path, name: str) -> None:
    arrays = random_arrays(DEEPSEEK)
    right = list(arrays[name].shape)
    arrays[name] = np.zeros((3, *right[1:]), np.float32)
    reason = f"the tensor {name} has shape {[3, *right[1:]]}, its configuration needs {right}"
    assert refusal(write_checkpoint(tmp_path, DEEPSEEK, arrays)).endswith(reason)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("name", [UP, EXPERT, "model.layers.1.mlp.gate.weight"])
def test_weights_that_are_no_numbers_are_refused(tmp_path: Path, name: str, value: float) -> None:
    arrays = random_arrays(DEEPSEEK)
    arrays[name].flat[7] = value
    reason = f"the tensor {name} holds values that are no numbers"
    assert refusal(write_checkpoint(tmp_path, DEEPSEEK, arrays)).endswith(reason)


@pytest.mark.parametrize("kind", ["int8", "int4"])
def test_weights_that_are_no_numbers_are_refused_before_they_are_quantized(tmp_path: Path, kind: Any) -> None:
    arrays = random_arrays(DEEPSEEK)
    arrays[EXPERT].flat[7] = math.nan
    checkpoint = read_checkpoint(write_checkpoint(tmp_path / "model", DEEPSEEK, arrays))
    with pytest.raises(ModelDamaged, match=f"the tensor {EXPERT} holds values that are no numbers"):
        load_model(checkpoint, quantize_to=kind, cache_folder=tmp_path / "cache")
    assert not (tmp_path / "cache").exists()


def test_large_weights_whose_sum_overflows_are_numbers_all_the_same(tmp_path: Path) -> None:
    arrays = random_arrays(DEEPSEEK)
    arrays[UP][:] = 3e38
    load(write_checkpoint(tmp_path, DEEPSEEK, arrays))


@pytest.mark.parametrize("dtype", [np.int32, np.bool_, np.int8])
def test_weights_that_are_no_fractions_are_refused(tmp_path: Path, dtype: type) -> None:
    arrays = random_arrays(DEEPSEEK)
    arrays[UP] = arrays[UP].astype(dtype)
    assert f"the tensor {UP} has type" in refusal(write_checkpoint(tmp_path, DEEPSEEK, arrays))


@pytest.mark.parametrize("architecture", ["gpt2", "deepseek_v4", "", None, ["llama"], {"a": 1}])
def test_an_unknown_architecture_is_named(tmp_path: Path, architecture: Any) -> None:
    with pytest.raises(ModelUnsupported, match="does not know the architecture"):
        load(written(tmp_path, model_type=architecture))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"hidden_act": "gelu"}, "hidden_act is 'gelu'"),
        ({"scoring_func": "softmax"}, "scoring_func is 'softmax'"),
        ({"topk_method": "greedy"}, "topk_method is 'greedy'"),
        ({"rope_scaling": {"type": "longrope"}}, "the RoPE scaling 'longrope'"),
        ({"rope_scaling": {"type": "yarn", "factor": 0}}, "factor is 0"),
        ({"rope_scaling": [1]}, r"rope_scaling is \[1\]"),
        ({"rope_theta": 1.0}, "rope_theta is 1.0"),
        ({"rope_theta": math.nan}, "rope_theta is nan"),
        ({"rope_theta": "fast"}, "rope_theta is 'fast'"),
        ({"num_hidden_layers": 10**9}, "num_hidden_layers is 1000000000"),
        ({"num_hidden_layers": True}, "num_hidden_layers is True"),
        ({"hidden_size": -32}, "hidden_size is -32"),
        ({"vocab_size": 1.5}, "vocab_size is 1.5"),
        ({"kv_lora_rank": None}, "kv_lora_rank is None"),
        ({"qk_rope_head_dim": 3}, "qk_rope_head_dim is 3"),
        ({"n_group": 3}, "n_group is 3"),
        ({"n_group": 8}, "n_group is 8"),
        ({"topk_group": 3}, "topk_group is 3"),
        ({"num_experts_per_tok": 5}, "num_experts_per_tok is 5"),
        ({"mlp_layer_types": ["sparse"]}, "mlp_layer_types is"),
        ({"partial_rotary_factor": 0.5}, "partial_rotary_factor is 0.5"),
    ],
)
def test_a_configuration_out_of_range_is_refused_with_the_value(
    tmp_path: Path, changes: dict[str, Any], reason: str
) -> None:
    with pytest.raises((ModelDamaged, ModelUnsupported), match=reason):
        load(written(tmp_path, **changes))


@pytest.mark.parametrize(
    ("config", "changes", "reason"),
    [
        (LLAMA, {"num_key_value_heads": 3}, "num_key_value_heads is 3"),
        (LLAMA, {"model_type": "mistral", "sliding_window": 64}, "sliding_window is 64"),
        (LLAMA, {"model_type": "qwen2", "use_sliding_window": True}, "use_sliding_window is True"),
        (DEEPSEEK, {"vocab_size": 10**7}, "has shape"),
        (DEEPSEEK, {"n_routed_experts": 2**16, "n_group": 1}, "experts.65535.gate_proj.weight is missing"),
        (DEEPSEEK, {"moe_intermediate_size": 2**23}, "has shape"),
    ],
)
def test_sizes_that_the_weights_do_not_have_are_refused_before_memory_is_taken(
    tmp_path: Path, config: dict[str, Any], changes: dict[str, Any], reason: str
) -> None:
    folder = write_checkpoint(tmp_path, config | changes, random_arrays(config))
    with pytest.raises(ModelError, match=reason):
        load(folder)


class Trap:
    """A pickle that writes a file when it is opened."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return Path.write_text, (self.path, "executed")


@pytest.mark.parametrize("name", ["pytorch_model.bin", "model.pt", "consolidated.00.pth"])
def test_pickles_are_refused_unopened(tmp_path: Path, name: str) -> None:
    folder, sprung = tmp_path / "model", tmp_path / "sprung"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(DEEPSEEK))
    (folder / name).write_bytes(pickle.dumps(Trap(sprung)))
    with pytest.raises(ModelUnsupported, match="its weights are pickles"):
        load(folder)
    assert not sprung.exists()


def test_a_pickle_under_the_name_of_safetensors_is_damage(tmp_path: Path) -> None:
    sprung, folder = tmp_path / "sprung", written(tmp_path)
    (folder / "model.safetensors").write_bytes(pickle.dumps(Trap(sprung)))
    with pytest.raises(ModelDamaged):
        load(folder)
    assert not sprung.exists()


def test_code_beside_the_weights_is_ignored(tmp_path: Path) -> None:
    sprung = tmp_path / "sprung"
    folder = written(tmp_path, auto_map={"AutoModelForCausalLM": "modeling.Trap"}, trust_remote_code=True)
    (folder / "modeling.py").write_text(f"open({str(sprung)!r}, 'w').write('executed')")
    load(folder)
    assert not sprung.exists()


def test_a_folder_without_weights_or_configuration_says_which(tmp_path: Path) -> None:
    folder = written(tmp_path)
    (folder / "model.safetensors").unlink()
    assert "there is neither model.safetensors nor" in refusal(folder)
    (folder / "config.json").unlink()
    with pytest.raises(ModelNotFound):
        read_checkpoint(folder)


@pytest.mark.parametrize("text", ["", "[]", "{", "null", "[" * 100_000, '{"a": 1' + "0" * 10_000 + "}"])
def test_a_configuration_that_is_no_json_object_is_damage(tmp_path: Path, text: str) -> None:
    folder = written(tmp_path)
    (folder / "config.json").write_text(text)
    with pytest.raises(ModelDamaged, match="it is no JSON"):
        load(folder)


def test_a_missing_part_is_named(tmp_path: Path) -> None:
    folder = written(tmp_path, 3)
    (folder / "model-00002-of-00003.safetensors").unlink()
    assert refusal(folder).endswith("its part model-00002-of-00003.safetensors is missing")


@pytest.mark.parametrize(
    "place", ["../model.safetensors", "/etc/passwd", "a\\b.safetensors", "model.bin", ""]
)
def test_an_index_that_points_elsewhere_is_refused(tmp_path: Path, place: str) -> None:
    folder = written(tmp_path, 2)
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": {UP: place}}))
    assert "is no name of a part" in refusal(folder)


@pytest.mark.parametrize("weight_map", [None, {}, [], "x"])
def test_an_index_without_weights_is_damage(tmp_path: Path, weight_map: Any) -> None:
    folder = written(tmp_path, 2)
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": weight_map}))
    assert "it names no weights" in refusal(folder)


def test_a_tensor_in_two_parts_is_damage(tmp_path: Path) -> None:
    folder = written(tmp_path, 2)
    first, second = sorted(folder.glob("*.safetensors"))
    second.write_bytes(first.read_bytes())
    assert "is in two of its parts" in refusal(folder)


def header_of(entries: Any) -> bytes:
    text = entries if isinstance(entries, bytes) else json.dumps(entries).encode()
    return struct.pack("<Q", len(text)) + text


def entry(**changes: Any) -> dict[str, Any]:
    return {"dtype": "F32", "shape": [2, 2], "data_offsets": [0, 16]} | changes


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "too short"),
        (struct.pack("<Q", 2**63) + b"{}", "ends too early"),
        (struct.pack("<Q", 100) + b"{}", "ends too early"),
        (header_of(b"\xff\xfe"), "its header is no JSON"),
        (header_of(b"[" * 100_000), "its header is no JSON"),
        (header_of(b'{"a": {}, "a": {}}'), "a name stands in it twice"),
        (header_of([1]), "not a list of tensors"),
        (header_of({"a": 1}), "is incomplete"),
        (header_of({"a": {"dtype": "F32"}}), "is incomplete"),
        (header_of({"a": entry(shape=[-1, 4])}) + bytes(16), "impossible shape"),
        (header_of({"a": entry(shape=[2**62, 2**62])}) + bytes(16), "impossible shape"),
        (header_of({"a": entry(shape=[True, 4])}) + bytes(16), "impossible shape"),
        (header_of({"a": entry(shape=[1] * 9)}) + bytes(16), "impossible shape"),
        (header_of({"a": entry(data_offsets=[0.0, 16])}) + bytes(16), "impossible shape"),
        (header_of({"a": entry(data_offsets=[0, 12])}) + bytes(16), "has 12 bytes, its shape needs 16"),
        (header_of({"a": entry()}) + bytes(15), "ends too early"),
        (header_of({"a": entry(), "b": entry(data_offsets=[8, 24])}) + bytes(24), "overlaps another one"),
        (header_of({"a": entry(dtype="F4")}) + bytes(16), "has type 'F4', which is not known"),
        (header_of({"a": entry(dtype=["F32"])}) + bytes(16), "which is not known"),
    ],
)
def test_a_damaged_part_is_refused_with_what_contradicts_what(
    tmp_path: Path, content: bytes, reason: str
) -> None:
    folder = written(tmp_path)
    (folder / "model.safetensors").write_bytes(content)
    with pytest.raises(ModelError, match=reason):
        load(folder)


@pytest.mark.parametrize("share", [0.999, 0.5, 0.05, 0.001])
def test_a_part_cut_short_is_damage(tmp_path: Path, share: float) -> None:
    path = written(tmp_path) / "model.safetensors"
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(ModelDamaged, match=r"ends too early|too short"):
        load(path.parent)


def test_a_part_that_shrinks_after_its_header_was_read_is_damage(tmp_path: Path) -> None:
    folder = written(tmp_path)
    checkpoint = read_checkpoint(folder)
    (folder / "model.safetensors").write_bytes(b"")
    with pytest.raises(ModelDamaged, match="it changed while it was read"):
        load_model(checkpoint)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_no_change_of_the_files_gives_anything_but_a_model_or_a_typed_error(
    tmp_path: Path, data: st.DataObject
) -> None:
    folder = tmp_path / "mutant"
    if not folder.exists():
        write_checkpoint(folder, LLAMA, random_arrays(LLAMA))
        (tmp_path / "sound").mkdir()
        for name in ("config.json", "model.safetensors"):
            (tmp_path / "sound" / name).write_bytes((folder / name).read_bytes())
    for name, reach in (("config.json", 300), ("model.safetensors", 2500)):
        content = bytearray((tmp_path / "sound" / name).read_bytes())
        for _ in range(data.draw(st.integers(0, 2))):
            position = data.draw(st.integers(0, min(reach, len(content) - 1)))
            content[position : position + 1] = data.draw(st.binary(min_size=0, max_size=3))
        (folder / name).write_bytes(content)
    try:
        assert isinstance(load(folder), Transformer)
    except ModelError as error:
        assert error.message


def test_loading_reports_progress_that_only_grows_and_ends_at_one(tmp_path: Path) -> None:
    seen: list[float] = []
    load_model(read_checkpoint(written(tmp_path)), progress=seen.append)
    assert seen == sorted(seen)
    assert len(seen) > 40
    assert (seen[0] < 0.1, seen[-1]) == (True, 1.0)


def test_loading_can_be_cancelled_between_two_tensors(tmp_path: Path) -> None:
    seen: list[float] = []
    with pytest.raises(DecodeCancelled):
        load_model(
            read_checkpoint(written(tmp_path)), progress=seen.append, cancelled=lambda: len(seen) == 10
        )
    assert len(seen) == 10


def test_a_step_that_is_cancelled_leaves_the_cache_as_it_was(tmp_path: Path) -> None:
    model = load(written(tmp_path))
    cache = model.new_cache(64)
    model.hidden_states([1, 2, 3], 0, cache)
    answers = iter([False, True])
    with pytest.raises(DecodeCancelled):
        model.hidden_states([4, 5], 3, cache, lambda: next(answers))
    assert cache.length == 3
    found = model.hidden_states([6], 3, cache)
    fresh = model.hidden_states([1, 2, 3, 6], 0, model.new_cache(64))
    assert torch.allclose(found[0], fresh[3], atol=1e-5)
