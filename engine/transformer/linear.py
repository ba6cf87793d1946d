"""A matrix product with weights kept as floats; `quantized_linear` has the same with fewer bits."""

from dataclasses import dataclass
from typing import Protocol

from torch import Tensor

from engine.transformer.products import linear


class Linear(Protocol):
    """`x @ weight.T + bias`, however the weights are kept."""

    @property
    def num_outputs(self) -> int:
        """Values that come out per token."""
        ...

    def __call__(self, x: Tensor) -> Tensor:
        """(T, in) to (T, out), in the type of `x`."""
        ...


class ExpertLinear(Protocol):
    """One linear layer per expert, all of the same shape."""

    @property
    def num_experts(self) -> int:
        """How many there are."""
        ...

    def __getitem__(self, expert: int) -> Linear:
        """That of one expert; a view, nothing is copied."""
        ...


@dataclass(frozen=True, slots=True)
class FloatLinear:
    """Weights in the model's own type."""

    weight: Tensor  # (out, in)
    bias: Tensor | None = None  # (out,)

    @property
    def num_outputs(self) -> int:
        """Values that come out per token."""
        return int(self.weight.shape[0])

    def __call__(self, x: Tensor) -> Tensor:
        """(T, in) to (T, out)."""
        return linear(x, self.weight, self.bias)  # (T, out)


@dataclass(frozen=True, slots=True)
class FloatExperts:
    """The weights of all experts in the model's own type."""

    weight: Tensor  # (E, out, in)

    @property
    def num_experts(self) -> int:
        """How many there are."""
        return len(self.weight)

    def __getitem__(self, expert: int) -> FloatLinear:
        """That of one expert."""
        return FloatLinear(self.weight[expert])
