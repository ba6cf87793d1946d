"""An importance matrix: how strongly each input of each matrix is used, and the file it is kept in.

The file is the one llama.cpp's own tool reads and writes (GGUF with `general.type` imatrix): for every tensor
`<name>.in_sum2` (experts, row length), the sum of squared activations, and `<name>.counts` (experts,), how
many tokens went through. A matrix that another program made can be used here, and ours there.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.contract.errors import ModelDamaged
from engine.library.gguf import ArrayValue, GgufHeader, TensorInfo, read_any_header
from engine.quantization.gguf_file import Tensor, Value, write_gguf

_TYPE = "imatrix"
_SUMS, _COUNTS = ".in_sum2", ".counts"


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportanceMatrix:
    """Sums and counts by tensor name, from which the mean squares follow."""

    sums: Mapping[str, NDArray[np.float32]]  # (E, I) each: experts (1 where there are none), inputs
    counts: Mapping[str, NDArray[np.float32]]  # (E,) each
    num_chunks: int
    chunk_length: int  # tokens
    dataset: str  # what was read, for people

    @property
    def values(self) -> dict[str, NDArray[np.float32]]:
        """Mean squared activations (E, I), as llama.cpp's quantize call takes them.

        An expert that no token reached gets ones: nothing is known of it, so its inputs count alike.
        """
        return {name: _mean_squares(sums, self.counts[name]) for name, sums in self.sums.items()}

    @property
    def unreached_experts(self) -> dict[str, int]:
        """How many experts of each tensor no token went through."""
        missing = {name: int((counts == 0).sum()) for name, counts in self.counts.items()}
        return {name: count for name, count in missing.items() if count}

    def write(self, path: Path) -> None:
        """Write the file, under its name only once it is whole."""
        metadata: dict[str, Value] = {
            "general.type": _TYPE,
            "imatrix.datasets": [self.dataset],
            "imatrix.chunk_count": self.num_chunks,
            "imatrix.chunk_size": self.chunk_length,
        }
        tensors = []
        for name in sorted(self.sums):
            tensors.append(_f32(name + _SUMS, self.sums[name]))
            tensors.append(_f32(name + _COUNTS, self.counts[name][:, None]))
        write_gguf(path, metadata, tensors)


def read_importance_matrix(path: Path) -> ImportanceMatrix:
    """Read a file of ours or of llama.cpp's tool; raises ModelDamaged where it is something else."""
    try:
        header = read_any_header(path)
    except ModelDamaged as error:
        raise ModelDamaged(str(path), f"it is no importance matrix ({error.details['reason']})") from error
    if header.text("general.type") != _TYPE:
        raise ModelDamaged(str(path), "it is no importance matrix")
    tensors = {tensor.name: _values(header, tensor) for tensor in header.tensors}
    names = [name.removesuffix(_SUMS) for name in tensors if name.endswith(_SUMS)]
    datasets = header.metadata.get("imatrix.datasets")
    missing = [name for name in names if name + _COUNTS not in tensors]
    if missing:
        raise ModelDamaged(str(path), f"it has no counts for {missing[0]!r}")
    return ImportanceMatrix(
        sums={name: np.atleast_2d(tensors[name + _SUMS]) for name in names},
        counts={name: tensors[name + _COUNTS].reshape(-1) for name in names},
        num_chunks=header.number("imatrix.chunk_count"),
        chunk_length=header.number("imatrix.chunk_size"),
        dataset=", ".join(map(str, datasets.values)) if isinstance(datasets, ArrayValue) else "",
    )


def _f32(name: str, values: NDArray[np.float32]) -> Tensor:
    return Tensor(name=name, shape=values.shape, type="F32", read=lambda: [values])


def _values(header: GgufHeader, tensor: TensorInfo) -> NDArray[np.float32]:
    """A tensor's values, outermost dimension first."""
    if tensor.type.name != "F32":
        raise ModelDamaged(
            str(header.path), f"it is no importance matrix: {tensor.name!r} is {tensor.type.name}"
        )
    offset = header.data_start + tensor.offset
    return np.fromfile(header.path, "<f4", tensor.num_values, offset=offset).reshape(tensor.shape[::-1])


def _mean_squares(sums: NDArray[np.float32], counts: NDArray[np.float32]) -> NDArray[np.float32]:
    means = sums / np.maximum(counts, 1)[:, None]
    return np.where(counts[:, None] > 0, means, 1.0).astype(np.float32)
