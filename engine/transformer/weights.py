"""Reading the weights of a model: checked, converted to the model's type and put on its device.

One tensor at a time is mapped into memory and copied to where it stays; an expert goes straight to its place
among the others. So loading takes the model's own memory and one tensor more. Weights of linear layers are
quantized on the way where that is asked for; embeddings, norms, routers and MTP projections stay.
"""

from collections.abc import Callable, Collection, Sequence
from typing import Literal

import torch
from torch import Tensor

from engine.contract.errors import ModelDamaged
from engine.generation.backend import Cancelled, DecodeCancelled, Progress
from engine.transformer.linear import ExpertLinear, FloatExperts, FloatLinear, Linear
from engine.transformer.norm import RmsNorm
from engine.transformer.quantized_linear import (
    QuantizedExperts,
    QuantizedType,
    can_be_int4,
    quantize,
    quantized_linear,
    quantized_shapes,
)
from engine.transformer.quantized_store import QuantizedStore
from engine.transformer.tensor_source import TensorSource, check_shape

Precision = Literal["float", "int8", "int4"]
Parts = Sequence[tuple[str, int]]  # linear layers of one input: name and number of outputs


def never() -> bool:
    """Nobody cancels."""
    return False


def unheard(_fraction: float) -> None:
    """Nobody watches the progress."""


