"""Attention of many queries: every way of computing it gives the same."""

from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="needs torch")

from engine.transformer import causal, products
from engine.transformer.causal import BAND, banded_attention, causal_mask, materialized_attention

pytestmark = pytest.mark.torch


def drawn(*shape: int, seed: int) -> Any:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("position", [0, 1, 70])
@pytest.mark.parametrize("num_tokens", [2, BAND - 1, BAND, BAND + 1, 2 * BAND + 7])
@pytest.mark.parametrize("groups", [1, 2, 4])
def test_bands_and_flash_give_what_all_scores_in_memory_give(
    position: int, num_tokens: int, groups: int
) -> None:
    length = position + num_tokens
    query, key = drawn(4, num_tokens, 24, seed=1), drawn(groups, length, 24, seed=2)
    value = drawn(groups, length, 16, seed=3)
    mask = causal_mask(position, num_tokens, dtype=torch.float32, device=torch.device("cpu"))
    keys, values = (x.repeat_interleave(4 // groups, dim=0) for x in (key, value))
    expected = materialized_attention(query, keys, values, mask, 0.2)
    with torch.inference_mode():
        assert torch.allclose(banded_attention(query, key, value, 0.2), expected, atol=2e-6)
        assert torch.allclose(causal.flash_attention(query, keys, values, mask, 0.2), expected, atol=2e-6)


@pytest.mark.parametrize("layout", ["rows", "columns", "gaps"])
def test_products_are_the_same_whichever_way_they_go(monkeypatch: Any, layout: str) -> None:
    x, weight = drawn(40, 64, seed=1), drawn(48, 64, seed=2)
    if layout == "columns":
        weight = weight.T.contiguous().T
    elif layout == "gaps":
        weight = drawn(48, 100, seed=3)[:, :64]
    expected = x @ weight.T
    for speed in (1.0, 1e30):
        speeds = products.ProductSpeeds(float32=1e15, float32_onednn=speed, bfloat16=1.0)
        monkeypatch.setattr(products, "product_speeds", lambda speeds=speeds: speeds)
        with torch.inference_mode():
            assert torch.allclose(products.linear(x, weight), expected, atol=1e-4)


def test_products_have_gradients_where_they_are_wanted() -> None:
    weight = drawn(48, 64, seed=2).requires_grad_()
    products.linear(drawn(40, 64, seed=1), weight).sum().backward()
    assert weight.grad is not None
