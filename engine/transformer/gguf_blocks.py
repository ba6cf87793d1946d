"""Blocks of GGUF files as numbers, after the definitions in ggml (`ggml-common.h`, `ggml-quants.c`).

A block holds 32 or 256 weights, a half-precision scale for all of them and, in the K types, short scales for
parts of it. Each function takes the bytes of n blocks, (n, bytes), and gives (n, weights) float32.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

Bytes = np.ndarray[Any, np.dtype[np.uint8]]
Floats = np.ndarray[Any, np.dtype[np.float32]]

# the 16 levels of the IQ4 types: close together near 0, where most weights are
UNEVEN = np.array(
    [-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113], np.float32
)  # fmt: skip
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
    """A scale, 16 bytes of codes, all 8 too large."""
    return _half(blocks[:, :2]) * (_nibbles(blocks[:, 2:]).astype(np.float32) - 8)


def _q5_0(blocks: Bytes) -> Floats:
    """A scale, 32 fifth bits, 16 bytes of codes, all 16 too large."""
    codes = _nibbles(blocks[:, 6:]) | _bits(blocks[:, 2:6]) << 4  # (n, 32)
    return _half(blocks[:, :2]) * (codes.astype(np.float32) - 16)


def _q5_1(blocks: Bytes) -> Floats:
    """A scale, the least value, 32 fifth bits, 16 bytes of codes."""
    codes = _nibbles(blocks[:, 8:]) | _bits(blocks[:, 4:8]) << 4  # (n, 32)
    return _half(blocks[:, :2]) * codes + _half(blocks[:, 2:4])


def _q3_k(blocks: Bytes) -> Floats:
    """32 bytes of third bits, one of each for each part; 64 of lower two bits; scales of 16 parts; a scale.

    The scales have 6 bits, 32 too large: 8 bytes hold the lower four of two each, 4 bytes the upper two.
    """
    packed = blocks[:, 32:96].reshape(-1, 2, 1, 32)  # (n, halves of the block, 1, 32)
    low = packed >> np.array([0, 2, 4, 6], np.uint8)[:, None] & 3  # (n, 2, 4, 32)
    third = blocks[:, :32].reshape(-1, 1, 32) >> np.arange(8, dtype=np.uint8)[:, None] & 1  # (n, 8, 32)
    codes = (low.reshape(-1, 8, 32) | third << 2).astype(np.float32).reshape(-1, 16, 16) - 4  # (n, 16, 16)
    upper = blocks[:, 104:108].reshape(-1, 1, 4) >> np.array([0, 2, 4, 6], np.uint8)[:, None] & 3  # (n, 4, 4)
    lower = np.concatenate([blocks[:, 96:104] & 15, blocks[:, 96:104] >> 4], axis=1)  # (n, 16)
    scales = (lower | upper.reshape(-1, 16) << 4).astype(np.float32) - 32  # (n, 16)
    values: Floats = (_half(blocks[:, 108:]) * scales)[..., None] * codes  # (n, 16, 16)
    return values.reshape(-1, 256)


def _q4_k(blocks: Bytes) -> Floats:
    """Scales and minima of 8 parts; 128 bytes of codes."""
    scales, minima = _scales_and_minima(blocks)
    codes = _nibbles_in_pairs(blocks[:, 16:])  # (n, 8, 32)
    return (codes * scales - minima).reshape(-1, 256)


def _q5_k(blocks: Bytes) -> Floats:
    """Scales and minima of 8 parts; 32 bytes of fifth bits, one bit of each for each part; 128 of codes."""
    scales, minima = _scales_and_minima(blocks)
    fifth = blocks[:, 16:48].reshape(-1, 1, 32) >> np.arange(8, dtype=np.uint8)[:, None] & 1  # (n, 8, 32)
    codes = _nibbles_in_pairs(blocks[:, 48:]) | fifth << 4  # (n, 8, 32)
    return (codes * scales - minima).reshape(-1, 256)


def _q6_k(blocks: Bytes) -> Floats:
    """Codes of 6 bits: 128 bytes of low halves, 64 bytes of upper two bits; 16 signed scales; a scale."""
    low = blocks[:, :128].reshape(-1, 2, 1, 64)  # (n, halves of the block, 1, 64)
    low = np.concatenate([low & 15, low >> 4], axis=2).reshape(-1, 2, 4, 32)  # (n, 2, 4, 32)
    upper = blocks[:, 128:192].reshape(-1, 2, 1, 32)  # (n, 2, 1, 32)
    high = upper >> np.array([0, 2, 4, 6], np.uint8)[:, None] & 3  # (n, 2, 4, 32)
    codes = (low | high << 4).astype(np.float32).reshape(-1, 16, 16) - 32  # (n, 16, 16)
    scales = _half(blocks[:, 208:]) * blocks[:, 192:208].view(np.int8)  # (n, 16)
    return (codes * scales[..., None]).reshape(-1, 256)


def _iq4_nl(blocks: Bytes) -> Floats:
    """A scale, 16 bytes of codes that mean the levels of UNEVEN."""
    return _half(blocks[:, :2]) * UNEVEN[_nibbles(blocks[:, 2:])]


def _iq4_xs(blocks: Bytes) -> Floats:
    """A scale; for 8 parts the upper two bits of their scales and the lower four; 128 bytes of such codes."""
    parts = np.arange(8)
    high = blocks[:, 2:4].view("<u2") >> 2 * parts.astype(np.uint16) & 3  # (n, 8)
    low = blocks[:, 4 + parts // 2] >> (4 * (parts % 2)).astype(np.uint8) & 15  # (n, 8)
    scales = _half(blocks[:, :2]) * ((low | high << 4).astype(np.float32) - 32)  # (n, 8)
    levels = UNEVEN[_nibbles(blocks[:, 8:].reshape(-1, 16))].reshape(-1, 8, 32)  # (n, 8, 32)
    return (scales[..., None] * levels).reshape(-1, 256)


READERS: dict[str, Callable[[Bytes], Floats]] = {
    "F32": _f32, "F16": _f16, "BF16": _bf16, "Q8_0": _q8_0,
    "Q4_0": _q4_0, "Q5_0": _q5_0, "Q5_1": _q5_1,
    "Q3_K": _q3_k, "Q4_K": _q4_k, "Q5_K": _q5_k, "Q6_K": _q6_k,
    "IQ4_NL": _iq4_nl, "IQ4_XS": _iq4_xs,
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


def _nibbles(codes: Bytes) -> Bytes:
    """(n, 16) bytes to (n, 32): the low halves are weights 0 to 15, the high ones 16 to 31."""
    return np.concatenate([codes & 15, codes >> 4], axis=1)


def _bits(packed: Bytes) -> Bytes:
    """(n, 4) bytes to (n, 32), lowest bit first."""
    return np.unpackbits(packed, axis=1, bitorder="little")


def _nibbles_in_pairs(codes: Bytes) -> Bytes:
    """(n, 128) bytes to (n, 8, 32): the low halves of 32 bytes are one part, the high ones the next."""
    pairs = codes.reshape(-1, 4, 32)
    return np.stack([pairs & 15, pairs >> 4], axis=2).reshape(-1, 8, 32)


def _scales_and_minima(blocks: Bytes) -> tuple[Floats, Floats]:
    """A scale, a minimum and 12 bytes of 6 bits for the parts to (n, 8, 1) each: Q4_K and Q5_K begin so."""
    low, middle, high = blocks[:, 4:8], blocks[:, 8:12], blocks[:, 12:16]  # (n, 4) each
    scales = np.concatenate([low & 63, (high & 15) | (low >> 6 << 4)], axis=1)  # (n, 8)
    minima = np.concatenate([middle & 63, (high >> 4) | (middle >> 6 << 4)], axis=1)  # (n, 8)
    return (_half(blocks[:, :2]) * scales)[..., None], (_half(blocks[:, 2:4]) * minima)[..., None]
