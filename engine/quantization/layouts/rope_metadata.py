"""Rotary positions as a GGUF file describes them, so that llama.cpp turns every pair as far as the model did.

llama.cpp's YaRN multiplies rotations by `1 + 0.1 * log(factor)` of its own accord; `attn_factor` comes on top
of that (llama-context.cpp). Its `deepseek2` graph leaves the first out where `yarn_log_multiplier` is given,
and multiplies the scores by both squared (deepseek2.cpp).
"""

import math

import numpy as np
from numpy.typing import NDArray

from engine.quantization.gguf_file import Value
from engine.transformer.config import ModelConfig, RopeConfig, yarn_magnitude


def rope_problem(config: ModelConfig) -> str:
    """Why llama.cpp would turn pairs otherwise; empty where it would not."""
    if config.rope.scaling == "yarn" and not config.rope.rounds_band:
        return "llama.cpp knows only YaRN whose band begins and ends at whole pairs"
    return ""


def grouped_rope(rope: RopeConfig) -> dict[str, Value]:
    """The keys of a model with grouped-query attention; Llama 3's stretching is a tensor instead."""
    if rope.scaling == "linear":
        return {"rope.scaling.type": "linear", "rope.scaling.factor": rope.factor}
    if rope.scaling == "yarn":
        return _yarn(rope) | {"rope.scaling.attn_factor": rope.magnitude / yarn_magnitude(rope.factor)}
    return {}


def latent_rope(rope: RopeConfig) -> dict[str, Value]:
    """The keys of a model with MLA."""
    if rope.scaling != "yarn":
        return grouped_rope(rope)
    growth = 0.1 * math.log(rope.factor) if rope.factor > 1 else 0.0
    weight = (math.sqrt(rope.score_factor) / rope.magnitude - 1) / growth if growth else 1.0
    # without a weight llama.cpp puts its own factor into the rotation
    own = 1.0 if weight else yarn_magnitude(rope.factor)
    return _yarn(rope) | {
        "rope.scaling.yarn_log_multiplier": 0.1 * weight,
        "rope.scaling.attn_factor": rope.magnitude / own,
    }


def llama3_divisors(rope: RopeConfig) -> NDArray[np.float32]:
    """What each pair's speed is divided by (P / 2,); see `engine.transformer.rope`."""
    plain = 1.0 / rope.theta ** (np.arange(0, rope.size, 2) / rope.size)  # (P / 2,)
    turns = rope.original_length * plain / (2 * math.pi)  # (P / 2,)
    kept = (turns - rope.low_freq_factor) / (rope.high_freq_factor - rope.low_freq_factor)
    kept = kept.clip(0, 1)  # (P / 2,)
    divisors: NDArray[np.float32] = (1 / (kept + (1 - kept) / rope.factor)).astype(np.float32)
    return divisors


def _yarn(rope: RopeConfig) -> dict[str, Value]:
    return {
        "rope.scaling.type": "yarn",
        "rope.scaling.factor": rope.factor,
        "rope.scaling.original_context_length": rope.original_length,
        "rope.scaling.yarn_beta_fast": rope.beta_fast,
        "rope.scaling.yarn_beta_slow": rope.beta_slow,
    }