class Weights:
    """The tensors of a source by name, as the model wants them."""

    def __init__(
        self,
        source: TensorSource,
        *,
        dtype: torch.dtype,
        device: torch.device,
        expert_device: torch.device | None = None,
        quantize_to: QuantizedType | None = None,
        store: QuantizedStore | None = None,
        progress: Progress = unheard,
        cancelled: Cancelled = never,
    ) -> None:
        """`progress` gets the share of the weights' bytes read; `cancelled` is asked before every tensor."""
        self.dtype, self.device = dtype, device
        self._source, self._quantize_to, self._store = source, quantize_to, store
        self._progress, self._cancelled = progress, cancelled
        self._read_bytes = 0
        self.expert_device = expert_device or device

    @property
    def quantizes(self) -> bool:
        """Whether linear layers are quantized."""
        return self._quantize_to is not None

    def has(self, prefix: str) -> bool:
        """Whether any tensor's name begins so."""
        return any(name.startswith(prefix) for name in self._source.names())

    def tensor(self, name: str, *shape: int, dtype: torch.dtype | None = None) -> Tensor:
        """One tensor, of the model's type unless another is asked for."""
        self.check(name, *shape)
        destination = torch.empty(shape, dtype=dtype or self.dtype, device=self.device)
        self.copy(name, destination)
        return destination  # shape

    def embedding(self, name: str, *shape: int) -> Tensor:
        """The embedding matrix (V, C): of a quantized model in the type of the file where that is shorter."""
        self.check(name, *shape)
        kept = self._source.dtype(name)
        shorter = self._quantize_to is not None and kept is not None and kept.itemsize < self.dtype.itemsize
        return self.tensor(name, *shape, dtype=kept if shorter else None)  # (V, C)

    def copy(self, name: str, destination: Tensor) -> None:
        """Put a tensor where it stays.

        Raises ModelDamaged where it is missing, has another shape or holds values that are no numbers.
        """
        if self._cancelled():
            raise DecodeCancelled
        self.check(name, *destination.shape)
        self._source.copy(name, destination)
        if not _is_finite(destination):
            raise ModelDamaged(str(self._source.path), f"the tensor {name} holds values that are no numbers")
        self._count(name)

    def linear(
        self,
        name: str,
        num_outputs: int,
        num_inputs: int,
        *,
        bias: bool = False,
        at_least: Precision = "int4",
    ) -> Linear:
        """The linear layer of this name, in a quantized model with no fewer bits than `at_least`."""
        parts, biased = [(name, num_outputs)], [name] if bias else []
        return self.joined_linear(parts, num_inputs, biased=biased, at_least=at_least)

    def float_linear(self, name: str, num_outputs: int, num_inputs: int) -> FloatLinear:
        """The same, never quantized: its weights are looked into."""
        parts = [(name, num_outputs)]
        self._check_parts(parts, num_inputs)
        weight = self._empty(num_outputs, num_inputs)  # (out, in)
        self._fill(parts, weight)
        return FloatLinear(weight)

    def joined_linear(
        self,
        parts: Parts,
        num_inputs: int,
        *,
        biased: Collection[str] = (),
        at_least: Precision = "int4",
    ) -> Linear:
        """Several linear layers of one input as one: fewer, larger products. `biased` ones have a bias."""
        self._check_parts(parts, num_inputs)
        num_outputs = sum(outputs for _, outputs in parts)
        kind = None if at_least == "float" else self._kind(num_outputs, num_inputs, at_least)
        if kind is None:
            weight = self._empty(num_outputs, num_inputs)  # (out, in)
            self._fill(parts, weight)
            return FloatLinear(weight, self._biases(parts, biased))
        codes, scales = self._quantized(parts, num_outputs, num_inputs, kind)
        return quantized_linear(kind, codes, scales, self._biases(parts, biased))

    def _biases(self, parts: Parts, biased: Collection[str]) -> Tensor | None:
        num_outputs = sum(outputs for _, outputs in parts)
        biases = torch.zeros(num_outputs, dtype=self.dtype, device=self.device) if biased else None  # (out,)
        start = 0
        for name, outputs in parts:
            if biases is not None and name in biased:
                self.copy(f"{name}.bias", biases[start : start + outputs])
            start += outputs
        return biases

    def experts(self, parts_of: Callable[[int], Parts], num_experts: int, num_inputs: int) -> ExpertLinear:
        """The linear layers of all experts, `parts_of` an expert joined; one expert is in memory twice."""
        num_outputs = sum(outputs for _, outputs in parts_of(0))
        for expert in (0, num_experts - 1):  # before memory is taken
            self._check_parts(parts_of(expert), num_inputs)
        kind = self._kind(num_outputs, num_inputs)
        if kind is None:
            weight = self._empty(
                num_experts, num_outputs, num_inputs, device=self.expert_device
            )  # (E, out, in)
            for expert in range(num_experts):
                self._fill(parts_of(expert), weight[expert])
            return FloatExperts(weight)
        name, shapes = f"{parts_of(0)[0][0]}.all", quantized_shapes(kind, num_outputs, num_inputs)
        kept = self._kept(name, [((num_experts, *shape), dtype) for shape, dtype in shapes])
        if kept is not None:
            for expert in range(num_experts):
                self._skip(parts_of(expert))
            return QuantizedExperts(kind, *(values.to(self.expert_device) for values in kept))
        codes, scales = (torch.empty((num_experts, *shape), dtype=dtype) for shape, dtype in shapes)
        buffer = torch.empty(num_outputs, num_inputs)  # (out, in)
        for expert in range(num_experts):
            self._fill(parts_of(expert), buffer)
            codes[expert], scales[expert] = quantize(buffer, kind)
        self._keep(name, codes, scales)
        return QuantizedExperts(kind, codes.to(self.expert_device), scales.to(self.expert_device))

    def norm(self, name: str, size: int, eps: float) -> RmsNorm:
        """The RMSNorm of this name."""
        return RmsNorm(self.tensor(f"{name}.weight", size), eps)

    def check(self, name: str, *shape: int) -> None:
        """Raise ModelDamaged where a tensor is missing or has another shape."""
        check_shape(self._source, name, shape)

    def _kind(self, num_outputs: int, num_inputs: int, at_least: Precision = "int4") -> QuantizedType | None:
        if self._quantize_to is None:
            return None
        narrow = self._quantize_to == at_least == "int4" and can_be_int4(num_outputs, num_inputs)
        return "int4" if narrow else "int8"

    def _quantized(
        self, parts: Parts, num_outputs: int, num_inputs: int, kind: QuantizedType
    ) -> tuple[Tensor, Tensor]:
        """Codes and scales, from the disk or made now."""
        name = "+".join(part for part, _ in parts)
        kept = self._kept(name, quantized_shapes(kind, num_outputs, num_inputs))
        if kept is not None:
            self._skip(parts)
            return kept[0].to(self.device), kept[1].to(self.device)
        buffer = torch.empty(num_outputs, num_inputs)  # (out, in)
        self._fill(parts, buffer)
        codes, scales = quantize(buffer, kind)
        self._keep(name, codes, scales)
        return codes.to(self.device), scales.to(self.device)

    def _kept(
        self, name: str, shapes: Sequence[tuple[tuple[int, ...], torch.dtype]]
    ) -> tuple[Tensor, Tensor] | None:
        if self._store is None:
            return None
        found = [
            self._store.get(f"{name}.{part}", shape, dtype)
            for part, (shape, dtype) in zip(("codes", "scales"), shapes, strict=True)
        ]
        return None if found[0] is None or found[1] is None else (found[0], found[1])

    def _keep(self, name: str, codes: Tensor, scales: Tensor) -> None:
        if self._store is not None:
            self._store.put(f"{name}.codes", codes)
            self._store.put(f"{name}.scales", scales)

    def _check_parts(self, parts: Parts, num_inputs: int) -> None:
        for name, num_outputs in parts:
            self.check(f"{name}.weight", num_outputs, num_inputs)

    def _fill(self, parts: Parts, weight: Tensor) -> None:
        """Copy the parts into (out, in), one below the other."""
        start = 0
        for name, outputs in parts:
            self.copy(f"{name}.weight", weight[start : start + outputs])
            start += outputs

    def _empty(self, *shape: int, device: torch.device | None = None) -> Tensor:
        """Memory for weights (..., out, in), laid out (..., in, out).

        One token's product reads columns nearly twice as fast as rows (docs/benchmarks.md 2026-11-22).
        """
        *front, num_outputs, num_inputs = shape
        laid_out = torch.empty(
            *front, num_inputs, num_outputs, dtype=self.dtype, device=device or self.device
        )
        return laid_out.transpose(-1, -2)  # (..., out, in)

    def _skip(self, parts: Parts) -> None:
        if self._cancelled():
            raise DecodeCancelled
        for name, _ in parts:
            self._count(f"{name}.weight")

    def _count(self, name: str) -> None:
        self._read_bytes += self._source.tensor_bytes(name)
        self._progress(min(1.0, self._read_bytes / self._source.size_bytes))


def _is_finite(values: Tensor) -> bool:
    """Whether all are numbers: one pass without a copy, a second one only where the sum is none."""
    return bool(values.sum(dtype=torch.float32).isfinite()) or bool(values.isfinite().all())
