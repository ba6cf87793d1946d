"""A model's tensors by what they do, from GGUF files and from checkpoints."""

from pathlib import Path

import pytest

from engine.library.checkpoint import read_checkpoint
from engine.library.gguf import read_header
from engine.library.tensor_map import checkpoint_part, map_model
from engine.library.tensor_parts import Part
from tests.support.tiny_checkpoint import DEEPSEEK, random_arrays, write_checkpoint
from tests.support.tiny_gguf import write_deepseek_gguf


def test_a_map_has_every_tensor_of_the_builtin_model_once(builtin: Path) -> None:
    header, groups = map_model(builtin)
    tensors = read_header(builtin).tensors
    assert header.size_bytes == builtin.stat().st_size
    assert sum(group.num_tensors for group in groups) == len(tensors)
    assert sum(group.size_bytes for group in groups) == sum(tensor.size_bytes for tensor in tensors)
    assert len({(group.part, group.kind, group.type) for group in groups}) == len(groups)
    order = list(Part)
    places = [order.index(Part(group.part)) for group in groups]
    assert places == sorted(places)


def test_a_checkpoint_and_its_gguf_file_have_the_same_parts_in_the_same_sizes(tmp_path: Path) -> None:
    arrays = random_arrays(DEEPSEEK)
    folder = write_checkpoint(tmp_path / "checkpoint", DEEPSEEK, arrays)
    path = write_deepseek_gguf(tmp_path / "model.gguf", DEEPSEEK, arrays)
    checkpoint, groups = map_model(folder)
    weights = {part: sum(g.parameters for g in groups if g.part == part) for part in map(str, Part)}
    _, expected = map_model(path)
    assert weights == {part: sum(g.parameters for g in expected if g.part == part) for part in map(str, Part)}
    assert weights["MTP head"] > 0 < weights["latent attention"]
    assert checkpoint.parameters == read_checkpoint(folder).parameters == sum(weights.values())


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("model.embed_tokens.weight", Part.EMBEDDING),
        ("lm_head.weight", Part.OUTPUT),
        ("model.norm.weight", Part.NORM),
        ("model.layers.0.self_attn.q_proj.weight", Part.ATTENTION),
        ("model.layers.0.self_attn.q_norm.weight", Part.NORM),
        ("model.layers.0.self_attn.kv_a_proj_with_mqa.weight_scale_inv", Part.LATENT),
        ("model.layers.3.mlp.gate.weight", Part.ROUTER),
        ("model.layers.3.mlp.gate.e_score_correction_bias", Part.ROUTER),
        ("model.layers.3.mlp.gate_proj.weight", Part.DENSE),
        ("model.layers.3.mlp.experts.17.up_proj.weight", Part.EXPERT),
        ("model.layers.3.mlp.shared_experts.up_proj.weight", Part.SHARED_EXPERT),
        ("model.layers.4.eh_proj.weight", Part.MTP),
        ("model.layers.4.mlp.experts.0.up_proj.weight", Part.MTP),
        ("model.layers.4.enorm.weight", Part.MTP),
        ("vision.patch", Part.OTHER),
    ],
)
def test_names_of_checkpoints_are_known(name: str, part: Part) -> None:
    assert checkpoint_part(name, num_layers=4) == part
