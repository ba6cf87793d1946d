"""Grouped-query attention (arXiv:2305.13245), as in Llama and Qwen; plain attention has a group per head."""

from dataclasses import dataclass

import torch
from torch import Tensor

from engine.transformer.causal import Step, materialized_attention, prefill_attention
from engine.transformer.config import GqaConfig, ModelConfig
from engine.transformer.kv_cache import KvCache
from engine.transformer.linear import Linear
from engine.transformer.norm import RmsNorm
from engine.transformer.weights import Weights

FEW_TOKENS = 8  # up to so many new ones all scores are held in memory


@dataclass(frozen=True, slots=True)
class GroupedQueryAttention:
    """One layer. A cached row is the keys of all groups, then their values."""

    config: GqaConfig
    qkv: Linear  # C to H * D queries, G * D keys, G * D values
    output: Linear  # H * D to C
    query_norm: RmsNorm | None
    key_norm: RmsNorm | None

    @classmethod
    def read(
        cls, weights: Weights, prefix: str, model: ModelConfig, config: GqaConfig
    ) -> "GroupedQueryAttention":
        """Read the layer's weights."""
        queries, keys = config.num_heads * config.head_size, config.num_kv_heads * config.head_size
        parts = [(f"{prefix}.q_proj", queries), (f"{prefix}.k_proj", keys), (f"{prefix}.v_proj", keys)]
        biased = [name for name, _ in parts] if config.qkv_bias else []
        norms: list[RmsNorm | None] = [None, None]
        if config.has_head_norms:
            names = (f"{prefix}.q_norm", f"{prefix}.k_norm")
            norms = [weights.norm(name, config.head_size, model.norm_eps) for name in names]
        return cls(
            config,
            qkv=weights.joined_linear(parts, model.hidden_size, biased=biased),
            output=weights.linear(f"{prefix}.o_proj", model.hidden_size, queries, bias=config.output_bias),
            query_norm=norms[0],
            key_norm=norms[1],
        )

    def __call__(self, x: Tensor, layer: int, cache: KvCache, step: Step) -> Tensor:
        """(T, C) to (T, C); the new rows go into the cache."""
        config, num_tokens = self.config, len(x)
        heads, groups, size = config.num_heads, config.num_kv_heads, config.head_size
        query, key, value = (
            self.qkv(x).view(num_tokens, -1, size).split([heads, groups, groups], dim=1)
        )  # (T, H, D), (T, G, D), (T, G, D)
        if self.query_norm is not None and self.key_norm is not None:
            query, key = self.query_norm(query), self.key_norm(key)  # (T, H, D), (T, G, D)
        query, key = step.rotation(query), step.rotation(key)  # (T, H, D), (T, G, D)
        rows = cache.write(layer, step.position, torch.cat([key, value], dim=1).flatten(1))  # (S, 2 * G * D)
        keys, values = rows.view(len(rows), 2 * groups, size).transpose(0, 1).split(groups)  # (G, S, D) each
        scale = size**-0.5
        if num_tokens <= FEW_TOKENS:
            shared = heads // groups  # heads of one group ask the same keys: one product for all of them
            grouped = query.view(num_tokens, groups, shared, size).permute(1, 2, 0, 3)  # (G, H / G, T, D)
            flat = grouped.reshape(groups, shared * num_tokens, size)  # (G, H / G * T, D)
            mask = None if step.mask is None else step.mask.repeat(shared, 1)  # (H / G * T, S)
            mixed = materialized_attention(flat, keys, values, mask, scale)  # (G, H / G * T, D)
            mixed = mixed.view(heads, num_tokens, size)  # (H, T, D)
        else:
            mixed = prefill_attention(query.transpose(0, 1), keys, values, step, scale)  # (H, T, D)
        return self.output(mixed.transpose(0, 1).reshape(num_tokens, heads * size))  # (T, C)
