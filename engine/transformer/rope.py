"""Rotary position embeddings: RoPE (arXiv:2104.09864), YaRN (arXiv:2309.00071) and Llama 3's stretching."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from engine.transformer.config import RopeConfig


def inverse_frequencies(rope: RopeConfig) -> Tensor:
    """How far each pair turns per position, in radians: (P / 2,) float32."""
    exponents = torch.arange(0, rope.size, 2, dtype=torch.float32) / rope.size  # (P / 2,)
    plain = 1.0 / rope.theta**exponents  # (P / 2,)
    if rope.divisors:
        return plain / torch.tensor(rope.divisors, dtype=torch.float32)  # (P / 2,)
    if rope.scaling == "linear":
        return plain / rope.factor
    if rope.scaling == "yarn":
        return _yarn(plain, rope)
    if rope.scaling == "llama3":
        return _llama3(plain, rope)
    return plain


def _yarn(plain: Tensor, rope: RopeConfig) -> Tensor:
    """YaRN section 3.2, "NTK-by-parts": fast pairs keep their speed, slow ones are stretched."""

    def pair_that_turns(times: float) -> float:
        """The pair (fractional) that makes so many turns within the original context."""
        wavelength = rope.original_length / (times * 2 * math.pi)
        return rope.size * math.log(wavelength) / (2 * math.log(rope.theta))

    first, last = pair_that_turns(rope.beta_fast), pair_that_turns(rope.beta_slow)
    if rope.rounds_band:
        first, last = math.floor(first), math.ceil(last)
    first, last = max(first, 0), min(last, rope.size - 1)
    if first == last:
        last += 0.001
    pairs = torch.arange(rope.size // 2, dtype=torch.float32)  # (P / 2,)
    stretched = ((pairs - first) / (last - first)).clamp(0, 1)  # (P / 2,), 0 keeps, 1 stretches
    return plain / rope.factor * stretched + plain * (1 - stretched)  # (P / 2,)


def _llama3(plain: Tensor, rope: RopeConfig) -> Tensor:
    """Llama 3.1: long waves are stretched, short ones kept, those between blended."""
    turns = rope.original_length * plain / (2 * math.pi)  # (P / 2,), within the original context
    low, high = rope.low_freq_factor, rope.high_freq_factor
    kept = ((turns - low) / (high - low)).clamp(0, 1)  # (P / 2,)
    return plain * kept + plain / rope.factor * (1 - kept)  # (P / 2,)


class RopeTable:
    """Cosines and sines of every position up to a length, made as far as they are needed."""

    def __init__(self, rope: RopeConfig, *, device: torch.device, dtype: torch.dtype) -> None:
        self._rope, self._device, self._dtype = rope, device, dtype
        self._frequencies = inverse_frequencies(rope)  # (P / 2,)
        self._cos = self._sin = torch.empty(0, device=device, dtype=dtype)  # (length, P / 2) each

    def rotation(self, position: int, num_tokens: int) -> "Rotation":
        """The rotation of `num_tokens` positions from `position` on."""
        end = position + num_tokens
        if end > len(self._cos):
            positions = torch.arange(max(end, 2 * len(self._cos)), dtype=torch.float32)  # (length,)
            angles = positions[:, None] * self._frequencies  # (length, P / 2)
            cos, sin = angles.cos() * self._rope.magnitude, angles.sin() * self._rope.magnitude
            self._cos = cos.to(self._device, self._dtype)  # (length, P / 2)
            self._sin = sin.to(self._device, self._dtype)  # (length, P / 2)
        cos, sin = self._cos[position:end, None], self._sin[position:end, None]  # (T, 1, P / 2)
        return Rotation(cos, sin, interleaved=self._rope.interleaved)


@dataclass(frozen=True, slots=True)
class Rotation:
    """What one step turns its queries and keys by."""

    cos: Tensor  # (T, 1, P / 2)
    sin: Tensor  # (T, 1, P / 2)
    interleaved: bool

    def __call__(self, x: Tensor) -> Tensor:
        """Turn every pair of (T, heads, P).

        Interleaved pairs come out as halves: queries and keys are reordered alike, so scores stay the same.
        """
        if self.interleaved:
            first, second = x[..., 0::2], x[..., 1::2]  # (T, heads, P / 2) each
        else:
            first, second = x.chunk(2, dim=-1)  # (T, heads, P / 2) each
        turned = first * self.cos - second * self.sin, second * self.cos + first * self.sin
        return torch.cat(turned, dim=-1)  # (T, heads, P)
