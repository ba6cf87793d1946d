"""Attention to all positions up to one's own (arXiv:1706.03762, section 3.2.1), and what one step shares."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from engine.transformer.rope import Rotation


@dataclass(frozen=True, slots=True)
class Step:
    """One call of the model: T new tokens from `position` on; afterwards S = position + T are known."""

    position: int
    rotation: Rotation
    mask: Tensor | None  # (T, S), 0 where a token may look and -inf after itself; None for a single token
    check_cancelled: Callable[[], None]  # raises DecodeCancelled


def causal_mask(position: int, num_tokens: int, *, dtype: torch.dtype, device: torch.device) -> Tensor | None:
    """(T, S): each new token sees itself and everything before it; a single token sees all."""
    if num_tokens == 1:
        return None
    blocked = torch.full((num_tokens, position + num_tokens), -torch.inf, dtype=dtype, device=device)
    return blocked.triu_(position + 1)  # (T, S)


def materialized_attention(
    query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None, scale: float
) -> Tensor:
    """Attention with all scores in memory, for few queries.

    (..., T, D), (..., S, D) and (..., S, Dv) become (..., T, Dv).
    The softmax is computed in float32.
    """
    scores = query @ key.transpose(-1, -2) * scale  # (..., T, S)
    if mask is not None:
        scores = scores + mask  # (..., T, S)
    shares = scores.softmax(-1, dtype=torch.float32).to(query.dtype)  # (..., T, S)
    return shares @ value  # (..., T, Dv)


def flash_attention(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None, scale: float) -> Tensor:
    """The same for many queries, without ever holding all scores.

    (H, T, D), (H, S, D) and (H, S, Dv) become (H, T, Dv). Torch's fused kernel wants one head size for all
    three; otherwise it falls back to a path that was 6.7 times slower on a CPU (2,048 tokens, 16 heads of 96
    and 64). So the smaller ones are padded with zeros, which change neither scores nor sums.
    """
    value_size, size = value.shape[-1], max(query.shape[-1], value.shape[-1])
    query, key, value = (_padded(x, size) for x in (query, key, value))  # (H, T or S, size)
    whole = query.shape[1] == key.shape[1]  # nothing before the new tokens: the kernel makes its own mask
    mixed = F.scaled_dot_product_attention(
        query[None], key[None], value[None], attn_mask=None if whole else mask, is_causal=whole, scale=scale
    )  # (1, H, T, size)
    return mixed[0, :, :, :value_size]  # (H, T, Dv)


def _padded(x: Tensor, size: int) -> Tensor:
    return x if x.shape[-1] == size else F.pad(x, (0, size - x.shape[-1]))
