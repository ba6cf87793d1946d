"""A model on these devices: the ledger's lines, where everything goes, how fast it is, how it is loaded."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from msgspec import structs

from engine.contract.fit_messages import DeviceMemory, FitLine, FitPart, FitSpeed
from engine.contract.model_info import BufferPart, LoadedModel
from engine.contract.model_shape import ModelShape
from engine.contract.params import LayerPlacement, LoadParams
from engine.hardware.fit import ModelMemory, measure
from engine.hardware.fit_placement import RAM, Plan, bytes_by_device, gpu_buffers, place
from engine.hardware.fit_speed import predict_speed

CPU = "CPU"
_TOLD: dict[FitPart, BufferPart] = {  # which of an engine's buffers holds a line
    "weights": "weights",
    "experts": "weights",
    "mtp": "weights",
    "kv_cache": "kv_cache",
    "latent": "kv_cache",
    "state": "state",
    "compute": "compute",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """What follows from a model's shape, the params and the devices."""

    memory: ModelMemory
    plan: Plan
    lines: tuple[FitLine, ...]
    load: LoadParams  # with the placement in it
    speed: FitSpeed | None

    @property
    def ram_bytes(self) -> int:
        """What the RAM is asked for."""
        return sum(line.predicted_bytes for line in self.lines if line.device == CPU)


def forecast(
    shape: ModelShape,
    load: LoadParams,
    devices: Sequence[DeviceMemory],
    *,
    reserve_bytes: int = 0,
    ram_bytes_per_s: float | None = None,
    draft: ModelShape | None = None,
) -> Forecast:
    """The ledger of a model; the first device is the RAM, those after it are GPUs."""
    ram, gpus = devices[0], [device for device in devices[1:] if device.is_gpu]
    memory = measure(shape, load, free_bytes=ram.free_bytes, draft=draft)
    wanted = None if load.gpu_layers < 0 else load.gpu_layers
    plan = place(memory, ram, gpus, reserve_bytes=reserve_bytes, most_gpu_layers=wanted)
    return Forecast(
        memory=memory,
        plan=plan,
        lines=_lines(memory, plan, gpus),
        load=load if not gpus or load.placement else replace(load, placement=_placement(shape, plan)),
        speed=predict_speed(shape, memory, plan, ram_bytes_per_s),
    )


def with_actual(lines: Sequence[FitLine], loaded: LoadedModel) -> tuple[FitLine, ...]:
    """The lines beside what the engine says that it took, the same where it says nothing.

    An engine tells the sum of what lies in one buffer; it is shared out over the buffer's lines as predicted.
    """
    told: dict[tuple[str, BufferPart], int] = {}
    for buffer in loaded.buffers:
        part: BufferPart = "compute" if buffer.part == "logits" else buffer.part
        told[buffer.device, part] = told.get((buffer.device, part), 0) + buffer.size_bytes
    if not told:
        return tuple(lines)
    predicted: dict[tuple[str, BufferPart], int] = {}
    for line in lines:
        if line.part in _TOLD:
            key = line.device, _TOLD[line.part]
            predicted[key] = predicted.get(key, 0) + line.predicted_bytes
    return tuple(_beside(line, told, predicted, loaded) for line in lines)


def _beside(
    line: FitLine,
    told: dict[tuple[str, BufferPart], int],
    predicted: dict[tuple[str, BufferPart], int],
    loaded: LoadedModel,
) -> FitLine:
    if line.part == "process":
        return structs.replace(line, actual_bytes=_process_bytes(loaded))
    if line.part not in _TOLD:
        return line
    key = line.device, _TOLD[line.part]
    share = line.predicted_bytes / predicted[key] if predicted[key] else 0.0
    return structs.replace(line, actual_bytes=round(share * told.get(key, 0)))


def _process_bytes(loaded: LoadedModel) -> int | None:
    """What the process has grown by besides buffers; those for computing are not touched yet."""
    filled = sum(
        buffer.size_bytes for buffer in loaded.buffers if buffer.device == CPU and buffer.part != "compute"
    )
    grown = loaded.rss_after_bytes - loaded.rss_before_bytes - filled
    return grown if grown > 0 else None  # pages of mapped weights may have left the memory again


def _lines(memory: ModelMemory, plan: Plan, gpus: Sequence[DeviceMemory]) -> tuple[FitLine, ...]:
    """One line per part and device; no line for nothing."""
    names = {RAM: CPU} | {index: gpu.name for index, gpu in enumerate(gpus)}
    sums: dict[tuple[FitPart, int], int] = {}

    def add(part: FitPart, device: int, size: int) -> None:
        sums[part, device] = sums.get((part, device), 0) + size

    add("weights", RAM, memory.input)
    add("weights", plan.output, memory.output + (memory.output_copy if plan.output != RAM else 0))
    for layer, device, experts in zip(memory.layers, plan.layers, plan.experts, strict=True):
        add("weights", device, layer.weights)
        add("experts", experts, layer.experts)
        add(memory.cache_part, device, layer.kv_cache)
        add("state", device, layer.state)
    add("mtp", plan.output, memory.mtp + memory.mtp_buffers)
    add("projector", RAM, memory.projector)
    add("draft_model", RAM, memory.draft_model)
    add("process", RAM, memory.process)
    add("compute", RAM, memory.compute.logits)
    passes_experts = any(
        layer.experts and device == RAM for layer, device in zip(memory.layers, plan.experts, strict=True)
    )
    for device in bytes_by_device(memory, plan):
        if device != RAM:
            add("compute", device, gpu_buffers(memory, passes_experts))
    if RAM in plan.layers or passes_experts:
        add("compute", RAM, memory.compute.graph + memory.compute.products)
    return tuple(
        FitLine(part=part, device=names[device], predicted_bytes=size)
        for (part, device), size in sums.items()
        if size
    )


def _placement(shape: ModelShape, plan: Plan) -> LayerPlacement:
    """As the loader takes it: llama.cpp counts the layers of the MTP head and the output layer too."""
    on_gpus = sum(plan.gpu_counts)
    if plan.output == RAM:
        return LayerPlacement(gpu_layers=0)
    counts = list(plan.gpu_counts) + [0] * (plan.output + 1 - len(plan.gpu_counts))
    counts[plan.output] += 1 + shape.number("nextn_predict_layers")
    pairs = enumerate(zip(plan.layers, plan.experts, strict=True))
    return LayerPlacement(
        gpu_layers=on_gpus + 1 + shape.number("nextn_predict_layers"),
        gpu_shares=tuple(float(count) for count in counts),
        main_gpu=plan.output,
        expert_layers_in_ram=tuple(
            index for index, (device, experts) in pairs if device != RAM and experts == RAM
        ),
    )
