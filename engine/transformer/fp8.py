"""Weights in FP8 (e4m3, arXiv:2209.05433) with one scale per block, as DeepSeek-V3 ships them.

A weight is `number(byte) * scale[row // rows, column // columns]` (arXiv:2412.19437, section 3.3.2). Computed
without a look-up and without a slow cast: an e4m3 byte moved seven bits up is the float16 of its value / 256,
subnormals included, and float16 to float32 is one instruction for many values.
"""

import torch
from torch import Tensor

FLOAT16_RATIO = 256.0  # 2 ** (15 - 7): the exponents' biases
ROWS_AT_ONCE = 128  # of the buffers: fastest of 16 to 256, since they stay in the CPU's cache


def dequantize(codes: Tensor, scales: Tensor, block: tuple[int, int], destination: Tensor) -> None:
    """Write the weights of FP8 `codes` (out, in) uint8 into `destination` (out, in) of any float type.

    `scales` is (out / rows, in / columns), both rounded up; blocks at the edges may be smaller. Exact: the
    float32 product of the number and its scale, rounded once more where `destination` is narrower.
    """
    num_rows, num_columns = codes.shape
    rows_per_scale, columns_per_scale = block
    rows_at_once = min(num_rows, ROWS_AT_ONCE)
    bits = torch.empty(rows_at_once, num_columns, dtype=torch.int16)
    numbers = torch.empty(rows_at_once, num_columns, dtype=torch.float32)
    scales = scales.to(torch.float32) * FLOAT16_RATIO  # (out / rows, in / columns), exact: a power of two
    start = 0
    while start < num_rows:
        block_row = start // rows_per_scale
        end = min(start + rows_at_once, (block_row + 1) * rows_per_scale, num_rows)
        row_scales = scales[block_row].repeat_interleave(columns_per_scale)[:num_columns]  # (in,)
        part, part_bits, part_numbers = codes[start:end], bits[: end - start], numbers[: end - start]
        part_bits.copy_(
            part.view(torch.int8)
        )  # sign in bits 15 to 7, then four of exponent, three of fraction
        part_bits.bitwise_left_shift_(7).bitwise_and_(~0x4000)  # the sign stays in bit 15, bit 14 is cleared
        part_numbers.copy_(part_bits.view(torch.float16))
        if part.max() == 0xFF or part.view(torch.int8).max() == 0x7F:  # the two codes that are no numbers
            part_numbers[part.bitwise_and(0x7F) == 0x7F] = torch.nan
        if destination.dtype == torch.float32:
            torch.mul(part_numbers, row_scales, out=destination[start:end])
        else:
            destination[start:end] = part_numbers.mul_(row_scales)
        start = end


def scales_shape(num_rows: int, num_columns: int, block: tuple[int, int]) -> tuple[int, int]:
    """How many scales a weight of this shape has."""
    return -(-num_rows // block[0]), -(-num_columns // block[1])
