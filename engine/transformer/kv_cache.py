"""What a model remembers of the positions it has computed: one row of values per position and layer.

What is in a row is the attention's business (`attention`: a key and a value per group, `mla`: one latent).
Rows are found by position, so a rollback is setting the length. Saved as a safetensors file.
"""

import json
import os
import struct
from pathlib import Path

import torch
from torch import Tensor

from engine.contract.errors import ModelDamaged
from engine.library.safetensors import read_header
from engine.transformer.tensor_types import DTYPE_NAMES, DTYPES, mapped_tensor

FIRST_CAPACITY = 256  # positions; doubled as they fill, so that a short conversation takes little


class KvCache:
    """The rows of all layers. `length` positions of them are valid."""

    def __init__(
        self, *, num_layers: int, row_width: int, max_length: int, dtype: torch.dtype, device: torch.device
    ) -> None:
        """Room for FIRST_CAPACITY positions at once, for `max_length` at the most."""
        self.max_length = max_length
        self.length = 0
        self.expert_counts: Tensor | None = (
            None  # (layers, E) int64, how often each was chosen; None: uncounted
        )
        capacity = min(FIRST_CAPACITY, max_length)
        self._rows: list[Tensor] = [  # (capacity, W) per layer
            torch.empty(capacity, row_width, dtype=dtype, device=device) for _ in range(num_layers)
        ]

    @property
    def capacity(self) -> int:
        """Positions for which there is memory now."""
        return len(self._rows[0]) if self._rows else self.max_length

    @property
    def bytes_per_token(self) -> int:
        """What one position takes over all layers."""
        return sum(rows.shape[1] * rows.element_size() for rows in self._rows)

    @property
    def size_bytes(self) -> int:
        """What is allocated now."""
        return sum(rows.untyped_storage().nbytes() for rows in self._rows)

    def reserve(self, length: int) -> None:
        """Make room for positions below `length`, layer by layer: two copies of one layer at the most."""
        if length > self.max_length:
            raise ValueError(f"{length} positions asked for, the KV cache holds at most {self.max_length}")
        if length <= self.capacity:
            return
        capacity = min(self.max_length, max(length, 2 * self.capacity))
        for layer, old in enumerate(self._rows):
            rows = old.new_empty(capacity, old.shape[1])  # (capacity, W)
            rows[: self.length] = old[: self.length]
            self._rows[layer] = rows

    def write(self, layer: int, position: int, rows: Tensor) -> Tensor:
        """Store the rows (T, W) of positions from `position` on; returns all rows up to them, (S, W)."""
        end = position + len(rows)
        self._rows[layer][position:end] = rows
        return self._rows[layer][:end]  # (S, W)

    def truncate(self, length: int) -> None:
        """Forget every position from `length` on."""
        self.length = min(self.length, length)

    def copy_from(self, other: "KvCache", length: int) -> None:
        """Hold the first `length` positions of another cache of the same model."""
        self.length = 0
        self.reserve(length)
        for mine, theirs in zip(self._rows, other._rows, strict=True):
            mine[:length] = theirs[:length]
        self.length = length

    def to_bytes(self) -> bytes:
        """The valid rows, layer by layer."""
        layers = (rows[: self.length].cpu().contiguous().view(torch.uint8) for rows in self._rows)
        return b"".join(layer.numpy().tobytes() for layer in layers)

    def take_bytes(self, data: bytes) -> None:
        """Hold what `to_bytes` gave."""
        length = len(data) // self.bytes_per_token
        self.length = 0
        self.reserve(length)
        start = 0
        for rows in self._rows:
            end = start + length * rows.shape[1] * rows.element_size()
            values = torch.frombuffer(bytearray(data[start:end]), dtype=torch.uint8)
            rows[:length] = values.view(rows.dtype).view(length, rows.shape[1])  # (length, W)
            start = end
        self.length = length

    def save(self, path: Path) -> None:
        """Write the valid rows to a file, which is complete or not there."""
        header: dict[str, object] = {"__metadata__": {"length": str(self.length)}}
        end = 0
        for layer, rows in enumerate(self._rows):
            start, end = end, end + self.length * rows.shape[1] * rows.element_size()
            shape = [self.length, rows.shape[1]]
            header[f"rows.{layer}"] = {
                "dtype": DTYPE_NAMES[rows.dtype], "shape": shape, "data_offsets": [start, end]
            }  # fmt: skip
        text = json.dumps(header).encode()
        part = path.with_name(path.name + ".part")
        with part.open("wb") as file:
            file.write(struct.pack("<Q", len(text)) + text)
            for rows in self._rows:
                values = rows[: self.length].cpu().contiguous()  # (length, W)
                file.write(values.view(torch.uint8).numpy().data)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)

    def restore(self, path: Path) -> None:
        """Take the rows of a file that `save` wrote; raises ModelDamaged where it is of another model."""
        header = read_header(path)
        infos = [header.tensors.get(f"rows.{layer}") for layer in range(len(self._rows))]
        length = infos[0].shape[0] if infos and infos[0] else 0
        for rows, info in zip(self._rows, infos, strict=True):
            shape, dtype = (length, rows.shape[1]), DTYPE_NAMES[rows.dtype]
            if info is None or (info.shape, info.dtype) != (shape, dtype) or length > self.max_length:
                raise ModelDamaged(str(path), "it holds the KV cache of another model")
        self.length = 0
        self.reserve(length)
        for rows, info in zip(self._rows, infos, strict=True):
            assert info is not None
            if length:
                rows[:length] = mapped_tensor(header, info, DTYPES[info.dtype])  # (length, W)
        self.length = length
