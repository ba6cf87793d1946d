"""Reading the header of a GGUF file: metadata and the list of tensors, every number checked against the file.

Nothing here trusts the file: lengths are compared with what is left of it before anything is read, so a
hostile header costs no more time and memory than 64 MiB of one can. Weights are never read.
Format: ggml's docs/gguf.md, versions 2 and 3, little-endian.
"""

import struct
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import prod
from pathlib import Path
from typing import Protocol

from engine.contract.errors import ModelDamaged, ModelNotFound, ModelUnsupported
from engine.library.gguf_types import TENSOR_TYPES, TensorType
from engine.library.shards import part_paths

MAGIC = b"GGUF"
MAX_DIMENSIONS = 4
MAX_METADATA = 65_536
MAX_TENSORS = 100_000
MAX_HEADER_BYTES = 64 * 2**20  # a vocabulary of 250,000 words takes about 10 MiB
MAX_BLOCKS = 512  # llama.cpp's LLAMA_MAX_LAYERS; a larger count makes it abort
DEFAULT_ALIGNMENT = 32
KEPT_ARRAY_VALUES = 512  # longer arrays (vocabularies) are counted, not kept

MAX_STRINGS = 2_000_000  # in the arrays of a header, all together
_READ_BYTES = 256 * 2**10  # at a time
_LENGTH = struct.Struct("<Q")
_STRING, _ARRAY = 8, 9
_SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}

Scalar = str | int | float | bool


class Stream(Protocol):
    """Bytes that are read once, from the first one on: an open file, or an answer of the hub."""

    def read(self, length: int, /) -> bytes:
        """The next bytes, fewer only at the end."""


@dataclass(frozen=True, slots=True)
class ArrayValue:
    """An array of the metadata: how long it is, and its values where they are few."""

    length: int
    values: tuple[Scalar, ...]


MetadataValue = Scalar | ArrayValue


@dataclass(frozen=True, slots=True)
class TensorInfo:
    """One tensor as the header describes it."""

    name: str
    shape: tuple[int, ...]  # innermost dimension first, as in ggml
    type: TensorType
    offset: int  # bytes from the start of the data section

    @property
    def num_values(self) -> int:
        """How many weights it holds."""
        return prod(self.shape)

    @property
    def size_bytes(self) -> int:
        """Bytes it takes in the file."""
        return self.num_values // self.type.block_values * self.type.block_bytes


