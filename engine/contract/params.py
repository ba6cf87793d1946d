"""The settings of a call: how to sample, when to stop, how to load."""

from dataclasses import dataclass
from typing import Literal

KvType = Literal["f32", "f16", "q8_0"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SamplingParams:
    """How the next token is picked from the logits."""

    temperature: float = 0.8  # 0 picks the most likely token
    top_k: int = 40  # 0 keeps the whole vocabulary
    top_p: float = 0.95  # 1 keeps the whole vocabulary
    min_p: float = 0.05  # 0 keeps the whole vocabulary
    repeat_penalty: float = 1.0  # 1 changes nothing
    seed: int | None = None  # None draws one per request

    def __post_init__(self) -> None:
        """Refuse values no sampler can use."""
        _require(0 <= self.temperature <= 100, "temperature", "from 0 to 100", self.temperature)
        _require(self.top_k >= 0, "top_k", "0 or more", self.top_k)
        _require(0 < self.top_p <= 1, "top_p", "above 0 and at most 1", self.top_p)
        _require(0 <= self.min_p <= 1, "min_p", "from 0 to 1", self.min_p)
        _require(
            0 < self.repeat_penalty <= 10, "repeat_penalty", "above 0 and at most 10", self.repeat_penalty
        )
        if self.seed is not None:
            _require(0 <= self.seed < 2**32, "seed", "from 0 to 4294967295", self.seed)


@dataclass(frozen=True, slots=True, kw_only=True)
class GenerationLimits:
    """When an answer ends, besides the model's own end tokens."""

    max_tokens: int | None = None  # None goes on to the context length
    stop: tuple[str, ...] = ()  # stop strings; the text ends before the first of them

    def __post_init__(self) -> None:
        """Refuse limits that mean nothing."""
        if self.max_tokens is not None:
            _require(self.max_tokens >= 0, "max_tokens", "0 or more", self.max_tokens)
        if any(not text for text in self.stop):
            raise ValueError("a stop string must not be empty")


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadParams:
    """How a model is put into memory. Two different ones are two loaded models."""

    context_length: int | None = None  # tokens; None takes the trained length, at most 8192
    threads: int | None = None  # None takes the physical cores this process may use
    gpu_layers: int = -1  # -1 offloads every layer that a device takes, 0 none
    batch_size: int = 512  # tokens per prefill chunk
    kv_type: KvType = "f16"

    def __post_init__(self) -> None:
        """Refuse sizes that cannot be loaded."""
        if self.context_length is not None:
            _require(
                8 <= self.context_length <= 2**24, "context_length", "from 8 to 16777216", self.context_length
            )
        if self.threads is not None:
            _require(1 <= self.threads <= 512, "threads", "from 1 to 512", self.threads)
        _require(self.gpu_layers >= -1, "gpu_layers", "-1 or more", self.gpu_layers)
        _require(1 <= self.batch_size <= 65536, "batch_size", "from 1 to 65536", self.batch_size)


def _require(holds: bool, name: str, wanted: str, value: object) -> None:
    if not holds:
        raise ValueError(f"{name} must be {wanted}, got {value}")
