"""Reading the weights of a checkpoint: checked, converted to the model's type and put on its device.

One tensor at a time is mapped into memory and copied to where it stays; an expert goes straight to its place
among the others. So loading takes the model's own memory and one tensor more.
"""

from collections.abc import Collection, Sequence

import torch
from torch import Tensor

from engine.contract.errors import ModelDamaged, ModelUnsupported
from engine.generation.backend import Cancelled, DecodeCancelled, Progress
from engine.library.checkpoint import Checkpoint
from engine.transformer.fp8 import dequantize, scales_shape
from engine.transformer.linear import Linear
from engine.transformer.norm import RmsNorm
from engine.transformer.tensor_types import DTYPES, mapped_tensor

SCALE = "_scale_inv"


def never() -> bool:
    """Nobody cancels."""
    return False


def unheard(_fraction: float) -> None:
    """Nobody watches the progress."""


class Weights:
    """The tensors of a checkpoint by name, as the model wants them."""

    def __init__(
        self,
        checkpoint: Checkpoint,
        *,
        dtype: torch.dtype,
        device: torch.device,
        fp8_block: tuple[int, int] | None = None,
        progress: Progress = unheard,
        cancelled: Cancelled = never,
    ) -> None:
        """`progress` gets the share of the weights' bytes read; `cancelled` is asked before every tensor."""
        self.dtype, self.device = dtype, device
        self._checkpoint, self._fp8_block = checkpoint, fp8_block
        self._progress, self._cancelled = progress, cancelled
        self._read_bytes = 0
        self._all_bytes = sum(info.size_bytes for _, info in checkpoint.tensors.values())

    def has(self, prefix: str) -> bool:
        """Whether any tensor's name begins so."""
        return any(name.startswith(prefix) for name in self._checkpoint.tensors)

    def tensor(self, name: str, *shape: int, dtype: torch.dtype | None = None) -> Tensor:
        """One tensor, of the model's type unless another is asked for."""
        self.check(name, *shape)
        destination = torch.empty(shape, dtype=dtype or self.dtype, device=self.device)
        self.copy(name, destination)
        return destination  # shape

    def copy(self, name: str, destination: Tensor) -> None:
        """Put a tensor where it stays.

        Raises ModelDamaged where it is missing, has another shape or holds values that are no numbers.
        """
        if self._cancelled():
            raise DecodeCancelled
        path = str(self._checkpoint.folder)
        self.check(name, *destination.shape)
        header, info = self._checkpoint.tensors[name]
        if info.dtype not in DTYPES:
            raise ModelUnsupported(path, f"the tensor {name} has type {info.dtype}")
        values = mapped_tensor(header, info, DTYPES[info.dtype])
        if info.dtype == "F8_E4M3":
            self._dequantize(name, values, destination)
        else:
            _place(values, destination)
        if not _is_finite(destination):
            raise ModelDamaged(path, f"the tensor {name} holds values that are no numbers")
        self._read_bytes += info.size_bytes
        self._progress(min(1.0, self._read_bytes / self._all_bytes))

    def linear(self, name: str, num_outputs: int, num_inputs: int, *, bias: bool = False) -> Linear:
        """The linear layer of this name."""
        return self.joined_linear([(name, num_outputs)], num_inputs, biased=[name] if bias else [])

    def joined_linear(
        self, parts: Sequence[tuple[str, int]], num_inputs: int, *, biased: Collection[str] = ()
    ) -> Linear:
        """Several linear layers (name, outputs) of one input as one: fewer, larger products.

        Those named in `biased` have a bias.
        """
        for name, num_outputs in parts:  # before memory is taken
            self.check(f"{name}.weight", num_outputs, num_inputs)
        num_outputs = sum(outputs for _, outputs in parts)
        weight = self.empty_weight(num_outputs, num_inputs)  # (out, in)
        biases = torch.zeros(num_outputs, dtype=self.dtype, device=self.device) if biased else None  # (out,)
        start = 0
        for name, outputs in parts:
            self.copy(f"{name}.weight", weight[start : start + outputs])
            if biases is not None and name in biased:
                self.copy(f"{name}.bias", biases[start : start + outputs])
            start += outputs
        return Linear(weight, biases)

    def empty_weight(self, *shape: int) -> Tensor:
        """Memory for weights (..., out, in), laid out (..., in, out).

        One token's product reads columns nearly twice as fast as rows (docs/benchmarks.md 2026-11-22).
        """
        *front, num_outputs, num_inputs = shape
        laid_out = torch.empty(*front, num_inputs, num_outputs, dtype=self.dtype, device=self.device)
        return laid_out.transpose(-1, -2)  # (..., out, in)

    def norm(self, name: str, size: int, eps: float) -> RmsNorm:
        """The RMSNorm of this name."""
        return RmsNorm(self.tensor(f"{name}.weight", size), eps)

    def check(self, name: str, *shape: int) -> None:
        """Raise ModelDamaged where a tensor is missing or has another shape."""
        path = str(self._checkpoint.folder)
        if name not in self._checkpoint.tensors:
            raise ModelDamaged(path, f"the tensor {name} is missing")
        found = self._checkpoint.tensors[name][1].shape
        if found != shape:
            raise ModelDamaged(
                path, f"the tensor {name} has shape {list(found)}, its configuration needs {list(shape)}"
            )

    def _dequantize(self, name: str, codes: Tensor, destination: Tensor) -> None:
        path, scale_name = str(self._checkpoint.folder), name + SCALE
        if self._fp8_block is None or codes.ndim != 2:
            raise ModelUnsupported(
                path, f"the tensor {name} is FP8, but config.json has no weight_block_size"
            )
        self.check(scale_name, *scales_shape(codes.shape[0], codes.shape[1], self._fp8_block))
        header, info = self._checkpoint.tensors[scale_name]
        if info.dtype not in ("F32", "BF16", "F16"):
            raise ModelUnsupported(path, f"the tensor {scale_name} has type {info.dtype}")
        scales = mapped_tensor(header, info, DTYPES[info.dtype])  # (out / rows, in / columns)
        numbers = torch.empty(codes.shape, dtype=destination.dtype)  # (out, in)
        dequantize(codes, scales, self._fp8_block, numbers)
        _place(numbers, destination)


def _place(values: Tensor, destination: Tensor) -> None:
    """Copy, also into another type or device. Torch turns a matrix fast only into contiguous memory."""
    if destination.is_contiguous() or values.ndim != 2:
        destination.copy_(values)
    else:
        destination.T.copy_(values.to(destination.dtype).T.contiguous())


def _is_finite(values: Tensor) -> bool:
    """Whether all are numbers: one pass without a copy, a second one only where the sum is none."""
    return bool(values.sum(dtype=torch.float32).isfinite()) or bool(values.isfinite().all())
