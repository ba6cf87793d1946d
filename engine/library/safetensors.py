"""Reading the header of a safetensors file: the list of its tensors, every number checked against the file.

Nothing here trusts the file, and nothing in it can be executed. Weights are never read.
Format: eight bytes of header length, little-endian; a JSON object; the tensors' bytes.
"""

import json
import struct
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

from engine.contract.errors import ModelDamaged, ModelNotFound, ModelUnsupported
from engine.library.gguf import Stream

MAX_HEADER_BYTES = 32 * 2**20  # 200,000 tensors; the reference implementation takes 100 MB
MAX_DIMENSIONS = 8
MAX_DIMENSION = 2**48
TYPE_BYTES = {
    "F64": 8, "F32": 4, "F16": 2, "BF16": 2, "F8_E4M3": 1, "F8_E5M2": 1,
    "I64": 8, "U64": 8, "I32": 4, "U32": 4, "I16": 2, "U16": 2, "I8": 1, "U8": 1, "BOOL": 1,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class TensorInfo:
    """One tensor as the header describes it."""

    name: str
    dtype: str  # a key of TYPE_BYTES
    shape: tuple[int, ...]
    start: int  # bytes from the start of the data section

    @property
    def num_values(self) -> int:
        """How many weights it holds."""
        return prod(self.shape)

    @property
    def size_bytes(self) -> int:
        """Bytes it takes in the file."""
        return self.num_values * TYPE_BYTES[self.dtype]


@dataclass(frozen=True, slots=True)
class SafetensorsHeader:
    """Everything a safetensors file says before its weights."""

    path: Path
    size_bytes: int
    data_start: int
    tensors: dict[str, TensorInfo]


def read_header(path: Path) -> SafetensorsHeader:
    """Read and check a file's header.

    Raises ModelNotFound, ModelDamaged (with what contradicts what) or ModelUnsupported.
    """
    try:
        with path.open("rb") as file:
            return read_stream(path, file, path.stat().st_size)
    except (FileNotFoundError, IsADirectoryError, PermissionError) as error:
        raise ModelNotFound(str(path)) from error
    except OSError as error:
        raise ModelDamaged(str(path), f"it cannot be read ({error.strerror})") from error


def read_stream(path: Path, stream: Stream, size_bytes: int) -> SafetensorsHeader:
    """The same of a file of `size_bytes` from its bytes; `path` is what errors call it."""
    length_field = stream.read(8)
    if len(length_field) < 8:
        raise ModelDamaged(str(path), "it is too short to be a safetensors file")
    length: int = struct.unpack("<Q", length_field)[0]
    if length > min(MAX_HEADER_BYTES, size_bytes - 8):
        raise ModelDamaged(str(path), f"it ends too early: its header would take {length} bytes")
    text = stream.read(length)
    data_start = 8 + length
    tensors = _tensors(path, text, size_bytes - data_start)
    return SafetensorsHeader(path, size_bytes, data_start, tensors)


def _tensors(path: Path, text: bytes, data_bytes: int) -> dict[str, TensorInfo]:
    def without_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len({name for name, _ in pairs}) != len(pairs):
            raise ValueError("a name stands in it twice")
        return dict(pairs)

    try:
        entries = json.loads(text, object_pairs_hook=without_twins)
    except (ValueError, RecursionError) as error:
        raise ModelDamaged(str(path), f"its header is no JSON ({error})") from error
    if not isinstance(entries, dict):
        raise ModelDamaged(str(path), "its header is not a list of tensors")
    entries.pop("__metadata__", None)
    tensors = {name: _tensor(path, name, entry, data_bytes) for name, entry in entries.items()}
    end = 0
    for tensor in sorted(tensors.values(), key=lambda tensor: (tensor.start, tensor.size_bytes)):
        if tensor.start < end:
            raise ModelDamaged(str(path), f"the tensor {tensor.name[:80]!r} overlaps another one")
        end = tensor.start + tensor.size_bytes
    return tensors


def _tensor(path: Path, name: str, entry: Any, data_bytes: int) -> TensorInfo:
    shown = name[:80]
    try:
        dtype, shape, (start, end) = entry["dtype"], tuple(entry["shape"]), entry["data_offsets"]
    except (TypeError, KeyError, ValueError) as error:
        raise ModelDamaged(str(path), f"the entry of the tensor {shown!r} is incomplete") from error
    if not isinstance(dtype, str) or dtype not in TYPE_BYTES:
        raise ModelUnsupported(str(path), f"the tensor {shown!r} has type {dtype!r:.20}, which is not known")
    numbers = (*shape, start, end)
    if len(shape) > MAX_DIMENSIONS or not all(type(n) is int and 0 <= n <= MAX_DIMENSION for n in numbers):
        raise ModelDamaged(str(path), f"the tensor {shown!r} has an impossible shape or place")
    tensor = TensorInfo(name, dtype, shape, start)
    if end > data_bytes:
        raise ModelDamaged(
            str(path),
            f"it ends too early: the data of the tensor {shown!r} end at byte {end}, there are {data_bytes}",
        )
    if end - start != tensor.size_bytes:
        raise ModelDamaged(
            str(path), f"the tensor {shown!r} has {end - start} bytes, its shape needs {tensor.size_bytes}"
        )
    return tensor
