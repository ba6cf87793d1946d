"""One layer of a decoder: attention and feed-forward part, each behind a norm and added to what came in."""

from dataclasses import dataclass

from torch import Tensor

from engine.transformer.attention import GroupedQueryAttention
from engine.transformer.causal import Step
from engine.transformer.config import MlaConfig, ModelConfig
from engine.transformer.kv_cache import KvCache
from engine.transformer.mla import LatentAttention
from engine.transformer.moe import FeedForward, MixtureOfExperts
from engine.transformer.norm import RmsNorm
from engine.transformer.weights import Weights


@dataclass(frozen=True, slots=True)
class Layer:
    """Pre-norm residual layer (arXiv:2002.04745)."""

    attention_norm: RmsNorm
    attention: GroupedQueryAttention | LatentAttention
    feed_forward_norm: RmsNorm
    feed_forward: FeedForward | MixtureOfExperts

    @classmethod
    def read(cls, weights: Weights, config: ModelConfig, number: int) -> "Layer":
        """Read layer `number` of a checkpoint; MTP layers are numbered after the others."""
        prefix, hidden_size = f"model.layers.{number}", config.hidden_size
        attention: GroupedQueryAttention | LatentAttention
        feed_forward: FeedForward | MixtureOfExperts
        if isinstance(config.attention, MlaConfig):
            attention = LatentAttention.read(weights, f"{prefix}.self_attn", config, config.attention)
        else:
            attention = GroupedQueryAttention.read(weights, f"{prefix}.self_attn", config, config.attention)
        if config.moe is not None and config.has_experts(number):
            feed_forward = MixtureOfExperts.read(weights, f"{prefix}.mlp", hidden_size, config.moe)
        else:
            feed_forward = FeedForward.read(
                weights, f"{prefix}.mlp", hidden_size, config.feed_forward_size, bias=config.feed_forward_bias
            )
        return cls(
            attention_norm=weights.norm(f"{prefix}.input_layernorm", hidden_size, config.norm_eps),
            attention=attention,
            feed_forward_norm=weights.norm(
                f"{prefix}.post_attention_layernorm", hidden_size, config.norm_eps
            ),
            feed_forward=feed_forward,
        )

    def __call__(self, x: Tensor, number: int, cache: KvCache, step: Step) -> Tensor:
        """(T, C) to (T, C); `number` is the layer's place in the cache."""
        x = x + self.attention(self.attention_norm(x), number, cache, step)  # (T, C)
        normed = self.feed_forward_norm(x)  # (T, C)
        if isinstance(self.feed_forward, MixtureOfExperts):
            counts = None if cache.expert_counts is None else cache.expert_counts[number]  # (E,)
            return x + self.feed_forward(normed, counts)  # (T, C)
        return x + self.feed_forward(normed)  # (T, C)
