"""FP8 weights: every byte, ragged blocks and a whole model, bit for bit."""

import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs torch")

from safetensors.torch import save_file

from engine.contract.errors import ModelDamaged, ModelUnsupported
from engine.library.checkpoint import read_checkpoint
from engine.transformer.fp8 import dequantize, scales_shape
from engine.transformer.model import load_model
from tests.support.tiny_checkpoint import DEEPSEEK, random_arrays, write_checkpoint

pytestmark = pytest.mark.torch

FP8 = {"quant_method": "fp8", "fmt": "e4m3", "weight_block_size": [8, 8]}


def number(code: int) -> float:
    """An e4m3 byte by its definition."""
    sign = -1.0 if code & 0x80 else 1.0
    exponent, fraction = (code >> 3) & 15, code & 7
    if exponent == 15 and fraction == 7:
        return float("nan")
    return sign * (fraction / 8 * 2.0**-6 if exponent == 0 else (1 + fraction / 8) * 2.0 ** (exponent - 7))


def plainly(codes: Any, scales: Any, block: tuple[int, int]) -> Any:
    """The float32 product of number and scale, value by value."""
    numbers = np.array([[number(int(code)) for code in row] for row in codes], dtype=np.float32)
    for row, column in np.ndindex(*numbers.shape):
        numbers[row, column] *= scales[row // block[0], column // block[1]]
    return torch.from_numpy(numbers)


def test_all_256_bytes_become_their_numbers() -> None:
    codes = torch.arange(256, dtype=torch.uint8).view(16, 16)
    found = torch.empty(16, 16)
    dequantize(codes, torch.ones(1, 1), (128, 128), found)
    expected = plainly(codes.numpy(), np.ones((1, 1), np.float32), (128, 128))
    assert torch.equal(found.isnan(), expected.isnan())
    assert torch.equal(
        found.nan_to_num(nan=7.0).view(torch.int32), expected.nan_to_num(nan=7.0).view(torch.int32)
    )
    assert torch.equal(found.nan_to_num(), codes.view(torch.float8_e4m3fn).float().nan_to_num())


@pytest.mark.parametrize("shape", [(1, 1), (7, 5), (128, 128), (129, 257), (200, 130), (384, 64)])
@pytest.mark.parametrize("block", [(128, 128), (16, 48), (1, 128), (300, 7)])
def test_blocks_of_any_size_are_exact_at_their_edges_too(
    shape: tuple[int, int], block: tuple[int, int]
) -> None:
    rng = np.random.default_rng(sum(shape) + sum(block))
    codes = rng.integers(0, 256, shape, dtype=np.uint8)
    scales = rng.lognormal(-6, 3, scales_shape(*shape, block)).astype(np.float32)
    expected = plainly(codes, scales, block).nan_to_num(nan=7.0)
    found = torch.empty(shape)
    dequantize(torch.from_numpy(codes), torch.from_numpy(scales), block, found)
    assert torch.equal(found.nan_to_num(nan=7.0).view(torch.int32), expected.view(torch.int32))
    narrow = torch.empty(shape, dtype=torch.bfloat16)
    dequantize(torch.from_numpy(codes), torch.from_numpy(scales), block, narrow)
    assert torch.equal(narrow.nan_to_num(nan=7.0), expected.to(torch.bfloat16))


def test_it_is_several_times_faster_than_a_plain_cast() -> None:
    codes = torch.randint(0, 120, (4096, 1024), dtype=torch.uint8)
    scales = torch.rand(32, 8)

    def plain_cast() -> None:
        weights = codes.view(torch.float8_e4m3fn).to(torch.float32)
        weights *= scales.repeat_interleave(128, 0).repeat_interleave(128, 1)

    def seconds(work: Any) -> float:
        def once() -> float:
            started = time.process_time()
            work()
            return time.process_time() - started

        return min(once() for _ in range(5))

    found = torch.empty(4096, 1024)
    # 5 times and more on a quiet machine (docs/benchmarks.md); a busy one is no reason to fail
    assert seconds(plain_cast) > 2 * seconds(lambda: dequantize(codes, scales, (128, 128), found))


def write_fp8(folder: Path, **changes: Any) -> tuple[Path, Path]:
    """A checkpoint in FP8 and the same weights in float32."""
    quantized, plain = {}, {}
    for name, array in random_arrays(DEEPSEEK).items():
        values = torch.from_numpy(array)
        plain[name] = values
        if "proj" not in name or "eh_proj" in name:
            quantized[name] = values.to(torch.bfloat16)
            plain[name] = quantized[name].float()
            continue
        codes = (values * 100).to(torch.float8_e4m3fn)
        scales = torch.rand(scales_shape(array.shape[0], array.shape[1], (8, 8))) / 100
        quantized[name], quantized[f"{name}_scale_inv"] = codes, scales
        plain[name] = torch.empty(values.shape)
        dequantize(codes.view(torch.uint8), scales, (8, 8), plain[name])
    quantized |= changes
    write_checkpoint(folder / "plain", DEEPSEEK, {})
    write_checkpoint(folder / "fp8", DEEPSEEK | {"quantization_config": FP8}, {})
    save_file(plain, folder / "plain" / "model.safetensors")
    save_file({n: t for n, t in quantized.items() if t is not None}, folder / "fp8" / "model.safetensors")
    return folder / "fp8", folder / "plain"


def test_a_model_in_fp8_computes_what_its_dequantized_weights_compute(tmp_path: Path) -> None:
    fp8, plain = (load_model(read_checkpoint(folder)) for folder in write_fp8(tmp_path))
    token_ids = list(range(20))
    found, expected = (model.hidden_states(token_ids, 0, model.new_cache(64)) for model in (fp8, plain))
    assert torch.equal(found, expected)


def test_scales_are_no_parameters_and_fp8_is_the_type_that_is_named(tmp_path: Path) -> None:
    fp8, plain = (read_checkpoint(folder) for folder in write_fp8(tmp_path))
    assert fp8.parameters == plain.parameters
    assert fp8.tensor_types.most_common(1)[0][0] == "F8_E4M3"


def test_a_missing_or_misshapen_scale_is_damage(tmp_path: Path) -> None:
    name = "model.layers.0.mlp.up_proj.weight_scale_inv"
    for number_, (tensor, reason) in enumerate([(None, "is missing"), (torch.ones(1, 1), "has shape")]):
        folder, _ = write_fp8(tmp_path / str(number_), **{name: tensor})
        with pytest.raises(ModelDamaged, match=f"{name} {reason}"):
            load_model(read_checkpoint(folder))


def test_a_byte_that_is_no_number_is_damage(tmp_path: Path) -> None:
    name = "model.layers.0.mlp.up_proj.weight"
    codes = torch.full((48, 32), 0x7F, dtype=torch.uint8).view(torch.float8_e4m3fn)
    folder, _ = write_fp8(tmp_path, **{name: codes})
    with pytest.raises(ModelDamaged, match=f"{name} holds values that are no numbers"):
        load_model(read_checkpoint(folder))


@pytest.mark.parametrize("quantization", [{"quant_method": "gptq"}, {"quant_method": "fp8"}, [], {}])
def test_other_quantizations_are_unsupported_in_words(tmp_path: Path, quantization: Any) -> None:
    config = DEEPSEEK | {"quantization_config": quantization}
    folder = write_checkpoint(tmp_path, config, random_arrays(DEEPSEEK))
    with pytest.raises(ModelUnsupported, match="quantized in a way not known here"):
        load_model(read_checkpoint(folder))
