"""Blocks of GGUF files as numbers, after the definitions in ggml (`ggml-common.h`, `ggml-quants.c`).

A block holds 32 or 256 weights, a half-precision scale for all of them and, in the K types, short scales for
parts of it. Each function takes the bytes of n blocks, (n, bytes), and gives (n, weights) float32.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

Bytes = np.ndarray[Any, np.dtype[np.uint8]]
Floats = np.ndarray[Any, np.dtype[np.float32]]

VALUES_AT_ONCE = 2**20  # so that what is in between stays in the CPU's cache


def _f32(blocks: Bytes) -> Floats:
    return blocks.view("<f4")


def _f16(blocks: Bytes) -> Floats:
    return blocks.view("<f2").astype(np.float32)


def _bf16(blocks: Bytes) -> Floats:
    return (blocks.view("<u2").astype(np.uint32) << 16).view(np.float32)


def _q8_0(blocks: Bytes) -> Floats:
    """A scale, 32 signed bytes."""
    return _half(blocks[:, :2]) * blocks[:, 2:].view(np.int8)


def _q4_0(blocks: Bytes) -> Floats:
    """A scale, 16 bytes: the low halves are weights 0 to 15, the high ones 16 to 31, all 8 too large."""
    codes = np.concatenate([blocks[:, 2:] & 15, blocks[:, 2:] >> 4], axis=1)  # (n, 32)
    return _half(blocks[:, :2]) * (codes.astype(np.float32) - 8)


def _q4_k(blocks: Bytes) -> Floats:
    """Scale and minimum; 12 bytes of scales and minima of 8 parts, 6 bits each; 128 bytes of codes."""
    scale, minimum, packed = (
        _half(blocks[:, :2]),
        _half(blocks[:, 2:4]),
        blocks[:, 4:16],
    )
    low, middle, high = packed[:, :4], packed[:, 4:8], packed[:, 8:]  # (n, 4) each
    scales = np.concatenate([low & 63, (high & 15) | (low >> 6 << 4)], axis=1)  # (n, 8)
    minima = np.concatenate([middle & 63, (high >> 4) | (middle >> 6 << 4)], axis=1)  # (n, 8)
    pairs = blocks[:, 16:].reshape(-1, 4, 32)  # (n, 4, 32): low halves one part, high halves the next
    codes = np.stack([pairs & 15, pairs >> 4], axis=2).reshape(-1, 8, 32)  # (n, 8, 32)
    values: Floats = codes * (scale * scales)[..., None] - (minimum * minima)[..., None]  # (n, 8, 32)
    return values.reshape(-1, 256)


def _q6_k(blocks: Bytes) -> Floats:
    """Codes of 6 bits: 128 bytes of low halves, 64 bytes of upper two bits; 16 signed scales; a scale."""
    low = blocks[:, :128].reshape(-1, 2, 1, 64)  # (n, halves of the block, 1, 64)
    low = np.concatenate([low & 15, low >> 4], axis=2).reshape(-1, 2, 4, 32)  # (n, 2, 4, 32)
    upper = blocks[:, 128:192].reshape(-1, 2, 1, 32)  # (n, 2, 1, 32)
    high = upper >> np.array([0, 2, 4, 6], np.uint8)[:, None] & 3  # (n, 2, 4, 32)
    codes = (low | high << 4).astype(np.float32).reshape(-1, 16, 16) - 32  # (n, 16, 16)
    scales = _half(blocks[:, 208:]) * blocks[:, 192:208].view(np.int8)  # (n, 16)
    return (codes * scales[..., None]).reshape(-1, 256)


READERS: dict[str, Callable[[Bytes], Floats]] = {
    "F32": _f32, "F16": _f16, "BF16": _bf16, "Q8_0": _q8_0, "Q4_0": _q4_0, "Q4_K": _q4_k, "Q6_K": _q6_k
}  # fmt: skip


def dequantize(data: Bytes, type_name: str, block_bytes: int, block_values: int) -> Floats:
    """Bytes of whole blocks of one of READERS' types to as many weights, (n,)."""
    blocks = data.reshape(-1, block_bytes)  # (blocks, bytes)
    values = np.empty((len(blocks), block_values), np.float32)  # (blocks, weights)
    step = max(1, VALUES_AT_ONCE // block_values)
    for start in range(0, len(blocks), step):
        values[start : start + step] = READERS[type_name](np.ascontiguousarray(blocks[start : start + step]))
    return values.reshape(-1)


def _half(blocks: Bytes) -> Floats:
    """(n, 2) bytes to (n, 1)."""
    return np.ascontiguousarray(blocks).view("<f2").astype(np.float32)
