"""Weights in 8 and 4 bits: what a product with them costs in accuracy; rows do not see each other."""

from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="needs torch")

from engine.library.checkpoint import read_checkpoint
from engine.transformer.model import load_model
from engine.transformer.quantized_linear import (
    KERNEL_ROWS,
    Int4Linear,
    Int8Linear,
    quantize,
    quantized_linear,
)
from tests.support.tiny_checkpoint import DEEPSEEK, random_arrays, write_checkpoint

pytestmark = pytest.mark.torch

SHAPES = [(512, 512), (1536, 384), (544, 512), (512, 256), (96, 64), (48, 32)]


def drawn(*shape: int, seed: int = 0) -> Any:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def weights_of(linear: Int8Linear | Int4Linear, num_inputs: int) -> Any:
    """The weights that the codes stand for, (out, in), by the definition and one by one for int4."""
    if isinstance(linear, Int8Linear):
        return linear.codes.float() * linear.scales.float()[:, None]
    return torch.cat([linear(row[None]) for row in torch.eye(num_inputs)]).T


def error(found: Any, expected: Any) -> float:
    return float((found - expected).norm() / expected.norm())


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize(("kind", "most"), [("int8", 0.012), ("int4", 0.13)])
def test_quantized_weights_are_near_the_weights(shape: tuple[int, int], kind: Any, most: float) -> None:
    weight = drawn(*shape)
    linear = quantized_linear(kind, *quantize(weight, kind))
    assert error(weights_of(linear, shape[1]), weight) < most


@pytest.mark.parametrize("num_tokens", [1, 3, KERNEL_ROWS, KERNEL_ROWS + 1, 100])
@pytest.mark.parametrize("kind", ["int8", "int4"])
def test_a_product_is_that_with_the_weights_the_codes_stand_for(kind: Any, num_tokens: int) -> None:
    weight, x, bias = drawn(96, 64), drawn(num_tokens, 64, seed=1), drawn(96, seed=2)
    linear = quantized_linear(kind, *quantize(weight, kind), bias)
    with torch.inference_mode():
        assert (
            error(linear(x), x @ weights_of(quantized_linear(kind, *quantize(weight, kind)), 64).T + bias)
            < 0.01
        )


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("kind", ["int8", "int4"])
def test_a_row_does_not_depend_on_the_rows_beside_it(kind: Any, shape: tuple[int, int]) -> None:
    linear = quantized_linear(kind, *quantize(drawn(*shape), kind))
    x = drawn(KERNEL_ROWS, shape[1], seed=1)
    alone = torch.cat([linear(row[None]) for row in x])
    for num_rows in range(2, KERNEL_ROWS + 1):
        assert torch.equal(linear(x[:num_rows]), alone[:num_rows])


@pytest.mark.parametrize("shape", [(7, 33), (5, 24), (1, 40), (16, 8)], ids=str)
def test_shapes_the_kernels_do_not_take_are_computed_all_the_same(shape: tuple[int, int]) -> None:
    weight, x = drawn(*shape), drawn(3, shape[1], seed=1)
    linear = quantized_linear("int8", *quantize(weight, "int8"))
    assert error(linear(x), x @ weight.T) < 0.02


def test_a_row_of_zeros_stays_zero() -> None:
    for kind in ("int8", "int4"):
        linear = quantized_linear(kind, *quantize(torch.zeros(16, 32), kind))
        assert not linear(drawn(2, 32)).any()


@pytest.mark.parametrize(("kind", "most"), [("int8", 0.06), ("int4", 0.5)])
def test_a_quantized_model_computes_nearly_the_same(tmp_path: Any, kind: Any, most: float) -> None:
    config = DEEPSEEK | {"hidden_size": 64, "intermediate_size": 96, "moe_intermediate_size": 32}
    folder = write_checkpoint(tmp_path / "c", config, random_arrays(config))
    plain, quantized = (load_model(read_checkpoint(folder), quantize_to=q) for q in (None, kind))
    token_ids = list(range(40))
    found, expected = (m.hidden_states(token_ids, 0, m.new_cache(64)) for m in (quantized, plain))
    assert 0 < error(found, expected) < most
    stepwise, cache = [], quantized.new_cache(64)
    for position, token in enumerate(token_ids):
        stepwise.append(quantized.hidden_states([token], position, cache))
    assert error(torch.cat(stepwise), found) < most / 2
