"""Recipes: which tensor gets which type, and what a file that is none is told."""

import re

import pytest

from engine.contract.errors import InvalidRequest
from engine.library.gguf import TensorInfo
from engine.library.gguf_types import TENSOR_TYPES
from engine.library.tensor_parts import Part, block_of, parts_of
from engine.quantization.recipe import Recipe, Rule, read_recipe

NAMES = {
    "token_embd.weight": Part.EMBEDDING,
    "output.weight": Part.OUTPUT,
    "output_norm.weight": Part.NORM,
    "blk.0.attn_q.weight": Part.ATTENTION,
    "blk.0.attn_q_norm.weight": Part.NORM,
    "blk.0.attn_kv_a_mqa.weight": Part.LATENT,
    "blk.0.attn_kv_a_norm.weight": Part.NORM,
    "blk.0.ffn_down.weight": Part.DENSE,
    "blk.1.ffn_gate_inp.weight": Part.ROUTER,
    "blk.1.exp_probs_b.bias": Part.ROUTER,
    "blk.1.ffn_down_exps.weight": Part.EXPERT,
    "blk.1.ffn_up_shexp.weight": Part.SHARED_EXPERT,
    "blk.1.ffn_gate_inp_shexp.weight": Part.ROUTER,
    "blk.1.ssm_in.weight": Part.STATE,
    "blk.2.nextn.eh_proj.weight": Part.MTP,
    "blk.2.nextn.enorm.weight": Part.MTP,
    "blk.2.ffn_down_exps.weight": Part.MTP,
    "blk.2.attn_norm.weight": Part.NORM,
    "something_else": Part.OTHER,
}
TENSORS = tuple(TensorInfo(name, (256, 256), TENSOR_TYPES[0], 0) for name in NAMES)


def test_the_part_of_a_tensor_is_told_from_its_name() -> None:
    assert parts_of(TENSORS) == NAMES


def test_a_tensor_knows_its_layer() -> None:
    assert [block_of(name) for name in ("blk.12.attn_q.weight", "output.weight")] == [12, None]


def test_the_first_rule_that_fits_decides() -> None:
    recipe = Recipe(
        base="Q4_K_M",
        rules=(
            Rule(tensors=r"blk\.2\..*_exps", type="Q8_0"),
            Rule(part="routed experts", type="IQ3_S"),
            Rule(part="MTP head", tensors="proj", type="Q6_K"),
        ),
    )
    assert recipe.overrides(TENSORS) == {
        "blk.1.ffn_down_exps.weight": "IQ3_S",
        "blk.2.nextn.eh_proj.weight": "Q6_K",
        "blk.2.ffn_down_exps.weight": "Q8_0",
    }


def test_a_recipe_survives_its_file() -> None:
    recipe = Recipe(base="Q5_K_S", name="Mine", rules=(Rule(part="output", type="Q8_0"),))
    assert Recipe.from_json(recipe.to_json()) == recipe


def test_the_name_of_a_type_is_a_recipe() -> None:
    assert read_recipe("q4_k_m") == Recipe(base="Q4_K_M", name="Q4_K_M")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "Expecting value"),
        ("[]", "not a JSON object"),
        ('{"base": "Q9"}', "'Q9' is no quantization type"),
        ('{"base": "Q4_0", "rules": [{"type": "Q4_K"}]}', "a part or a pattern"),
        ('{"base": "Q4_0", "rules": [{"type": "Z", "part": "output"}]}', "'Z' is no tensor type"),
        ('{"base": "Q4_0", "rules": [{"type": "Q4_K", "part": "tail"}]}', "'tail' is no part"),
        ('{"base": "Q4_0", "rules": [{"type": "Q4_K", "tensors": "("}]}', "no regular expression"),
        ('{"base": "Q4_0", "rules": {}}', "not a list"),
        ('{"base": "Q4_0", "colour": 1}', "'colour' means nothing"),
        ("[" * 100_000, "no recipe"),
    ],
)
def test_what_is_no_recipe_says_why(text: str, reason: str) -> None:
    with pytest.raises(InvalidRequest, match=re.escape(reason)):
        Recipe.from_json(text)
