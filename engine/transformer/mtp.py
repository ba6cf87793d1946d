"""Multi-token prediction: layers that guess the tokens after the next (DeepSeek-V3, arXiv:2412.19437, 2.2).

MTP layer k (from 0) sees, for position i, what the layer before it made of position i and the token at
i + k + 1, and predicts the token at i + k + 2. The first one sees the model's own hidden state *after* its
last norm: so do llama.cpp, vLLM and transformers, and so the published weights work. Embedding and output
matrix are the model's own; copies of them in a checkpoint (`embed_tokens`, `shared_head.head`) are not read.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from engine.transformer.causal import Step
from engine.transformer.config import ModelConfig
from engine.transformer.kv_cache import KvCache
from engine.transformer.layer import Layer
from engine.transformer.linear import Linear
from engine.transformer.norm import RmsNorm
from engine.transformer.weights import Weights


@dataclass(frozen=True, slots=True)
class MtpLayer:
    """One depth of prediction (equations 21 to 23)."""

    embedding_norm: RmsNorm
    hidden_norm: RmsNorm
    join: Linear  # 2 * C to C
    layer: Layer
    output_norm: RmsNorm

    @classmethod
    def read(cls, weights: Weights, config: ModelConfig, depth: int) -> "MtpLayer":
        """Read the MTP layer of a depth, from 0; checkpoints number them after the other layers."""
        number = config.num_layers + depth
        prefix, size, eps = f"model.layers.{number}", config.hidden_size, config.norm_eps
        return cls(
            embedding_norm=weights.norm(f"{prefix}.enorm", size, eps),
            hidden_norm=weights.norm(f"{prefix}.hnorm", size, eps),
            join=weights.linear(f"{prefix}.eh_proj", size, 2 * size, at_least="float"),
            layer=Layer.read(weights, config, number),
            output_norm=weights.norm(f"{prefix}.shared_head.norm", size, eps),
        )

    def __call__(self, hidden: Tensor, embedded: Tensor, depth: int, cache: KvCache, step: Step) -> Tensor:
        """Hidden states (T, C) and embedded next tokens (T, C) to the hidden states of this depth (T, C)."""
        both = [self.embedding_norm(embedded), self.hidden_norm(hidden)]  # (T, C) each
        x = self.join(torch.cat(both, dim=-1))  # (T, C)
        return self.output_norm(self.layer(x, depth, cache, step))  # (T, C)
