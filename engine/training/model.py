"""The built-in model while it is trained: DeepSeek-V3's layout over whole batches, with gradients.

The layers compute what `engine.transformer` computes for inference, from the same configuration and under
the same names; a test holds the two together. They are written a second time because training wants another
shape: batches without a cache, keys and values expanded, gradients, pieces that torch can compile. Attention
is MLA, the feed-forward part a mixture of experts (`experts`), and one more layer predicts the token after
the next (DeepSeek-V3, arXiv:2412.19437, sections 2.1 and 2.2).
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from engine.training.experts import MixtureOfExperts
from engine.transformer.config import MlaConfig, ModelConfig
from engine.transformer.rope import inverse_frequencies

INITIAL_SPREAD = 0.02  # the standard deviation of new embeddings


class Norm(nn.RMSNorm):
    """RMSNorm in float32, also where everything else runs in bfloat16."""

    def forward(self, x: Tensor) -> Tensor:
        """(..., C) to (..., C)."""
        return super().forward(x.float())


class Attention(nn.Module):
    """Multi-head latent attention, expanded: keys and values of every head and position."""

    def __init__(self, model: ModelConfig, config: MlaConfig) -> None:
        super().__init__()
        assert config.q_rank is not None
        size, heads, eps = model.hidden_size, config.num_heads, config.latent_eps
        self.config = config
        self.q_a_proj = nn.Linear(size, config.q_rank, bias=False)
        self.q_a_layernorm = Norm(config.q_rank, eps=eps)
        self.q_b_proj = nn.Linear(config.q_rank, heads * config.head_size, bias=False)
        self.kv_a_proj_with_mqa = nn.Linear(size, config.row_width, bias=False)
        self.kv_a_layernorm = Norm(config.kv_rank, eps=eps)
        self.kv_b_proj = nn.Linear(config.kv_rank, heads * (config.nope_size + config.value_size), bias=False)
        self.o_proj = nn.Linear(heads * config.value_size, size, bias=False)

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        """(B, T, C) to (B, T, C); `cos` and `sin` are (T, 1, P / 2)."""
        config, (batch, length, _) = self.config, x.shape
        query = self.q_b_proj(self.q_a_layernorm(self.q_a_proj(x)))  # (B, T, H * (N + P))
        query = query.view(batch, length, config.num_heads, config.head_size)
        plain, turned = query.split([config.nope_size, config.rope_size], dim=-1)
        latent, key_part = self.kv_a_proj_with_mqa(x).split([config.kv_rank, config.rope_size], dim=-1)
        both = self.kv_b_proj(self.kv_a_layernorm(latent)).view(batch, length, config.num_heads, -1)
        keys, values = both.split(
            [config.nope_size, config.value_size], dim=-1
        )  # (B, T, H, N), (B, T, H, Dv)
        key_part = rotated(key_part[:, :, None], cos, sin).expand(-1, -1, config.num_heads, -1)
        query = torch.cat([plain, rotated(turned, cos, sin)], dim=-1).transpose(1, 2)  # (B, H, T, N + P)
        key = torch.cat([keys, key_part], dim=-1).transpose(1, 2)  # (B, H, T, N + P)
        mixed = F.scaled_dot_product_attention(query, key, values.transpose(1, 2), is_causal=True)
        return self.o_proj(mixed.transpose(1, 2).reshape(batch, length, -1))  # (B, T, C)


def rotated(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """(B, T, heads, P) with its neighbouring pairs turned; they come out as halves, as in `Rotation`."""
    first, second = x[..., 0::2], x[..., 1::2]  # (B, T, heads, P / 2) each
    turned = first * cos - second * sin, second * cos + first * sin
    return torch.cat(turned, dim=-1).to(x.dtype)


class FeedForward(nn.Module):
    """SwiGLU (arXiv:2002.05202): a dense layer's, or the experts that every token passes."""

    def __init__(self, size: int, inner: int) -> None:
        super().__init__()
        self.gate_proj = nn.Linear(size, inner, bias=False)
        self.up_proj = nn.Linear(size, inner, bias=False)
        self.down_proj = nn.Linear(inner, size, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """(..., C) to (..., C)."""
        return self.down_proj(F.silu(self.gate_proj(x)) * self.up_proj(x))


class Layer(nn.Module):
    """Pre-norm attention and feed-forward part. Everything but the routed experts can be compiled."""

    def __init__(self, config: ModelConfig, number: int) -> None:
        super().__init__()
        assert isinstance(config.attention, MlaConfig)
        size, eps = config.hidden_size, config.norm_eps
        self.input_layernorm = Norm(size, eps=eps)
        self.self_attn = Attention(config, config.attention)
        self.post_attention_layernorm = Norm(size, eps=eps)
        self.has_experts = config.has_experts(number)
        self.mlp: Any
        if self.has_experts:
            assert config.moe is not None
            self.mlp = MixtureOfExperts(size, config.moe)
            self.mlp.shared_experts = FeedForward(size, config.moe.shared_size)
        else:
            self.mlp = FeedForward(size, config.feed_forward_size)

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        """(B, T, C) to (B, T, C)."""
        x, normed = self.dense_part(x, cos, sin)
        return x + self.mlp.routed(normed) if self.has_experts else x

    def dense_part(self, x: Tensor, cos: Tensor, sin: Tensor) -> tuple[Tensor, Tensor]:
        """The layer without its routed experts, and what those are to see; both (B, T, C)."""
        x = x + self.self_attn(self.input_layernorm(x), cos, sin)
        normed = self.post_attention_layernorm(x)
        everybody = self.mlp.shared_experts if self.has_experts else self.mlp
        return x + everybody(normed), normed


class MtpLayer(Layer):
    """The layer that predicts the token after the next from a hidden state and the next token."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__(config, config.num_layers)
        size, eps = config.hidden_size, config.norm_eps
        self.enorm, self.hnorm = Norm(size, eps=eps), Norm(size, eps=eps)
        self.eh_proj = nn.Linear(2 * size, size, bias=False)
        self.shared_head = nn.ModuleDict({"norm": Norm(size, eps=eps)})

    def predict(self, hidden: Tensor, embedded: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        """Hidden states after the last norm and embedded next tokens, (B, T, C) each, to hidden states."""
        joined = self.eh_proj(torch.cat([self.enorm(embedded), self.hnorm(hidden)], dim=-1))
        normed: Tensor = self.shared_head["norm"](self(joined, cos, sin))
        return normed


class TrainedModel(nn.Module):
    """The whole model; the output matrix is the embedding."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        self.embed_tokens = nn.Embedding(config.vocabulary_size, config.hidden_size)
        self.layers = nn.ModuleList(Layer(config, number) for number in range(config.num_layers))
        self.layers.append(MtpLayer(config))
        self.norm = Norm(config.hidden_size, eps=config.norm_eps)
        nn.init.normal_(self.embed_tokens.weight, std=INITIAL_SPREAD)

    def forward(self, token_ids: Tensor) -> tuple[Tensor, Tensor]:
        """(B, T) to the hidden states (B, T, C) for the next token and (B, T - 1, C) for the one after it."""
        cos, sin = self._rotation(token_ids.shape[1])
        embedded = self.embed_tokens(token_ids)  # (B, T, C)
        x = embedded
        for layer in self.layers[:-1]:
            x = layer(x, cos, sin)
        hidden = self.norm(x)
        mtp: Any = self.layers[-1]
        return hidden, mtp.predict(hidden[:, :-1], embedded[:, 1:], cos[:-1], sin[:-1])

    def logits(self, hidden: Tensor) -> Tensor:
        """(..., C) to (..., V)."""
        return F.linear(hidden, self.embed_tokens.weight)

    def mixtures(self) -> list[MixtureOfExperts]:
        """The mixtures of all layers, the MTP layer's last."""
        return [module for module in self.modules() if isinstance(module, MixtureOfExperts)]

    def _rotation(self, length: int) -> tuple[Tensor, Tensor]:
        positions = torch.arange(length, dtype=torch.float32)
        angles = (positions[:, None] * inverse_frequencies(self.config.rope))[:, None]  # (T, 1, P / 2)
        return angles.cos(), angles.sin()
