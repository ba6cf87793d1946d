"""FP8 without torch: bit for bit what the torch engine makes of the same bytes."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs torch")

from engine.quantization import fp8_blocks
from engine.transformer import fp8

pytestmark = pytest.mark.torch


@pytest.mark.parametrize("shape", [(1, 1), (7, 5), (128, 128), (129, 257), (300, 130)])
@pytest.mark.parametrize("block", [(128, 128), (16, 48), (1, 128), (300, 7)])
def test_every_byte_and_block_is_that_of_the_torch_engine(
    shape: tuple[int, int], block: tuple[int, int]
) -> None:
    rng = np.random.default_rng(sum(shape) + sum(block))
    codes = np.resize(np.arange(256, dtype=np.uint8), shape)
    scales = rng.lognormal(-6, 3, fp8.scales_shape(*shape, block)).astype(np.float32)
    expected = torch.empty(shape)
    fp8.dequantize(torch.from_numpy(codes.copy()), torch.from_numpy(scales), block, expected)
    found = fp8_blocks.dequantize(codes, scales, block)
    assert np.array_equal(np.isnan(found), np.isnan(expected.numpy()))
    assert np.array_equal(np.nan_to_num(found).view(np.int32), np.nan_to_num(expected.numpy()).view(np.int32))
