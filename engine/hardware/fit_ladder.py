"""What to ask for instead where a model has no room: changes in the order of what they cost in quality."""

from collections.abc import Sequence
from dataclasses import replace

from msgspec import structs

from engine.contract.fit_messages import DeviceMemory, FitChange, FitStep, FitWhere
from engine.contract.model_shape import ModelShape
from engine.contract.params import LoadParams
from engine.hardware.fit_ledger import Forecast, forecast

LEAST_CONTEXT = 512  # tokens; nobody is served by less
SAFETY_SHARES = (0.85, 0.6)  # of the free GPU memory, for a second and a third try
_NEEDS_LESS: tuple[FitWhere, ...] = ("layers_split", "cpu", "disk", "too_large")


def steps(
    shape: ModelShape,
    found: Forecast,
    devices: Sequence[DeviceMemory],
    *,
    reserve_bytes: int = 0,
    draft: ModelShape | None = None,
) -> tuple[FitStep, ...]:
    """Changes that take less memory than the forecast; none where it fits as well as can be."""
    has_gpus = len(devices) > 1
    if found.plan.where not in _NEEDS_LESS or (found.plan.where == "cpu" and not has_gpus):
        return ()
    offered: list[FitStep] = []
    for change, load in _changes(found):
        other = forecast(shape, load, devices, reserve_bytes=reserve_bytes, draft=draft)
        if other.memory.total < found.memory.total:
            offered.append(
                FitStep(
                    change=change,
                    load=other.load,
                    predicted_bytes=other.memory.total,
                    where=other.plan.where,
                )
            )
    return tuple(offered)


def next_try(
    shape: ModelShape,
    load: LoadParams,
    devices: Sequence[DeviceMemory],
    tried: Sequence[LoadParams],
    *,
    reserve_bytes: int = 0,
    draft: ModelShape | None = None,
) -> Forecast | None:
    """Another placement of the same model after those in `tried` have failed; None where there is none left.

    Nothing that the user asked for changes: less of it goes to the GPUs, at last nothing.
    """
    for share in (*SAFETY_SHARES, 0.0):
        smaller = [
            structs.replace(device, free_bytes=int(device.free_bytes * share)) if device.is_gpu else device
            for device in devices
        ]
        found = forecast(shape, load, smaller, reserve_bytes=reserve_bytes, draft=draft)
        if found.plan.where != "too_large" and found.load not in tried:
            return found
    return None


def _changes(found: Forecast) -> list[tuple[FitChange, LoadParams]]:
    """From the one that hurts least; flash attention is needed for quantized values."""
    load = replace(found.load, placement=None)
    context = found.memory.context_length
    changes: list[tuple[FitChange, LoadParams]] = []
    can_quantize = found.memory.backend == "llama" and load.flash_attention != "off"
    if can_quantize and load.kv_type in ("f32", "f16", "bf16"):
        changes.append(("kv_q8_0", replace(load, kv_type="q8_0", kv_type_v=None)))
    if load.sequences > 1:
        changes.append(("one_sequence", replace(load, sequences=1)))
    if context // 2 >= LEAST_CONTEXT:
        changes.append(("half_context", replace(load, context_length=context // 2)))
    if can_quantize and load.kv_type != "q4_0":
        changes.append(("kv_q4_0", replace(load, kv_type="q4_0", kv_type_v=None)))
    if context // 4 >= LEAST_CONTEXT:
        changes.append(("quarter_context", replace(load, context_length=context // 4)))
    return changes
