"""How fast a placed model will decode: every token reads the active weights and the cache once.

Bandwidth of RAM is measured here once and kept; of GPUs nothing is known before a model has answered on them.
"""

from engine.contract.fit_messages import FitSpeed
from engine.contract.model_shape import ModelShape
from engine.hardware.fit import ModelMemory
from engine.hardware.fit_placement import Plan

# of the bandwidth, as engines were seen to use it: a full cache and short rows, one long read
LEAST_SHARE, GREATEST_SHARE = 0.35, 1.0
# what no memory is needed for, at best: sampling and the step around it, and the small steps of a layer
# (672 tokens/s of the built-in model with six layers, docs/benchmarks.md 2026-11-22)
STEP_S, LAYER_S = 0.0003, 0.00015


def predict_speed(
    shape: ModelShape, memory: ModelMemory, plan: Plan, ram_bytes_per_s: float | None
) -> FitSpeed | None:
    """From an empty cache at full bandwidth to a full one at a third; None where a GPU or disk is read."""
    if not ram_bytes_per_s or plan.uses_gpu or plan.where in ("disk", "too_large"):
        return None
    weights = active_bytes(shape, memory)
    full_cache = (memory.kv_cache + memory.state) * memory.context_length // max(1, memory.layout.positions)
    apart_s = STEP_S + LAYER_S * len(memory.layers)
    slowest_s = (weights + full_cache) / (LEAST_SHARE * ram_bytes_per_s) + 2 * apart_s
    fastest_s = weights / (GREATEST_SHARE * ram_bytes_per_s) + apart_s
    return FitSpeed(
        slowest_tps=1 / slowest_s, fastest_tps=1 / fastest_s, bandwidth_bytes_per_s=ram_bytes_per_s
    )


def active_bytes(shape: ModelShape, memory: ModelMemory) -> int:
    """Weights that one token reads: of the embedding one row, of the routed experts the chosen share."""
    num_experts, used = shape.number("expert_count"), shape.number("expert_used_count")
    experts = memory.experts * used // num_experts if num_experts else memory.experts
    tied = 0 if any(group.part == "output" for group in shape.weights) else memory.input
    return memory.weights - memory.input + tied + experts
