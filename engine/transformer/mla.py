"""Multi-head latent attention, MLA (DeepSeek-V2, arXiv:2405.04434, 2.1; V3, arXiv:2412.19437, 2.1.1).

Every position leaves one latent (R values) and one rotated key part (P values) that all heads share. Keys and
values are linear in the latent, so a step may do either of two things, with the same result:

- absorb: move the key's matrix to the query and the value's to the output, and attend in the latent space.
  Reads each cached row once for all heads; for few new tokens.
- expand: rebuild keys and values of every position and attend as usual. Fewer products per pair of positions;
  for prefill.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from engine.transformer.causal import Step, materialized_attention, prefill_attention
from engine.transformer.config import MlaConfig, ModelConfig
from engine.transformer.kv_cache import KvCache
from engine.transformer.linear import FloatLinear, Linear
from engine.transformer.norm import RmsNorm
from engine.transformer.weights import Weights

# The most new tokens of a step that are absorbed. By count of products it pays up to R * (N + Dv) /
# (2 * R - N - Dv), 128 tokens and more in published models; but all scores (H * T, S) are in memory.
ABSORBED_TOKENS = 32


@dataclass(frozen=True, slots=True)
class LatentAttention:
    """One layer. A cached row is the normalized latent, then the rotated key part."""

    config: MlaConfig
    scale: float
    down: Linear  # C to the queries' bottleneck (or all queries, H * (N + P)), the latent R, the key part P
    query_norm: RmsNorm | None
    query_up: Linear | None  # the queries' bottleneck to H * (N + P)
    latent_norm: RmsNorm
    up: FloatLinear  # R to H * (N + Dv): keys and values of all heads
    key_up: Tensor  # (H, N, R), a view of it
    value_up: Tensor  # (H, Dv, R), a view of it
    output: Linear  # H * Dv to C

    @classmethod
    def read(cls, weights: Weights, prefix: str, model: ModelConfig, config: MlaConfig) -> "LatentAttention":
        """Read the layer's weights."""
        queries = config.num_heads * config.head_size
        query_norm = query_up = None
        first = (f"{prefix}.q_proj", queries)
        if config.q_rank is not None:
            first = (f"{prefix}.q_a_proj", config.q_rank)
            query_norm = weights.norm(f"{prefix}.q_a_layernorm", config.q_rank, config.latent_eps)
            query_up = weights.linear(f"{prefix}.q_b_proj", queries, config.q_rank)
        latent = (f"{prefix}.kv_a_proj_with_mqa", config.row_width)
        biased = []
        if config.has_bias:  # the references have none on a q_proj without bottleneck
            biased = [latent[0]] if config.q_rank is None else [first[0], latent[0]]
        up_rows = config.num_heads * (config.nope_size + config.value_size)
        up = weights.float_linear(f"{prefix}.kv_b_proj", up_rows, config.kv_rank)
        key_up, value_up = up.weight.view(config.num_heads, -1, config.kv_rank).split(
            [config.nope_size, config.value_size], dim=1
        )  # (H, N, R), (H, Dv, R)
        return cls(
            config,
            scale=config.head_size**-0.5 * model.rope.score_factor,
            down=weights.joined_linear([first, latent], model.hidden_size, biased=biased),
            query_norm=query_norm,
            query_up=query_up,
            latent_norm=weights.norm(f"{prefix}.kv_a_layernorm", config.kv_rank, config.latent_eps),
            up=up,
            key_up=key_up,
            value_up=value_up,
            output=weights.linear(
                f"{prefix}.o_proj",
                model.hidden_size,
                config.num_heads * config.value_size,
                bias=config.has_bias,
            ),
        )

    def __call__(self, x: Tensor, layer: int, cache: KvCache, step: Step) -> Tensor:
        """(T, C) to (T, C); the new rows go into the cache."""
        config = self.config
        query, latent, key_part = self.down(x).split(
            [self.down.num_outputs - config.row_width, config.kv_rank, config.rope_size], dim=-1
        )  # (T, q_rank or H * (N + P)), (T, R), (T, P)
        if self.query_norm is not None and self.query_up is not None:
            query = self.query_up(self.query_norm(query))  # (T, H * (N + P))
        query = query.view(len(x), config.num_heads, config.head_size)  # (T, H, N + P)
        plain, turned = query.split([config.nope_size, config.rope_size], dim=-1)  # (T, H, N), (T, H, P)
        turned = step.rotation(turned)  # (T, H, P)
        key_part = step.rotation(key_part[:, None])[:, 0]  # (T, P)
        row = torch.cat([self.latent_norm(latent), key_part], dim=-1)  # (T, R + P)
        rows = cache.write(layer, step.position, row)  # (S, R + P)
        attend = self._absorbed if len(x) <= ABSORBED_TOKENS else self._expanded
        return self.output(attend(plain, turned, rows, step))  # (T, C)

    def _absorbed(self, plain: Tensor, turned: Tensor, rows: Tensor, step: Step) -> Tensor:
        """(T, H, N), (T, H, P), (S, R + P) to (T, H * Dv), in the latent space."""
        heads, num_tokens = self.config.num_heads, len(plain)
        asked = torch.bmm(plain.transpose(0, 1), self.key_up)  # (H, T, R)
        query = torch.cat([asked, turned.transpose(0, 1)], dim=-1)  # (H, T, R + P)
        query = query.view(heads * num_tokens, -1)  # (H * T, R + P)
        mask = None if step.mask is None else step.mask.repeat(heads, 1)  # (H * T, S)
        latents = rows[:, : self.config.kv_rank]  # (S, R)
        mixed = materialized_attention(query, rows, latents, mask, self.scale)  # (H * T, R)
        mixed = mixed.view(heads, num_tokens, -1)  # (H, T, R)
        values = torch.bmm(mixed, self.value_up.transpose(1, 2))  # (H, T, Dv)
        return values.transpose(0, 1).reshape(num_tokens, -1)  # (T, H * Dv)

    def _expanded(self, plain: Tensor, turned: Tensor, rows: Tensor, step: Step) -> Tensor:
        """The same with keys and values of every head and position."""
        config, heads = self.config, self.config.num_heads
        latents, key_parts = rows.split([config.kv_rank, config.rope_size], dim=-1)  # (S, R), (S, P)
        both = self.up(latents).view(len(rows), heads, -1)  # (S, H, N + Dv)
        plain_keys, values = both.transpose(0, 1).split([config.nope_size, config.value_size], dim=-1)
        keys = both.new_empty(heads, len(rows), config.head_size)  # (H, S, N + P)
        keys[..., : config.nope_size], keys[..., config.nope_size :] = plain_keys, key_parts
        values = values.contiguous()  # (H, S, Dv)
        del both, plain_keys  # the largest values of a step: before the scores need room
        query = torch.cat([plain, turned], dim=-1).transpose(0, 1)  # (H, T, N + P)
        mixed = prefill_attention(query, keys, values, step, self.scale)  # (H, T, Dv)
        return mixed.transpose(0, 1).reshape(len(plain), -1)  # (T, H * Dv)
