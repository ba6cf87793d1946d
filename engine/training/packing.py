"""Rows for training: documents one after the other, cut at the row's length."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.training.tokenizer import Encoded


@dataclass(frozen=True, slots=True)
class Rows:
    """Inputs, the targets one position later, and each target's weight; all (N, T)."""

    inputs: NDArray[np.int64]
    targets: NDArray[np.int64]
    weights: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.inputs)


def pack(documents: Iterable[Encoded], row_length: int) -> Rows:
    """All documents in rows of `row_length`; what does not fill the last row is left out."""
    token_ids: list[int] = []
    weights: list[float] = []
    for document in documents:
        token_ids += document.token_ids
        weights += document.weights
    num_rows = (len(token_ids) - 1) // row_length
    kept = num_rows * row_length
    stream = np.asarray(token_ids, dtype=np.int64)
    shape = (num_rows, row_length)
    return Rows(
        inputs=stream[:kept].reshape(shape),
        targets=stream[1 : kept + 1].reshape(shape),
        weights=np.asarray(weights[1 : kept + 1], dtype=np.float32).reshape(shape),
    )
