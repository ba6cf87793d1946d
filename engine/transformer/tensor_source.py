"""Where a model's weights come from: tensors by the names of published checkpoints, each copied when asked.

`CheckpointSource` reads folders of safetensors; `gguf_source` gives GGUF files the same face.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

import torch
from torch import Tensor

from engine.contract.errors import ModelDamaged, ModelUnsupported
from engine.library.checkpoint import CONFIG, Checkpoint
from engine.library.safetensors import SafetensorsHeader, TensorInfo
from engine.transformer.fp8 import dequantize, scales_shape
from engine.transformer.tensor_types import DTYPES, mapped_tensor

SCALE = "_scale_inv"


class TensorSource(Protocol):
    """The tensors of a model file."""

    @property
    def path(self) -> Path:
        """The file or folder, for messages."""
        ...

    @property
    def files(self) -> list[Path]:
        """Every file that the weights depend on."""
        ...

    @property
    def size_bytes(self) -> int:
        """Bytes of all tensors."""
        ...

    def names(self) -> Iterable[str]:
        """All tensors."""
        ...

    def shape(self, name: str) -> tuple[int, ...] | None:
        """A tensor's shape, outermost dimension first; None where there is none of this name."""
        ...

    def dtype(self, name: str) -> torch.dtype | None:
        """The float type a tensor is kept in; None where it has to be computed from another."""
        ...

    def tensor_bytes(self, name: str) -> int:
        """What a tensor takes in its file."""
        ...

    def copy(self, name: str, destination: Tensor) -> None:
        """Put a tensor where it stays, whose shape is right; raises ModelDamaged or ModelUnsupported."""
        ...


class CheckpointSource:
    """The tensors of a folder of safetensors; FP8 becomes floats on the way."""

    def __init__(self, checkpoint: Checkpoint, fp8_block: tuple[int, int] | None) -> None:
        self.path = checkpoint.folder
        self.files = [checkpoint.folder / CONFIG, *{h.path for h, _ in checkpoint.tensors.values()}]
        self.size_bytes = sum(info.size_bytes for _, info in checkpoint.tensors.values())
        self._tensors, self._fp8_block = checkpoint.tensors, fp8_block

    def names(self) -> Iterable[str]:
        """All tensors."""
        return self._tensors

    def shape(self, name: str) -> tuple[int, ...] | None:
        """A tensor's shape."""
        return self._tensors[name][1].shape if name in self._tensors else None

    def dtype(self, name: str) -> torch.dtype | None:
        """Its float type, None for FP8 and what is no float."""
        dtype = DTYPES.get(self._tensors[name][1].dtype)
        return None if dtype == torch.uint8 else dtype

    def tensor_bytes(self, name: str) -> int:
        """What a tensor takes in its file."""
        return self._tensors[name][1].size_bytes

    def copy(self, name: str, destination: Tensor) -> None:
        """Put a tensor where it stays."""
        header, info = self._tensors[name]
        if info.dtype not in DTYPES:
            raise ModelUnsupported(str(self.path), f"the tensor {name} has type {info.dtype}")
        values = mapped_tensor(header, info, DTYPES[info.dtype])
        if info.dtype == "F8_E4M3":
            values = self._numbers(name, values, destination.dtype)
        place(values, destination)

    def _numbers(self, name: str, codes: Tensor, dtype: torch.dtype) -> Tensor:
        """FP8 codes (out, in) and the scales of their blocks as numbers (out, in)."""
        scale_name = name + SCALE
        if self._fp8_block is None or codes.ndim != 2:
            raise ModelUnsupported(
                str(self.path), f"the tensor {name} is FP8, but config.json has no weight_block_size"
            )
        shape = scales_shape(codes.shape[0], codes.shape[1], self._fp8_block)
        header, info = self._scales(scale_name, shape)
        scales = mapped_tensor(header, info, DTYPES[info.dtype])  # (out / rows, in / columns)
        numbers = torch.empty(codes.shape, dtype=dtype)  # (out, in)
        dequantize(codes, scales, self._fp8_block, numbers)
        return numbers

    def _scales(self, name: str, shape: tuple[int, ...]) -> tuple[SafetensorsHeader, TensorInfo]:
        check_shape(self, name, shape)
        header, info = self._tensors[name]
        if info.dtype not in ("F32", "BF16", "F16"):
            raise ModelUnsupported(str(self.path), f"the tensor {name} has type {info.dtype}")
        return header, info


def check_shape(source: TensorSource, name: str, shape: tuple[int, ...]) -> None:
    """Raise ModelDamaged where a tensor is missing or has another shape."""
    found = source.shape(name)
    if found is None:
        raise ModelDamaged(str(source.path), f"the tensor {name} is missing")
    if found != shape:
        raise ModelDamaged(
            str(source.path),
            f"the tensor {name} has shape {list(found)}, its configuration needs {list(shape)}",
        )


def place(values: Tensor, destination: Tensor) -> None:
    """Copy, also into another type or device. Torch turns a matrix fast only into contiguous memory."""
    if destination.is_contiguous() or values.ndim != 2:
        destination.copy_(values)
    else:
        destination.T.copy_(values.to(destination.dtype).T.contiguous())