@dataclass(frozen=True, slots=True)
class GgufHeader:
    """Everything a GGUF file says before its weights."""

    path: Path
    version: int
    size_bytes: int
    metadata: dict[str, MetadataValue]
    tensors: tuple[TensorInfo, ...]
    header_bytes: int  # up to the end of the list of tensors, without padding
    parts: tuple["GgufHeader", ...] = ()  # of a model in several files, each with its own tensors

    @property
    def data_start(self) -> int:
        """The byte at which the data section begins; tensors' offsets count from here."""
        return -(-self.header_bytes // self.alignment) * self.alignment

    @property
    def alignment(self) -> int:
        """Every tensor starts at a multiple of this many bytes."""
        return self.number("general.alignment") or DEFAULT_ALIGNMENT

    @property
    def files(self) -> tuple["GgufHeader", ...]:
        """The header of every file of the model; itself where there is one."""
        return self.parts or (self,)

    @property
    def architecture(self) -> str:
        """The name that llama.cpp chooses its graph by."""
        return self.text("general.architecture")

    @property
    def parameters(self) -> int:
        """All weights of all tensors."""
        return sum(tensor.num_values for tensor in self.tensors)

    @property
    def main_type(self) -> str:
        """The type that most weights have."""
        counts: Counter[str] = Counter()
        for tensor in self.tensors:
            counts[tensor.type.name] += tensor.num_values
        return counts.most_common(1)[0][0] if counts else ""

    def text(self, key: str) -> str:
        """A string of the metadata, empty where it is absent or of another type."""
        value = self.metadata.get(key, "")
        return value if isinstance(value, str) else ""

    def number(self, key: str) -> int:
        """A whole number of the metadata, 0 where absent; of an array the largest value."""
        value = self.metadata.get(key, 0)
        if isinstance(value, ArrayValue):
            return max((v for v in value.values if isinstance(v, int)), default=0)
        return value if isinstance(value, int) else 0

    def hyperparameter(self, name: str) -> int:
        """A whole number stored under this architecture's own prefix."""
        return self.number(f"{self.architecture}.{name}")

    def length(self, key: str) -> int:
        """How long an array of the metadata is, 0 where it is absent."""
        value = self.metadata.get(key)
        return value.length if isinstance(value, ArrayValue) else 0


def read_header(path: Path, *, whole_arrays: bool = False) -> GgufHeader:
    """Read and check a file's header; of a model in several parts, those of all parts as one.

    With `whole_arrays` long arrays of the metadata, such as the vocabulary, are kept too.

    Raises ModelNotFound, ModelDamaged (with what contradicts what) or ModelUnsupported.
    """
    headers = [_read_file(path, whole_arrays)]
    num_parts = headers[0].number("split.count")
    if num_parts > 1:
        headers = _read_parts(path, num_parts, whole_arrays)
    return join_headers(headers)


def read_any_header(path: Path) -> GgufHeader:
    """The same of a GGUF file that need not be a model, such as an importance matrix."""
    return _read_file(path, whole_arrays=True)


def read_part(path: Path, stream: Stream, size_bytes: int) -> GgufHeader:
    """The header of one file of `size_bytes` from its bytes; `path` is what errors call it."""
    return _HeaderReader(path, stream, size_bytes, whole_arrays=False).read()


def join_headers(headers: Sequence[GgufHeader]) -> GgufHeader:
    """The first part's metadata with the tensors and the bytes of all parts, checked as a model's.

    Raises ModelDamaged, ModelUnsupported.
    """
    header = headers[0]
    if header.number("split.count") > 1:
        header = _joined(header.path, headers)
    _check_hyperparameters(header)
    return header


def _read_parts(path: Path, num_parts: int, whole_arrays: bool) -> list[GgufHeader]:
    paths = part_paths(path)
    if len(paths) != num_parts:
        raise ModelDamaged(str(path), f"it is one of {num_parts} parts, and its name does not say which")
    missing = [part.name for part in paths if not part.is_file()]
    if missing:
        raise ModelDamaged(str(path), f"its part {missing[0]} is missing")
    return [_read_file(part, whole_arrays) for part in paths]


def _joined(path: Path, headers: Sequence[GgufHeader]) -> GgufHeader:
    numbers = [header.number("split.no") for header in headers]
    if numbers != list(range(headers[0].number("split.count"))):
        raise ModelDamaged(str(path), "its parts are numbered otherwise than their names say")
    tensors = tuple(tensor for header in headers for tensor in header.tensors)
    if len({tensor.name for tensor in tensors}) != len(tensors):
        raise ModelDamaged(str(path), "two of its parts hold the same tensor")
    size_bytes = sum(header.size_bytes for header in headers)
    return replace(headers[0], tensors=tensors, size_bytes=size_bytes, parts=tuple(headers))


def _read_file(path: Path, whole_arrays: bool) -> GgufHeader:
    try:
        with path.open("rb") as file:
            size_bytes = path.stat().st_size
            return _HeaderReader(path, file, size_bytes, whole_arrays=whole_arrays).read()
    except (FileNotFoundError, IsADirectoryError, PermissionError) as error:
        raise ModelNotFound(str(path)) from error
    except OSError as error:
        raise ModelDamaged(str(path), f"it cannot be read ({error.strerror})") from error


class _HeaderReader:
    """A cursor over a file's beginning that refuses to go past its end."""

    def __init__(self, path: Path, file: Stream, size_bytes: int, *, whole_arrays: bool) -> None:
        self._path, self._file, self._size_bytes = path, file, size_bytes
        self._kept = size_bytes if whole_arrays else KEPT_ARRAY_VALUES
        self._read_bytes = 0
        self._num_strings = 0
        self._buffer, self._at = b"", 0  # what was read last, and how much of it is taken

    @property
    def _position(self) -> int:
        return self._read_bytes - len(self._buffer) + self._at

    def read(self) -> GgufHeader:
        version, num_tensors, num_metadata = self._read_preamble()
        metadata: dict[str, MetadataValue] = {}
        for _ in range(num_metadata):
            key = self._string()
            if key in metadata:
                raise self._damaged(f"the metadata holds {key[:80]!r} twice")
            metadata[key] = self._value(self._number("<I"))
        tensors = tuple(self._tensor_info() for _ in range(num_tensors))
        self._check_alignment(metadata.get("general.alignment", DEFAULT_ALIGNMENT))
        header_bytes = self._position
        header = GgufHeader(self._path, version, self._size_bytes, metadata, tensors, header_bytes)
        self._check_tensors(header)
        return header

    def _read_preamble(self) -> tuple[int, int, int]:
        magic = self._take(min(4, self._size_bytes))
        if magic != MAGIC:
            what = "it is empty" if not magic else "it does not begin like a GGUF file"
            raise self._damaged(what)
        version = self._number("<I")
        if version in (2 << 24, 3 << 24):
            raise ModelUnsupported(str(self._path), "it was written for a big-endian computer")
        if version > 100:
            raise self._damaged(f"its version field holds {version}")
        if version not in (2, 3):
            raise ModelUnsupported(str(self._path), f"it has GGUF version {version}; 2 and 3 are known")
        num_tensors, num_metadata = self._number("<Q"), self._number("<Q")
        if num_tensors > MAX_TENSORS or num_metadata > MAX_METADATA:
            raise self._damaged(f"it claims {num_tensors} tensors and {num_metadata} metadata entries")
        return version, num_tensors, num_metadata

    def _take(self, length: int) -> bytes:
        self._have(length)
        self._at += length
        return self._buffer[self._at - length : self._at]

    def _have(self, length: int) -> None:
        """Read on until this many bytes are there to be taken."""
        missing = length - (len(self._buffer) - self._at)
        if missing <= 0:
            return
        left = self._size_bytes - self._position
        if length > left:
            raise self._damaged(f"it ends too early: {length} bytes are announced, {left} are left")
        if self._position + length > MAX_HEADER_BYTES:
            raise self._damaged(f"its header is longer than {MAX_HEADER_BYTES >> 20} MiB")
        ahead = min(_READ_BYTES, MAX_HEADER_BYTES - self._read_bytes, self._size_bytes - self._read_bytes)
        data = self._file.read(max(missing, ahead))
        if len(data) < missing:
            raise self._damaged("it became shorter while it was read")
        self._read_bytes += len(data)
        self._buffer, self._at = self._buffer[self._at :] + data, 0

    def _number(self, layout: str) -> int:
        value: int = struct.unpack(layout, self._take(struct.calcsize(layout)))[0]
        return value

    def _string(self) -> str:
        return self._take(self._number("<Q")).decode("utf-8", errors="replace")

    def _value(self, value_type: int) -> MetadataValue:
        if value_type == _STRING:
            return self._string()
        if value_type == _ARRAY:
            return self._array()
        return self._scalars(value_type, 1)[0]

    def _array(self) -> ArrayValue:
        value_type, length = self._number("<I"), self._number("<Q")
        if value_type == _STRING:
            self._num_strings += length
            if self._num_strings > MAX_STRINGS:
                raise self._damaged(f"it announces an array of {length} strings")
            return ArrayValue(length, self._strings(length))
        values = self._scalars(value_type, length)
        return ArrayValue(length, tuple(values[: self._kept]))

    def _strings(self, length: int) -> tuple[str, ...]:
        """The first strings of an array; the rest is passed over as fast as it can be."""
        kept = tuple(self._string() for _ in range(min(length, self._kept)))
        unpack, buffer, at = _LENGTH.unpack_from, self._buffer, self._at
        for _ in range(length - len(kept)):
            if at + 8 > len(buffer):
                self._at = at
                self._have(8)
                buffer, at = self._buffer, self._at
            at += 8 + unpack(buffer, at)[0]
            if at > len(buffer):
                self._at = len(buffer)
                self._take(at - len(buffer))
                buffer, at = self._buffer, self._at
        self._at = at
        return kept

    def _scalars(self, value_type: int, length: int) -> tuple[Scalar, ...]:
        layout = _SCALARS.get(value_type)
        if layout is None:
            raise self._damaged(f"a metadata value has the unknown type {value_type}")
        data = self._take(struct.calcsize("<" + layout) * length)
        return struct.unpack(f"<{length}{layout}", data)

    def _tensor_info(self) -> TensorInfo:
        name, num_dimensions = self._string(), self._number("<I")
        if not 1 <= num_dimensions <= MAX_DIMENSIONS:
            raise self._damaged(f"the tensor {name[:80]!r} has {num_dimensions} dimensions")
        shape = struct.unpack(f"<{num_dimensions}Q", self._take(8 * num_dimensions))
        type_id, offset = self._number("<I"), self._number("<Q")
        if type_id not in TENSOR_TYPES:
            raise ModelUnsupported(
                str(self._path), f"the tensor {name[:80]!r} has type {type_id}, which is not known"
            )
        return TensorInfo(name, shape, TENSOR_TYPES[type_id], offset)

    def _check_alignment(self, alignment: MetadataValue) -> None:
        if not isinstance(alignment, int) or not 1 <= alignment <= 2**20 or alignment & (alignment - 1):
            raise self._damaged(f"its alignment is {alignment}")

    def _check_tensors(self, header: GgufHeader) -> None:
        names: set[str] = set()
        for tensor in header.tensors:
            if tensor.name in names:
                raise self._damaged(f"it holds the tensor {tensor.name[:80]!r} twice")
            names.add(tensor.name)
            if 0 in tensor.shape or tensor.shape[0] % tensor.type.block_values:
                raise self._damaged(f"the tensor {tensor.name[:80]!r} cannot have shape {tensor.shape}")
            end = header.data_start + tensor.offset + tensor.size_bytes
            if end > self._size_bytes:
                raise self._damaged(
                    f"it ends too early: the tensor {tensor.name[:80]!r} goes on to byte {end}, "
                    f"the file has {self._size_bytes}"
                )

    def _damaged(self, reason: str) -> ModelDamaged:
        return ModelDamaged(str(self._path), reason)


def _check_hyperparameters(header: GgufHeader) -> None:
    path = str(header.path)
    if not header.architecture:
        raise ModelDamaged(path, "it does not name its architecture")
    if header.text("general.type") not in ("", "model"):
        raise ModelUnsupported(path, f"it holds a {header.text('general.type')}, not a model")
    num_blocks = header.hyperparameter("block_count")
    if not 0 <= num_blocks <= MAX_BLOCKS:
        raise ModelDamaged(path, f"it claims {num_blocks} layers")
    if num_blocks and not header.tensors:
        raise ModelDamaged(path, "it holds no weights")
