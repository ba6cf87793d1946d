"""Where a model goes: to the GPU, into RAM, or its routed experts into RAM and the rest to the GPU.

A token uses few of its experts and all of the rest, so the rest gains most from a GPU: KTransformers'
placement. Arithmetic on sizes alone.
"""

from dataclasses import dataclass
from typing import Literal

from engine.contract.errors import ModelTooLarge


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelBytes:
    """What a model takes in memory."""

    experts: int  # routed ones
    others: int  # attention, shared experts, dense layers, embeddings
    kv_cache: int

    @property
    def total(self) -> int:
        """All of it."""
        return self.experts + self.others + self.kv_cache


@dataclass(frozen=True, slots=True)
class Placement:
    """Where weights and KV cache go, and why."""

    where: Literal["gpu", "split", "cpu"]
    reason: str


def place_model(model: ModelBytes, *, ram_free: int, gpu_free: int | None) -> Placement:
    """The fastest placement that fits; `gpu_free` is None where there is no GPU or it is not wanted.

    Raises ModelTooLarge where none does.
    """
    if gpu_free is None:
        if model.total > ram_free:
            raise ModelTooLarge(model.total, ram_free)
        return Placement("cpu", "no GPU is used")
    if model.total <= gpu_free:
        return Placement("gpu", "all of it fits the GPU")
    without_experts = model.others + model.kv_cache
    if model.experts and without_experts <= gpu_free and model.experts <= ram_free:
        return Placement("split", "the GPU has no room for the routed experts; they are in RAM")
    if model.total <= ram_free:
        return Placement("cpu", "the GPU has no room for it")
    raise ModelTooLarge(model.total, max(gpu_free, ram_free))
