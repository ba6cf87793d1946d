"""FP8 weights to float32, as a checkpoint is loaded: ours against a plain cast, CPU time of one thread.

A plain cast is `codes.to(float32)`, with and without the product with the scales of 128 x 128 blocks. Prints
a table, then one JSON line.

    python -m benchmarks.fp8_load [--size 4096] [--rounds 9]
"""

import argparse
import json
import time
from collections.abc import Callable
from typing import Any

import torch  # noqa: TID253  (a program of its own)

from engine.transformer.fp8 import dequantize, scales_shape

BLOCK = (128, 128)


def best_ms(action: Callable[[], Any], rounds: int) -> float:
    """Milliseconds of CPU of the fastest round."""
    best = float("inf")
    for _ in range(rounds):
        started = time.thread_time()
        action()
        best = min(best, time.thread_time() - started)
    return 1000 * best


def main() -> None:
    """Measure from the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--size", type=int, default=4096, help="rows and columns of the weight")
    parser.add_argument("--rounds", type=int, default=9)
    options = parser.parse_args()
    torch.set_num_threads(1)
    size = options.size
    codes = torch.randint(0, 0x7F, (size, size), dtype=torch.uint8)  # (out, in)
    scales = torch.rand(scales_shape(size, size, BLOCK))
    ours = torch.empty(size, size)
    eights = codes.view(torch.float8_e4m3fn)

    def plainly() -> torch.Tensor:
        wide = scales.repeat_interleave(BLOCK[0], 0).repeat_interleave(BLOCK[1], 1)
        return eights.to(torch.float32) * wide[:size, :size]

    figures = {
        "ours_ms": best_ms(lambda: dequantize(codes, scales, BLOCK, ours), options.rounds),
        "cast_ms": best_ms(lambda: eights.to(torch.float32), options.rounds),
        "cast_and_scales_ms": best_ms(plainly, options.rounds),
    }
    figures["ratio"] = figures["cast_ms"] / figures["ours_ms"]
    report = figures | {"size": size, "exact": bool(torch.equal(ours, plainly()))}
    for name, value in report.items():
        print(f"{name:20} {value:.2f}" if isinstance(value, float) else f"{name:20} {value}")
    print(json.dumps(report))


if __name__ == "__main__":
    main()
