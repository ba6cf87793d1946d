"""Linear layers whose weights are kept in 8 or 4 bits and become floats only inside a product.

int8: one scale per output, `weight = code * scale`. int4: groups of 32 inputs with a scale and a middle,
`weight = (code - 8) * scale + middle`. Both run on torch's own kernels for CPUs, which want activations in
bfloat16: with float32 they fall into a path 10 to 40 times slower. Scales are rounded to bfloat16 before the
codes are chosen, so that rounding them costs nothing.

A row's result does not depend on how many rows are computed with it: bit-equal for 1 to 8 rows and seven
shapes (AVX-512, torch 2.13; tests/transformer/test_quantized_linear.py asks again). So the verification of
drafts computes the products that plain decoding would.
"""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from engine.transformer.linear import Linear
from engine.transformer.products import linear, product_speeds

QuantizedType = Literal["int8", "int4"]

GROUP_SIZE = 32
INT8_MOST, INT4_MIDDLE, INT4_MOST = 127, 8, 15
INT8_INPUTS = 32  # with a number of inputs that this does not divide the int8 kernel reads past the weights
KERNEL_ROWS = 8  # with more rows int8 codes are turned into floats for a product of floats
VALUES_AT_ONCE = 2**22  # of those floats


def can_be_int4(num_outputs: int, num_inputs: int) -> bool:
    """Whether the kernel takes a weight of this shape; others become int8."""
    return num_outputs % 16 == 0 and num_inputs % GROUP_SIZE == 0


@dataclass(frozen=True, slots=True)
class Int8Linear:
    """8 bits per weight and a scale per output."""

    codes: Tensor  # (out, in) int8
    scales: Tensor  # (out,) bfloat16
    bias: Tensor | None = None  # (out,)

    @property
    def num_outputs(self) -> int:
        """Values that come out per token."""
        return int(self.codes.shape[0])

    def __call__(self, x: Tensor) -> Tensor:
        """(T, in) to (T, out)."""
        fits = self.codes.shape[1] % INT8_INPUTS == 0
        if fits and len(x) <= KERNEL_ROWS and x.device.type == "cpu":
            narrow = x.to(torch.bfloat16)  # (T, in)
            product = torch._weight_int8pack_mm(narrow, self.codes, self.scales).to(x.dtype)  # (T, out)
        else:
            product = self._product_of_floats(x)  # (T, out)
        return product if self.bias is None else product + self.bias

    def _product_of_floats(self, x: Tensor) -> Tensor:
        """The same for many rows: the codes as floats, some rows of the weight at a time."""
        kind = x.dtype
        if x.device.type == "cpu" and product_speeds().prefers_bfloat16:
            kind = torch.bfloat16
        narrow, num_inputs = x.to(kind), self.codes.shape[1]  # (T, in)
        product = x.new_empty(len(x), self.num_outputs)  # (T, out)
        rows = max(1, VALUES_AT_ONCE // num_inputs)
        for start in range(0, self.num_outputs, rows):
            codes = self.codes[start : start + rows].to(kind)  # (rows, in), exact in bfloat16 too
            product[:, start : start + rows] = linear(narrow, codes)
        return product.mul_(self.scales.to(x.dtype))  # (T, out)


@dataclass(frozen=True, slots=True)
class Int4Linear:
    """4 bits per weight, a scale and a middle per group: 5 bits in all. CPUs only."""

    codes: Tensor  # (out, in / 2) uint8, two codes each, in the order the kernel of this CPU wants
    groups: Tensor  # (in / 32, out, 2) bfloat16: scale and middle
    bias: Tensor | None = None  # (out,)

    @property
    def num_outputs(self) -> int:
        """Values that come out per token."""
        return int(self.codes.shape[0])

    def __call__(self, x: Tensor) -> Tensor:
        """(T, in) to (T, out)."""
        narrow = x.to(torch.bfloat16)  # (T, in)
        product: Tensor = torch.ops.aten._weight_int4pack_mm_for_cpu(
            narrow, self.codes, GROUP_SIZE, self.groups
        ).to(x.dtype)  # (T, out)
        return product if self.bias is None else product + self.bias


QuantizedTensors = tuple[Tensor, Tensor]  # codes with their scales or groups


@dataclass(frozen=True, slots=True)
class QuantizedExperts:
    """One quantized linear layer per expert."""

    kind: QuantizedType
    codes: Tensor  # (E, ...), of each expert as in Int8Linear or Int4Linear
    scales: Tensor  # (E, ...)

    @property
    def num_experts(self) -> int:
        """How many there are."""
        return len(self.codes)

    def __getitem__(self, expert: int) -> Linear:
        """That of one expert."""
        return quantized_linear(self.kind, self.codes[expert], self.scales[expert])


def quantized_linear(
    kind: QuantizedType, codes: Tensor, scales: Tensor, bias: Tensor | None = None
) -> Int8Linear | Int4Linear:
    """The linear layer of these codes."""
    return Int8Linear(codes, scales, bias) if kind == "int8" else Int4Linear(codes, scales, bias)


def quantize(weight: Tensor, kind: QuantizedType) -> QuantizedTensors:
    """Codes and scales of a float32 weight (out, in)."""
    return _quantize_int8(weight) if kind == "int8" else _quantize_int4(weight)


def quantized_shapes(
    kind: QuantizedType, num_outputs: int, num_inputs: int
) -> tuple[tuple[tuple[int, ...], torch.dtype], tuple[tuple[int, ...], torch.dtype]]:
    """Shape and type of what `quantize` gives for a weight of this shape."""
    if kind == "int8":
        return ((num_outputs, num_inputs), torch.int8), ((num_outputs,), torch.bfloat16)
    groups = (num_inputs // GROUP_SIZE, num_outputs, 2)
    return ((num_outputs, num_inputs // 2), torch.uint8), (groups, torch.bfloat16)


def _quantize_int8(weight: Tensor) -> QuantizedTensors:
    scales = (weight.abs().amax(dim=1) / INT8_MOST).to(torch.bfloat16)  # (out,)
    steps = scales.to(torch.float32).clamp(min=torch.finfo(torch.float32).tiny)  # (out,)
    codes = (weight / steps[:, None]).round_().clamp_(-INT8_MOST, INT8_MOST)  # (out, in)
    return codes.to(torch.int8), scales


def _quantize_int4(weight: Tensor) -> QuantizedTensors:
    grouped = weight.view(len(weight), -1, GROUP_SIZE)  # (out, in / 32, 32)
    least, most = grouped.aminmax(dim=-1)  # (out, in / 32) each
    scale = ((most - least) / INT4_MOST).to(torch.bfloat16)  # (out, in / 32)
    step = scale.to(torch.float32).clamp(min=torch.finfo(torch.float32).tiny)  # (out, in / 32)
    middle = (least + INT4_MIDDLE * scale.to(torch.float32)).to(torch.bfloat16)  # (out, in / 32)
    codes = (grouped - middle.to(torch.float32)[..., None]).div_(step[..., None])  # (out, in / 32, 32)
    codes = codes.round_().add_(INT4_MIDDLE).clamp_(0, INT4_MOST).view(weight.shape)  # (out, in)
    packed = torch._convert_weight_to_int4pack_for_cpu(codes.to(torch.int32), 1)  # (out, in / 2)
    groups = torch.stack([scale, middle], dim=-1).transpose(0, 1).contiguous()  # (in / 32, out, 2)
    return packed, groups
