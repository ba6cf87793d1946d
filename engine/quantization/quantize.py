"""Quantizing a GGUF file with llama.cpp, and knowing beforehand what that gives.

`plan` runs llama.cpp's own decisions without computing: each tensor's real type, which is not always the one
asked for, since a row whose length a type's block does not divide falls back to another type.
`quantize` writes beside the target, checks the result and renames it: a call that is killed leaves a `.part`
file and nothing else. The C call has neither progress nor cancel: the first is read off its log, the second
is the end of the process that runs it.
"""

import contextlib
import ctypes
import math
import os
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.backends.llama.native import Native, load_native
from engine.contract.errors import InternalError, InvalidRequest, ModelDamaged, StorageFailed
from engine.contract.jobs import PlannedTensor
from engine.library.gguf import GgufHeader, TensorInfo, read_any_header, read_header
from engine.library.tensor_parts import Part, parts_of
from engine.quantization.file_types import TENSOR_TYPE_NUMBERS, tensor_type
from engine.quantization.importance_matrix import ImportanceMatrix
from engine.quantization.recipe import Recipe

TensorProgress = Callable[[int, int], None]  # tensors done, tensors in all

_TENSOR_LINE = re.compile(r"\[\s*(\d+)/\s*(\d+)\]\s+(\S+)\s")
_NEW_TYPE = re.compile(r"->.*\((\w+)\)")
_KEY_BYTES = 8 + 4  # of a line of the metadata, besides key and value: the key's length, the value's type
_ADDED_KEYS = ("general.quantization_version", "general.file_type")  # where the source has none; 4 bytes each
_SPLIT_KEYS = {"split.no": 2, "split.count": 2, "split.tensors.count": 4}  # bytes of their values


@dataclass(frozen=True, slots=True)
class QuantizationPlan:
    """What a recipe makes of a model, before anything is computed."""

    tensors: tuple[PlannedTensor, ...]
    size_bytes: int  # of the file that will be written, exactly
    needs_importance: bool  # llama.cpp will refuse without an importance matrix

    @property
    def bits_per_weight(self) -> float:
        """Over all weights, metadata left out."""
        weights = sum(_num_values(tensor.shape) for tensor in self.tensors)
        return 8 * sum(tensor.size_bytes for tensor in self.tensors) / weights if weights else 0.0

    @property
    def fallen_back(self) -> tuple[PlannedTensor, ...]:
        """The tensors that get another type than was asked for."""
        return tuple(tensor for tensor in self.tensors if tensor.fell_back)


def plan(source: Path, recipe: Recipe) -> QuantizationPlan:
    """What `quantize` would write, from llama.cpp's dry run; takes well under a second, reads no weights.

    Raises ModelError for a source that cannot be read, InvalidRequest for a recipe that llama.cpp refuses.
    """
    header = read_header(source)
    heard: list[str] = []
    # the target of a dry run is never opened; a name of its own keeps llama.cpp from refusing
    _run(header, source.with_name(source.name + ".dry-run"), recipe, heard.append, dry_run=True)
    log = "".join(heard)
    types = _types_in_log(log)
    wanted = recipe.overrides(header.tensors)
    parts = parts_of(header.tensors)
    tensors = tuple(_planned(tensor, parts[tensor.name], types, wanted, recipe) for tensor in header.tensors)
    size_bytes = _file_size(header, tensors)
    return QuantizationPlan(tensors, size_bytes, needs_importance="will require an imatrix" in log)


def quantize(
    source: Path,
    target: Path,
    recipe: Recipe,
    *,
    importance: ImportanceMatrix | None = None,
    threads: int = 0,
    progress: TensorProgress = lambda _done, _all: None,
) -> GgufHeader:
    """Write `source` quantized to `target` and return the header of what was written.

    Raises InvalidRequest where target and source are one file or the recipe cannot be followed, ModelError
    for a source that cannot be read, StorageFailed where the disk is full or read-only.
    """
    refuse_same_file(source, target)
    header = read_header(source)
    part = target.with_name(target.name + ".part")
    part.unlink(missing_ok=True)

    def watch(piece: str) -> None:
        if match := _TENSOR_LINE.search(piece):
            progress(int(match[1]) - 1, int(match[2]))

    try:
        _run(header, part, recipe, watch, importance=importance, threads=threads)
        written = _checked(header, part)
        _publish(part, target)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    progress(len(header.tensors), len(header.tensors))
    return read_header(target) if written.path != target else written


def refuse_same_file(source: Path, target: Path) -> None:
    """Raise InvalidRequest where both names lead to one file: links and other cases of letters included."""
    part = target.with_name(target.name + ".part")
    for name in (target, part):
        with contextlib.suppress(FileNotFoundError):
            if source.samefile(name):
                raise InvalidRequest(f"{name} is the source itself; the result needs a file of its own")


def _run(
    header: GgufHeader,
    target: Path,
    recipe: Recipe,
    hear: Callable[[str], None],
    *,
    importance: ImportanceMatrix | None = None,
    threads: int = 0,
    dry_run: bool = False,
) -> None:
    native = load_native()
    library = native.library
    params = library.llama_model_quantize_default_params()
    params.ftype = recipe.file_type.number
    params.allow_requantize = True
    params.dry_run = dry_run
    params.nthread = threads
    overrides = _override_array(library, recipe.overrides(header.tensors))
    params.tt_overrides = overrides
    kept = _importance_array(library, _with_mtp(importance, header)) if importance is not None else None
    if kept is not None:
        params.imatrix = kept[0]
    native.log.clear()
    with native.log.heard_by(hear):
        failed = library.llama_model_quantize(
            os.fsencode(header.path), os.fsencode(target), ctypes.byref(params)
        )
    if failed:
        raise _failure(native, header, target)


