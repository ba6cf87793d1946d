"""Whether a model that is not here has room in this computer's memory: a rough answer, from its size alone.

The exact one needs the header of its files (the memory card on its page).
"""

from dataclasses import dataclass
from typing import Literal

Room = Literal["fits", "tight", "too_large", "unknown"]

BITS_PER_WEIGHT = 4.9  # of Q4_K_M, for a model whose size nobody has said
_OVERHEAD_SHARE = 0.08  # KV cache and buffers, beside the weights
_OVERHEAD_BYTES = 400 * 2**20


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """This computer's, in bytes; all 0 while nothing is known of it."""

    available_bytes: int = 0  # models in memory counted as free: they make room for each other
    total_bytes: int = 0
    reserve_bytes: int = 0  # left to other programs


def estimated_size(parameters: int) -> int:
    """About how many bytes a model of so many parameters has at four bits; 0 where that is unknown."""
    return round(parameters * BITS_PER_WEIGHT / 8)


def needed_bytes(size_bytes: int) -> int:
    """About what a model takes while it answers."""
    return round(size_bytes * (1 + _OVERHEAD_SHARE)) + _OVERHEAD_BYTES


def room_for(size_bytes: int, memory: Memory) -> Room:
    """`tight`: it would fit if other programs gave memory back."""
    if not size_bytes or not memory.total_bytes:
        return "unknown"
    needed = needed_bytes(size_bytes) + memory.reserve_bytes
    if needed <= memory.available_bytes:
        return "fits"
    return "tight" if needed <= memory.total_bytes else "too_large"
