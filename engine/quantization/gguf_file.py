"""Writing a GGUF file: metadata, then the list of tensors, then their bytes (ggml's docs/gguf.md, version 3).

One piece of a tensor at a time is in memory: sizes follow from shapes and types, so the list comes first.
"""

from __future__ import annotations

import io
import os
import struct
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

ALIGNMENT = 32
VALUES_AT_ONCE = 4 * 2**20
TYPE_NUMBERS = {"F32": 0, "F16": 1, "Q8_0": 8, "BF16": 30}
BLOCK = 32  # values that share a scale in Q8_0
Q8_0_BLOCK_BYTES = 2 + BLOCK

Array = NDArray[np.float32]
Scalar = str | bool | int | float
Value = Scalar | Sequence[str] | Sequence[int] | Sequence[float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tensor:
    """One tensor to be written; `read` gives its values when their turn comes, in pieces of whole rows."""

    name: str
    shape: tuple[int, ...]  # outermost dimension first, as in numpy
    type: str  # of TYPE_NUMBERS
    read: Callable[[], Iterable[Array]]

    @property
    def size_bytes(self) -> int:
        """Bytes in the file, without what aligns the next one."""
        count = int(np.prod(self.shape))
        if self.type == "Q8_0":
            return count // BLOCK * Q8_0_BLOCK_BYTES
        return {"F32": 4, "F16": 2, "BF16": 2}[self.type] * count


def write_gguf(
    path: Path,
    metadata: dict[str, Value],
    tensors: Sequence[Tensor],
    progress: Callable[[int, int], None] = lambda _done, _all: None,
) -> None:
    """Write the file whole or not at all; `progress` hears how many tensors of all are written.

    Raises OSError where it cannot be written.
    """
    part = path.with_name(path.name + ".part")
    try:
        with part.open("wb") as file:
            _write_list(file, metadata, tensors)
            for index, tensor in enumerate(tensors):
                for values in tensor.read():
                    for rows in in_parts(values):
                        file.write(encoded(rows, tensor.type))
                _pad(file)
                progress(index + 1, len(tensors))
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def in_parts(values: Array) -> Iterator[Array]:
    """The values a few million at a time, rows whole: encoding takes copies of what it encodes."""
    if values.ndim < 2 or not values.size:
        yield values
        return
    rows = max(1, VALUES_AT_ONCE // (values.size // len(values)))
    for start in range(0, len(values), rows):
        yield values[start : start + rows]


def file_bytes(metadata: dict[str, Value], tensors: Sequence[Tensor]) -> int:
    """The size of the file that `write_gguf` would write."""
    start = io.BytesIO()
    _write_list(start, metadata, tensors)
    return start.tell() + sum(_aligned(tensor.size_bytes) for tensor in tensors)


def _write_list(file: BinaryIO, metadata: dict[str, Value], tensors: Sequence[Tensor]) -> None:
    file.write(b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(metadata)))
    for key, value in metadata.items():
        file.write(_text(key) + _value(value))
    offset = 0
    for tensor in tensors:
        dimensions = tensor.shape[::-1]
        file.write(_text(tensor.name) + struct.pack("<I", len(dimensions)))
        file.write(struct.pack(f"<{len(dimensions)}Q", *dimensions))
        file.write(struct.pack("<IQ", TYPE_NUMBERS[tensor.type], offset))
        offset = _aligned(offset + tensor.size_bytes)
    _pad(file)


def encoded(values: Array, type_name: str) -> bytes:
    """The bytes of values in a type, each rounded to the nearest, ties to even."""
    if type_name == "Q8_0":
        return quantize_q8_0(values)
    if type_name == "BF16":
        bits = np.ascontiguousarray(values, np.float32).view(np.uint32)
        return ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16).astype("<u2").tobytes()
    return values.astype({"F32": "<f4", "F16": "<f2"}[type_name]).tobytes()


def quantize_q8_0(values: Array) -> bytes:
    """Blocks of 32 values: a scale in float16, then each value as a signed byte of it.

    As ggml's `quantize_row_q8_0_ref`: rounded half away from zero, by the scale before it is cut to float16.
    """
    blocks = values.astype(np.float32).reshape(-1, BLOCK)  # (N, 32)
    scales = np.abs(blocks).max(axis=1, keepdims=True) / np.float32(127)  # (N, 1)
    inverse = np.divide(1, scales, out=np.zeros_like(scales), where=scales != 0)
    scaled = blocks * inverse
    codes = (np.sign(scaled) * np.floor(np.abs(scaled) + np.float32(0.5))).astype(np.int8)
    return np.concatenate([scales.astype("<f2").view(np.int8), codes], axis=1).tobytes()


def _aligned(offset: int) -> int:
    return -(-offset // ALIGNMENT) * ALIGNMENT


def _pad(file: BinaryIO) -> None:
    position = file.tell()
    file.write(bytes(_aligned(position) - position))


def _text(text: str) -> bytes:
    data = text.encode()
    return struct.pack("<Q", len(data)) + data


def _value(value: Value) -> bytes:
    """A metadata value with the number of its type before it."""
    if isinstance(value, bool):
        return struct.pack("<I?", 7, value)
    if isinstance(value, int):
        return struct.pack("<II", 4, value)
    if isinstance(value, float):
        return struct.pack("<If", 6, value)
    if isinstance(value, str):
        return struct.pack("<I", 8) + _text(value)
    return struct.pack("<I", 9) + _array(value)


def _array(values: Iterable[str] | Iterable[int] | Iterable[float]) -> bytes:
    items = list(values)
    if not items or isinstance(items[0], str):
        return struct.pack("<IQ", 8, len(items)) + b"".join(_text(str(item)) for item in items)
    if isinstance(items[0], float):
        return struct.pack(f"<IQ{len(items)}f", 6, len(items), *items)
    return struct.pack(f"<IQ{len(items)}i", 5, len(items), *items)
