"""Making an importance matrix: a model reads a text, and squares of what goes into its matrices are summed.

The sums are those of llama.cpp's imatrix tool: over all tokens of every chunk, per expert for routed experts.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.backends.llama.native import load_native
from engine.quantization.activations import Product, ProductListener, check_layout
from engine.quantization.importance_matrix import ImportanceMatrix
from engine.quantization.scoring import CHUNK_LENGTH, ScoringModel

Progress = Callable[[int, int], None]  # chunks done, chunks in all


class _Sums:
    """Sums of squares (E, I) and counts (E,) by the name of the matrix."""

    def __init__(self) -> None:
        self.sums: dict[str, NDArray[np.float64]] = {}
        self.counts: dict[str, NDArray[np.float64]] = {}

    def add(self, product: Product) -> None:
        """Take one product."""
        shape = (product.num_matrices, product.inputs.shape[1])
        sums = self.sums.setdefault(product.name, np.zeros(shape))
        counts = self.counts.setdefault(product.name, np.zeros(product.num_matrices))
        for matrix in np.unique(product.matrices):
            rows = product.inputs[product.matrices == matrix].astype(np.float64)
            sums[matrix] += np.einsum("ri,ri->i", rows, rows)
            counts[matrix] += len(rows)


def make_importance_matrix(
    path: Path,
    text: str,
    *,
    dataset: str,
    chunk_length: int = CHUNK_LENGTH,
    max_chunks: int | None = None,
    progress: Progress = lambda _done, _all: None,
) -> ImportanceMatrix:
    """Read the text's whole chunks (at most `max_chunks`) with the model and sum what its matrices see.

    Raises ModelError, InvalidRequest for a text shorter than one chunk, EngineMissing where the library's
    tensors are laid out otherwise than expected.
    """
    library = load_native().library
    check_layout(library)
    found = _Sums()
    listener = ProductListener(library, found.add)
    with ScoringModel(path, chunk_length=chunk_length, listener=listener) as model:
        chunks = model.chunks_of(text)[:max_chunks]
        for index, chunk in enumerate(chunks):
            model.read(chunk)
            if listener.error is not None:
                raise listener.error
            progress(index + 1, len(chunks))
    return ImportanceMatrix(
        sums={name: sums.astype(np.float32) for name, sums in found.sums.items()},
        counts={name: counts.astype(np.float32) for name, counts in found.counts.items()},
        num_chunks=len(chunks),
        chunk_length=chunk_length,
        dataset=dataset,
    )
