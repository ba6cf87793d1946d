"""The tensors of a checkpoint as float32, one at a time: checked, FP8 turned into numbers on the way."""

import numpy as np

from engine.contract.errors import ModelDamaged, ModelUnsupported
from engine.library.checkpoint import Checkpoint
from engine.library.safetensors import SafetensorsHeader, TensorInfo
from engine.quantization.fp8_blocks import dequantize
from engine.quantization.gguf_file import Array

SCALE = "_scale_inv"  # after the name of an FP8 weight
FP8 = "F8_E4M3"
FLOATS = {"F64": "<f8", "F32": "<f4", "F16": "<f2"}


class CheckpointValues:
    """The tensors by name. Everything that headers tell is checked before the first weight is read."""

    def __init__(self, checkpoint: Checkpoint, fp8_block: tuple[int, int] | None) -> None:
        """`fp8_block` is how many rows and columns share a scale, None for a checkpoint without FP8."""
        self.path, self._tensors, self._fp8_block = str(checkpoint.folder), checkpoint.tensors, fp8_block
        self._checked: set[str] = set()

    def has(self, name: str) -> bool:
        """Whether there is a tensor of this name."""
        return name in self._tensors

    def check(self, name: str, shape: tuple[int, ...]) -> None:
        """Raise ModelDamaged where a tensor is missing or misshapen, ModelUnsupported for its type."""
        if name not in self._tensors:
            raise ModelDamaged(self.path, f"the tensor {name} is missing")
        info = self._tensors[name][1]
        if info.shape != shape:
            raise ModelDamaged(
                self.path,
                f"the tensor {name} has shape {list(info.shape)}, its configuration needs {list(shape)}",
            )
        self._checked.add(name)
        if info.dtype == FP8:
            self._check_scales(name, shape)
        elif info.dtype != "BF16" and info.dtype not in FLOATS:
            raise ModelUnsupported(self.path, f"the tensor {name} has type {info.dtype}")

    def unchecked(self) -> list[str]:
        """The tensors that nothing has asked for, in the order of their names."""
        return sorted(self._tensors.keys() - self._checked)

    def read(self, name: str) -> Array:
        """A tensor's values; raises ModelDamaged for values that are no numbers, with the tensor's name."""
        header, info = self._tensors[name]
        if info.dtype == FP8:
            assert self._fp8_block is not None
            codes = np.frombuffer(self._bytes(header, info), np.uint8).reshape(info.shape)
            values = dequantize(codes, self._floats(*self._tensors[name + SCALE]), self._fp8_block)
        else:
            values = self._floats(header, info)
        if not is_finite(values):
            raise ModelDamaged(
                self.path, f"the tensor {name} holds values that are no numbers (NaN or infinity)"
            )
        return values

    def _check_scales(self, name: str, shape: tuple[int, ...]) -> None:
        if self._fp8_block is None or len(shape) != 2:
            raise ModelUnsupported(
                self.path, f"the tensor {name} is FP8, but config.json has no weight_block_size"
            )
        rows, columns = self._fp8_block
        self.check(name + SCALE, (-(-shape[0] // rows), -(-shape[1] // columns)))
        if self._tensors[name + SCALE][1].dtype == FP8:
            raise ModelUnsupported(self.path, f"the tensor {name}{SCALE} has type {FP8}")

    def _floats(self, header: SafetensorsHeader, info: TensorInfo) -> Array:
        data = self._bytes(header, info)
        if info.dtype == "BF16":
            widened = np.frombuffer(data, dtype="<u2").astype(np.uint32) << 16
            return widened.view(np.float32).reshape(info.shape)
        stored = np.frombuffer(data, dtype=FLOATS[info.dtype])
        with np.errstate(over="ignore"):  # what is too large becomes infinite, and is refused as such
            return stored.astype(np.float32).reshape(info.shape)

    def _bytes(self, header: SafetensorsHeader, info: TensorInfo) -> bytes:
        with header.path.open("rb") as file:
            file.seek(header.data_start + info.start)
            data = file.read(info.size_bytes)
        if len(data) != info.size_bytes:
            raise ModelDamaged(str(header.path), "it became shorter while it was read")
        return data


def is_finite(values: Array) -> bool:
    """Whether all are numbers: one pass without a copy, a second one only where the sum is none."""
    with np.errstate(over="ignore", invalid="ignore"):
        return bool(np.isfinite(values.sum())) or bool(np.isfinite(values).all())
