"""The hyperparameters of a model in one frozen record, whatever the checkpoint calls them.

Knows no checkpoint: `config_readers` makes these records from the config.json of each family.
"""

import math
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class RopeConfig:
    """Rotary positions: how fast each pair of a head turns, and how far the model was stretched."""

    size: int  # values of a head that turn
    theta: float = 10_000.0
    scaling: Literal["none", "linear", "yarn", "llama3"] = "none"
    factor: float = 1.0  # how many times longer the context is than in training
    original_length: int = 0  # positions of the training before stretching
    beta_fast: float = 32.0  # YaRN: pairs that turn more often than this keep their speed
    beta_slow: float = 1.0  # YaRN: pairs that turn less often are stretched in full
    rounds_band: bool = True  # YaRN: the band between them begins and ends at whole pairs
    magnitude: float = 1.0  # YaRN: what cosines and sines are multiplied by
    score_factor: float = 1.0  # YaRN with mscale_all_dim: what attention scores are multiplied by
    low_freq_factor: float = 1.0  # Llama 3
    high_freq_factor: float = 4.0  # Llama 3
    divisors: tuple[float, ...] = ()  # of each pair's speed, where a file gives them itself
    interleaved: bool = False  # pairs are neighbours (x0, x1), not halves (x0, x[size / 2])


@dataclass(frozen=True, slots=True, kw_only=True)
class GqaConfig:
    """Grouped-query attention: several query heads share a key-value head."""

    num_heads: int
    num_kv_heads: int
    head_size: int
    qkv_bias: bool = False
    output_bias: bool = False
    has_head_norms: bool = False  # queries and keys are normalized per head (Qwen3)

    @property
    def row_width(self) -> int:
        """Values that one position takes in the KV cache of one layer: a key and a value per group."""
        return 2 * self.num_kv_heads * self.head_size


@dataclass(frozen=True, slots=True, kw_only=True)
class MlaConfig:
    """Multi-head latent attention: keys and values are rebuilt from one small vector per position."""

    num_heads: int
    q_rank: int | None  # queries go through a bottleneck of this size; None: they don't
    kv_rank: int
    nope_size: int  # of a head, without position
    rope_size: int  # of a head, with position; the key's is shared by all heads
    value_size: int
    has_bias: bool = False
    latent_eps: float = 1e-6  # every reference leaves these two norms at 1e-6, whatever config.json says

    @property
    def head_size(self) -> int:
        """Values of a query or key of one head."""
        return self.nope_size + self.rope_size

    @property
    def row_width(self) -> int:
        """Values that one position takes in the KV cache of one layer: the latent and the rotated key."""
        return self.kv_rank + self.rope_size


@dataclass(frozen=True, slots=True, kw_only=True)
class MoeConfig:
    """A mixture of experts and how its router chooses."""

    num_experts: int
    experts_per_token: int
    expert_size: int  # inner size of one expert
    scoring: Literal["softmax", "sigmoid"]
    shared_size: int = 0  # inner size of the shared experts together; 0: there are none
    shared_name: str = "shared_experts"
    has_shared_gate: bool = False  # a sigmoid gate weighs the shared expert (Qwen2-MoE)
    has_correction_bias: bool = False  # added for choosing, not for weighing (DeepSeek-V3)
    num_groups: int = 1
    groups_per_token: int = 1
    group_score: Literal["max", "top2"] = "max"
    normalizes: bool = False  # weights of the chosen sum to 1
    scaling: float = 1.0  # and are multiplied by this


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelConfig:
    """Everything `model` needs to know to read the weights and to compute."""

    model_type: str
    vocabulary_size: int
    hidden_size: int
    feed_forward_size: int  # inner size of dense layers
    num_layers: int  # without MTP layers
    context_length: int  # positions it was trained for
    norm_eps: float
    rope: RopeConfig
    attention: GqaConfig | MlaConfig
    moe: MoeConfig | None = None
    moe_layers: tuple[bool, ...] = ()  # which layers have experts, one per layer
    num_mtp_layers: int = 0  # as config.json says; the weights decide whether they are there
    has_tied_embeddings: bool = False
    feed_forward_bias: bool = False
    fp8_block: tuple[int, int] | None = None  # rows and columns that share a scale

    def has_experts(self, layer: int) -> bool:
        """Whether a layer's feed-forward part is a mixture; MTP layers are like the last layer."""
        return self.moe is not None and self.moe_layers[min(layer, self.num_layers - 1)]


def yarn_magnitude(factor: float, weight: float = 1.0) -> float:
    """YaRN equation 22: the temperature that makes up for the spread of stretched scores."""
    return 0.1 * weight * math.log(factor) + 1.0 if factor > 1 else 1.0
