"""A checkpoint in FP8 with a scale per block, as DeepSeek-V3 ships: made from float32 weights."""

import json
import math
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

from tests.support.tiny_checkpoint import Arrays, random_arrays, write_tokenizer

LARGEST = 448.0  # of e4m3


def write_fp8_checkpoint(folder: Path, config: dict[str, Any], block: tuple[int, int]) -> Path:
    """Random weights that can be talked to, the projections in FP8, the rest in bfloat16."""
    config = config | {"vocab_size": 260}
    write_in_fp8(folder, config, random_arrays(config), block)
    write_tokenizer(folder)
    return folder


def write_in_fp8(folder: Path, config: dict[str, Any], arrays: Arrays, block: tuple[int, int]) -> None:
    """Write the weights and config.json."""
    folder.mkdir(parents=True, exist_ok=True)
    described = {"quant_method": "fp8", "fmt": "e4m3", "weight_block_size": list(block)}
    (folder / "config.json").write_text(json.dumps(config | {"quantization_config": described}))
    tensors: dict[str, Any] = {}
    for name, array in arrays.items():
        values = torch.from_numpy(array)
        if name.endswith("_proj.weight") and not name.endswith("eh_proj.weight"):
            tensors[name], tensors[f"{name}_scale_inv"] = in_blocks(values, block)
        else:
            tensors[name] = values.to(torch.bfloat16)
    save_file(tensors, folder / "model.safetensors")


def in_blocks(values: torch.Tensor, block: tuple[int, int]) -> tuple[torch.Tensor, torch.Tensor]:
    """Codes (out, in) and scales (out / rows, in / columns), both rounded up."""
    rows, columns = (math.ceil(size / step) for size, step in zip(values.shape, block, strict=True))
    scales = torch.empty(rows, columns)
    codes = torch.empty(values.shape, dtype=torch.float8_e4m3fn)
    for row in range(rows):
        for column in range(columns):
            part = (
                slice(row * block[0], (row + 1) * block[0]),
                slice(column * block[1], (column + 1) * block[1]),
            )
            scales[row, column] = values[part].abs().max().clamp(min=1e-12) / LARGEST
            codes[part] = (values[part] / scales[row, column]).to(torch.float8_e4m3fn)
    return codes, scales
