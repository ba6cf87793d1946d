"""Attention to all positions up to one's own (arXiv:1706.03762, section 3.2.1), and what one step shares."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import torch
import torch.nn.functional as F
from torch import Tensor

from engine.transformer.products import linear, wants_onednn
from engine.transformer.rope import Rotation

BAND = 128  # queries whose scores are in memory at once: fastest of 64 to 512 for 2,048 positions


@dataclass(frozen=True)
class Step:
    """One call of the model: T new tokens from `position` on; afterwards S = position + T are known."""

    position: int
    num_tokens: int
    rotation: Rotation
    dtype: torch.dtype
    device: torch.device
    check_cancelled: Callable[[], None]  # raises DecodeCancelled

    @cached_property
    def mask(self) -> Tensor | None:
        """(T, S), 0 where a token may look and -inf after itself; None for a single token."""
        return causal_mask(self.position, self.num_tokens, dtype=self.dtype, device=self.device)


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


def prefill_attention(query: Tensor, key: Tensor, value: Tensor, step: Step, scale: float) -> Tensor:
    """The same for many queries, without ever holding all scores.

    (H, T, D), (G, S, D) and (G, S, Dv) become (H, T, Dv); H / G heads that follow each other share keys.
    """
    if wants_onednn(query):
        return banded_attention(query, key, value, scale)
    shared = len(query) // len(key)
    if shared > 1:
        key, value = (x.repeat_interleave(shared, dim=0) for x in (key, value))  # (H, S, D), (H, S, Dv)
    return flash_attention(query, key, value, step.mask, scale)  # (H, T, Dv)


def banded_attention(query: Tensor, key: Tensor, value: Tensor, scale: float) -> Tensor:
    """Head by head in bands of BAND queries, each with the positions it may see and no others.

    For CPUs where oneDNN's products are faster than those inside torch's flash attention: there 2.2 to 3.4
    times as fast as that. Shapes as in `prefill_attention`.
    """
    num_heads, num_tokens, _ = query.shape
    position, shared = key.shape[1] - num_tokens, num_heads // len(key)
    after = torch.ones(BAND, BAND, dtype=torch.bool).triu_(1)  # (BAND, BAND)
    mixed = query.new_empty(num_tokens, num_heads, value.shape[-1])  # (T, H, Dv): how the caller wants it
    for head in range(num_heads):
        queries = query[head] * scale  # (T, D), without gaps
        if head % shared == 0:
            keys, values = (x[head // shared].contiguous() for x in (key, value))  # (S, D), (S, Dv)
        for start in range(0, num_tokens, BAND):
            band = queries[start : start + BAND]  # (b, D)
            seen = position + start + len(band)
            scores = linear(band, keys[:seen])  # (b, seen)
            scores[:, position + start :].masked_fill_(after[: len(band), : len(band)], -torch.inf)
            mixed[start : start + BAND, head] = linear(scores.softmax(-1), values[:seen].T)  # (b, Dv)
    return mixed.transpose(0, 1)  # (H, T, Dv)


def flash_attention(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None, scale: float) -> Tensor:
    """torch's own: (H, T, D), (H, S, D) and (H, S, Dv) become (H, T, Dv).

    It wants keys and values of one size: with others torch falls back to a path that was 6.7 times slower on
    a CPU (2,048 tokens, 16 heads of 96 and 64). So the smaller ones are padded with zeros, which change
    neither scores nor sums.
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
