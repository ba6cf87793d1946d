"""Whether the torch engine works on this machine's device: load, plan, generate, compare with predictions.

Without a model it makes a DeepSeek-V3 of random weights. Predicted are the memory (weights and KV cache, from
headers alone) and an upper bound of the speed (active weights over the memory bandwidth); measured are what
the device really took and how fast it was. On a CPU everything but the GPU's own figures is checked.
Prints a table, then one JSON line; ends with status 1 where logits differ from the CPU's.

    python -m benchmarks.gpu_check [MODEL] [--quantize int8] [--prompt-tokens 512] [--tokens 64]
"""

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch  # noqa: TID253  (a program of its own)

from benchmarks.torch_engine import write_model
from engine.backends.torch_backend import (
    choose_device,
    choose_dtype,
    describe_device,
    free_gpu_bytes,
    model_bytes,
    quantized_type,
    read_model_file,
)
from engine.contract.params import LoadParams
from engine.hardware.bandwidth import read_bandwidth
from engine.hardware.expert_placement import place_model
from engine.hardware.memory import available_bytes, rss_bytes
from engine.transformer.model import Transformer, load_model, model_config
from engine.transformer.products import product_speeds

GREATEST_DEVIATION = 0.1  # of the largest logit, between 16 bits on a GPU and float32 on the CPU


def generate(model: Transformer, prompt: list[int], num_tokens: int) -> tuple[float, float, Any]:
    """Seconds of prefill and of decoding, and the prompt's last logits (V,)."""
    cache = model.new_cache(len(prompt) + num_tokens)
    started = time.perf_counter()
    hidden = model.hidden_states(prompt, 0, cache)
    logits = model.logits(hidden[-1:])[0].cpu().numpy()  # waits for the device
    prefilled = time.perf_counter()
    token = int(logits.argmax())
    for _ in range(num_tokens):
        token = int(model.logits(model.hidden_states([token], cache.length, cache)).argmax())
    return prefilled - started, time.perf_counter() - prefilled, logits


def device_bytes(device: torch.device) -> int:
    """What this process holds on the device."""
    if device.type == "cuda":
        return int(torch.cuda.memory_allocated(device))
    if device.type == "mps":
        return int(torch.mps.current_allocated_memory())
    return rss_bytes()


def check(path: Path, options: argparse.Namespace) -> dict[str, Any]:
    """All figures of one model."""
    params = LoadParams(gpu_layers=options.gpu_layers, weight_type=options.quantize)
    device = choose_device(params)
    model_file = read_model_file(path)
    config, quantize_to = model_config(model_file), quantized_type(params, device)
    dtype = choose_dtype(params, device, model_file)
    context = options.prompt_tokens + options.tokens
    sizes = model_bytes(model_file, config, context, dtype, quantize_to=quantize_to)
    placement = place_model(sizes, ram_free=available_bytes(), gpu_free=free_gpu_bytes(device))
    device = torch.device("cpu") if placement.where == "cpu" else device
    before, started = device_bytes(device), time.perf_counter()
    experts = "cpu" if placement.where == "split" else None
    model = load_model(
        model_file, dtype=dtype, device=str(device), expert_device=experts, quantize_to=quantize_to
    )
    load_s = time.perf_counter() - started
    prompt = [
        int(n) for n in np.random.default_rng().integers(0, config.vocabulary_size, options.prompt_tokens)
    ]
    generate(model, prompt[:16], 2)  # warm up
    prefill_s, decode_s, logits = generate(model, prompt, options.tokens)
    reference = load_model(model_file) if device.type != "cpu" or quantize_to else model
    expected = generate(reference, prompt, 0)[2]
    on_device = sizes.total - (sizes.experts if placement.where == "split" else 0)
    return {
        "device": describe_device(device),
        "dtype": str(dtype).removeprefix("torch."),
        "placement": placement.where,
        "reason": placement.reason,
        "load_s": load_s,
        "predicted_mib": on_device / 2**20,
        "actual_mib": (device_bytes(device) - before) / 2**20,
        "prefill_tps": len(prompt) / prefill_s,
        "decode_tps": options.tokens / decode_s,
        "bound_tps": read_bandwidth(torch.get_num_threads()) / active_bytes(sizes, config),
        "deviation": float(np.abs(logits - expected).max() / np.abs(expected).max()),
        "same_token": bool(logits.argmax() == expected.argmax()),
    }


def active_bytes(sizes: Any, config: Any) -> float:
    """Bytes of weights that a token reads."""
    share = config.moe.experts_per_token / config.moe.num_experts if config.moe else 1.0
    return float(sizes.others + share * sizes.experts)


def main() -> int:
    """Check from the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model", nargs="?", type=Path, help="a folder of safetensors or a GGUF file")
    parser.add_argument("--quantize", choices=["auto", "f32", "bf16", "int8", "int4"], default="auto")
    parser.add_argument("--gpu-layers", type=int, default=-1)
    parser.add_argument("--prompt-tokens", type=int, default=512)
    parser.add_argument("--tokens", type=int, default=64)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if options.model is None:
            write_model(Path(folder))
        figures = check(options.model or Path(folder), options)
    speeds = product_speeds()
    figures["products"] = {
        "float32": speeds.float32, "float32_onednn": speeds.float32_onednn, "bfloat16": speeds.bfloat16
    }  # fmt: skip
    for name, value in figures.items():
        print(f"{name:14} {value:.3f}" if isinstance(value, float) else f"{name:14} {value}")
    print(json.dumps(figures))
    quantized = options.quantize in ("int8", "int4")  # random weights turn routers: a figure, no verdict
    return 0 if quantized or figures["deviation"] < GREATEST_DEVIATION else 1


if __name__ == "__main__":
    sys.exit(main())
