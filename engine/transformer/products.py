"""Products of matrices by the fastest way on this machine, found by measuring once per process.

torch hands float32 products on CPUs to MKL, which on an AMD CPU was measured at half the speed of oneDNN, a
part of torch too; bfloat16 products are twice as fast again where the CPU has instructions for them, and five
times slower where it has none (docs/benchmarks.md, 2026-11-22). So all are tried: 60 ms.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

MANY_ROWS = 16  # fewer rows are bound by reading the weights; there MKL is as good
PROBE_SIZE = 512
PROBE_ROUNDS = 12
CLEARLY_FASTER = 1.2  # the ways differ in rounding: noise must not choose


@dataclass(frozen=True, slots=True)
class ProductSpeeds:
    """Multiplications and additions per second of products of 512 x 512 matrices on the CPU."""

    float32: float  # torch's own choice
    float32_onednn: float  # 0 where this build of torch has none
    bfloat16: float

    @property
    def prefers_onednn(self) -> bool:
        """Whether float32 products go to oneDNN."""
        return self.float32_onednn > CLEARLY_FASTER * self.float32

    @property
    def prefers_bfloat16(self) -> bool:
        """Whether bfloat16 products are faster than any in float32."""
        return self.bfloat16 > CLEARLY_FASTER * max(self.float32, self.float32_onednn)


@cache
def product_speeds() -> ProductSpeeds:
    """Measure this machine; with as many threads as torch has now."""
    with torch.inference_mode():
        x = torch.ones(PROBE_SIZE, PROBE_SIZE)
        narrow, onednn = x.to(torch.bfloat16), _onednn()
        ways: dict[str, Callable[[], Tensor]] = {
            "float32": lambda: F.linear(x, x),
            "bfloat16": lambda: F.linear(narrow, narrow),
        }
        if onednn is not None:
            ways["float32_onednn"] = lambda: onednn(x, x, None, "none", [], "")
        return ProductSpeeds(**({"float32_onednn": 0.0} | _speeds(ways)))


def linear(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """`x @ weight.T + bias`: (T, in), (out, in), (out,) to (T, out). Has gradients where they are wanted."""
    if x.ndim == 2 and len(x) >= MANY_ROWS and wants_onednn(x) and _is_dense(weight):
        product: Tensor = torch.ops.mkldnn._linear_pointwise(x.contiguous(), weight, bias, "none", [], "")
        return product  # (T, out)
    return F.linear(x, weight, bias)  # (T, out)


def wants_onednn(x: Tensor) -> bool:
    """Whether products with `x` are faster by oneDNN; it knows no gradients."""
    on_cpu = x.dtype == torch.float32 and x.device.type == "cpu"
    return on_cpu and not torch.is_grad_enabled() and product_speeds().prefers_onednn


def _is_dense(weight: Tensor) -> bool:
    """Without gaps, in rows or in columns: with gaps oneDNN was measured 1,000 times slower."""
    return bool(weight.is_contiguous() or weight.T.is_contiguous())


def _onednn() -> Callable[..., Any] | None:
    if not torch.backends.mkldnn.is_available():
        return None
    return getattr(torch.ops.mkldnn, "_linear_pointwise", None)


def _speeds(ways: dict[str, Callable[[], Tensor]]) -> dict[str, float]:
    """Of the best round each, taking turns: on a busy machine the others say nothing."""
    best = dict.fromkeys(ways, float("inf"))
    for _ in range(PROBE_ROUNDS):
        for name, product in ways.items():
            started = time.perf_counter()
            product()
            best[name] = min(best[name], time.perf_counter() - started)
    return {name: PROBE_SIZE**3 / seconds for name, seconds in best.items()}
