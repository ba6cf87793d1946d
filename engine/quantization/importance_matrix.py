"""An importance matrix: how strongly each input of each matrix is used, and the file it is kept in.

The file is the one llama.cpp's own tool reads and writes (GGUF with `general.type` imatrix): for every tensor
`<name>.in_sum2` (experts, row length), the sum of squared activations, and `<name>.counts` (experts,), how
many tokens went through. A matrix that another program made can be used here, and ours there.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import gguf
import numpy as np
from numpy.typing import NDArray

from engine.contract.errors import ModelDamaged

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
        part = path.with_name(path.name + ".part")
        writer = gguf.GGUFWriter(part, "")
        writer.add_type("imatrix")
        writer.add_array("imatrix.datasets", [self.dataset])
        writer.add_uint32("imatrix.chunk_count", self.num_chunks)
        writer.add_uint32("imatrix.chunk_size", self.chunk_length)
        for name in sorted(self.sums):
            writer.add_tensor(name + _SUMS, np.ascontiguousarray(self.sums[name]))
            writer.add_tensor(name + _COUNTS, np.ascontiguousarray(self.counts[name][:, None]))
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()
        part.replace(path)


def read_importance_matrix(path: Path) -> ImportanceMatrix:
    """Read a file of ours or of llama.cpp's tool; raises ModelDamaged where it is something else."""
    try:
        reader = gguf.GGUFReader(path)
        tensors = {tensor.name: np.array(tensor.data, dtype=np.float32) for tensor in reader.tensors}
        fields = {name: field.contents() for name, field in reader.fields.items()}
    except (OSError, ValueError, IndexError, KeyError) as error:
        raise ModelDamaged(str(path), f"it is no importance matrix ({error})") from error
    if fields.get("general.type") != "imatrix":
        raise ModelDamaged(str(path), "it is no importance matrix")
    names = [name.removesuffix(_SUMS) for name in tensors if name.endswith(_SUMS)]
    missing = [name for name in names if name + _COUNTS not in tensors]
    if missing:
        raise ModelDamaged(str(path), f"it has no counts for {missing[0]!r}")
    return ImportanceMatrix(
        sums={name: np.atleast_2d(tensors[name + _SUMS]) for name in names},
        counts={name: tensors[name + _COUNTS].reshape(-1) for name in names},
        num_chunks=int(fields.get("imatrix.chunk_count", 0)),
        chunk_length=int(fields.get("imatrix.chunk_size", 0)),
        dataset=", ".join(fields.get("imatrix.datasets", [])),
    )


def _mean_squares(sums: NDArray[np.float32], counts: NDArray[np.float32]) -> NDArray[np.float32]:
    means = sums / np.maximum(counts, 1)[:, None]
    return np.where(counts[:, None] > 0, means, 1.0).astype(np.float32)