def _failure(native: Native, header: GgufHeader, target: Path) -> Exception:
    reason = native.log.last_reason()
    if "imatrix" in reason or "importance matrix" in reason:
        return InvalidRequest("this type needs an importance matrix: make one first, or take a larger type")
    if "no tensor type fallback" in reason:
        return InvalidRequest("this type takes only rows whose length its blocks divide; choose another")
    if not os.access(target.parent, os.W_OK):
        return StorageFailed(str(target), "the folder cannot be written to")
    if "ios" in reason:  # only what is written goes through C++ streams, and they say no more than this
        return StorageFailed(str(target), "it could not be written to its end; the disk may be full")
    return ModelDamaged(str(header.path), reason or "llama.cpp cannot quantize it")


def _override_array(library: Any, types: Mapping[str, str]) -> Any:
    """One anchored pattern per tensor, closed by an entry without a pattern."""
    array = (library.llama_model_tensor_override * (len(types) + 1))()
    for entry, (name, kind) in zip(array, types.items(), strict=False):
        entry.pattern = f"^{re.escape(name)}$".encode()
        entry.type = TENSOR_TYPE_NUMBERS[kind]
    return array


def _with_mtp(matrix: ImportanceMatrix, header: GgufHeader) -> dict[str, NDArray[np.float32]]:
    """The matrix's values, and ones for the MTP head: it does not run while a matrix is made."""
    values = dict(matrix.values)
    parts = parts_of(header.tensors)
    for tensor in header.tensors:
        if parts[tensor.name] == Part.MTP and tensor.name not in values and len(tensor.shape) > 1:
            values[tensor.name] = np.ones(tensor.shape[0] * math.prod(tensor.shape[2:]), np.float32)
    return values


def _importance_array(library: Any, matrix: Mapping[str, NDArray[np.float32]]) -> tuple[Any, list[Any]]:
    """The entries of an importance matrix, closed by one without a name, and what must outlive the call."""
    array = (library.llama_model_imatrix_data * (len(matrix) + 1))()
    kept = []
    for entry, (name, values) in zip(array, matrix.items(), strict=False):
        flat = values.reshape(-1)
        kept.append(flat)
        entry.name = name.encode()
        entry.data = flat.ctypes.data_as(ctypes.POINTER(ctypes.c_float))
        entry.size = flat.size
    return array, kept


def _types_in_log(log: str) -> dict[str, str]:
    """The types that llama.cpp says it gives, by tensor name; tensors it leaves as they are have none."""
    types = {}
    starts = [*_TENSOR_LINE.finditer(log)]
    for start, following in zip(starts, [*(s.start() for s in starts[1:]), len(log)], strict=True):
        line_end = log.find("\n", start.end(), following)
        line = log[start.end() : line_end if line_end >= 0 else following]
        if match := _NEW_TYPE.search(line):
            types[start[3]] = match[1].upper()
    return types


def _planned(
    tensor: TensorInfo, part: Part, types: Mapping[str, str], wanted: Mapping[str, str], recipe: Recipe
) -> PlannedTensor:
    new_type = types.get(tensor.name, tensor.type.name)
    kind = tensor_type(new_type)
    asked = wanted.get(tensor.name, recipe.file_type.main)
    # a base type is a mixture: only a row that its main type cannot take has fallen back
    is_divided = tensor.shape[0] % tensor_type(asked).block_values == 0
    changed = tensor.name in types and (not is_divided or tensor.name in wanted)
    size_bytes = _num_values(tensor.shape) // kind.block_values * kind.block_bytes
    return PlannedTensor(
        name=tensor.name,
        part=part,
        shape=tensor.shape,
        old_type=tensor.type.name,
        new_type=new_type,
        wanted_type=asked if changed else new_type,
        size_bytes=size_bytes,
    )


def _file_size(header: GgufHeader, tensors: tuple[PlannedTensor, ...]) -> int:
    """The bytes of the file: metadata with the keys that quantizing adds, and every tensor padded.

    A source in several parts becomes one file: the list of tensors grows, what told of the parts goes.
    """
    first = read_any_header(header.path)
    metadata = first.header_bytes - _entries_bytes(first.tensors) + _entries_bytes(header.tensors)
    metadata += sum(_KEY_BYTES + len(key) + 4 for key in _ADDED_KEYS if key not in header.metadata)
    metadata -= sum(_KEY_BYTES + len(key) + n for key, n in _SPLIT_KEYS.items() if key in header.metadata)
    sizes = (metadata, *(tensor.size_bytes for tensor in tensors))
    return sum(-(-size // header.alignment) * header.alignment for size in sizes)


def _entries_bytes(tensors: Iterable[TensorInfo]) -> int:
    """What a file's list of tensors takes: for each its name, dimensions, type and offset."""
    return sum(8 + len(t.name.encode()) + 4 + 8 * len(t.shape) + 4 + 8 for t in tensors)


def _checked(source: GgufHeader, part: Path) -> GgufHeader:
    """The header of what was written; every tensor must be there in its old shape."""
    written = read_header(part)
    if {t.name: t.shape for t in written.tensors} != {t.name: t.shape for t in source.tensors}:
        raise InternalError(f"{part} does not hold the tensors of {source.path}")
    return written


def _publish(part: Path, target: Path) -> None:
    """Make the bytes safe, then give them their name."""
    with part.open("rb") as file:
        os.fsync(file.fileno())
    part.replace(target)


def _num_values(shape: tuple[int, ...]) -> int:
    count = 1
    for size in shape:
        count *= size
    return count
