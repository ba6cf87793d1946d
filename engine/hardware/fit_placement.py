"""Where a model's layers go: the fastest placement that every device has room for.

In order: all of it on GPUs; routed experts of as few layers as possible in RAM and the rest on GPUs, since a
token reads few of its experts and all of the rest (KTransformers' placement); some layers on GPUs; all in
RAM; weights read from the disk again and again. The cache of the whole context is part of every plan.
Several GPUs get runs of layers as even in their share of free memory as sizes allow. Arithmetic on sizes;
knows no engine.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from engine.contract.fit_messages import DeviceMemory, FitWhere
from engine.hardware.fit import ModelMemory

GPU_SPARE_BYTES = 512 * 2**20  # of each GPU in use: its driver's context and what it draws on the screen
_BALANCE_STEPS = 24
RAM = -1  # in place of a GPU's index


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Which device holds what; GPUs by their index, RAM as -1."""

    where: FitWhere
    reason: str
    layers: tuple[int, ...]  # the device of every layer: of its weights, cache and state
    experts: tuple[int, ...]  # the device of every layer's routed experts
    output: int

    @property
    def uses_gpu(self) -> bool:
        """Whether any layer is on a GPU."""
        return any(device != RAM for device in self.layers) or self.output != RAM

    @property
    def gpu_counts(self) -> tuple[int, ...]:
        """For every GPU up to the last one in use, how many layers it has."""
        used = [device for device in self.layers if device != RAM]
        return tuple(used.count(gpu) for gpu in range(max(used, default=-1) + 1))


def place(
    memory: ModelMemory,
    ram: DeviceMemory,
    gpus: Sequence[DeviceMemory] = (),
    *,
    reserve_bytes: int = 0,
    most_gpu_layers: int | None = None,
) -> Plan:
    """The fastest plan that fits; one whose `where` is "too_large" where none does.

    `reserve_bytes` of RAM stay free; `most_gpu_layers` limits the layers on GPUs, the output layer not
    counted.
    """
    space = _Space(memory, ram, gpus, reserve_bytes)
    num_layers = len(memory.layers)
    most = num_layers if most_gpu_layers is None else min(most_gpu_layers, num_layers)
    if gpus and most:
        for attempt in (_all_on_gpus, _experts_in_ram, _layers_split):
            plan = attempt(space, most)
            if plan is not None and space.fits(plan):
                return plan
    reason = "the GPUs have no room for a layer of it" if gpus and most else "no GPU is used"
    in_ram = _plan(space, "cpu", reason, [RAM] * num_layers, num_layers)
    if space.fits(in_ram):
        return in_ram
    return _from_disk(space, most if gpus else 0)


class _Space:
    """The room on every device, and what a plan takes of it."""

    def __init__(
        self, memory: ModelMemory, ram: DeviceMemory, gpus: Sequence[DeviceMemory], reserve_bytes: int
    ) -> None:
        self.memory, self.gpus = memory, gpus
        self._ram_room = ram.free_bytes - reserve_bytes
        self.rooms = [max(0, gpu.free_bytes - GPU_SPARE_BYTES) for gpu in gpus]

    def fits(self, plan: Plan, *, from_disk: bool = False) -> bool:
        """Whether no device is asked for too much; `from_disk` weights in RAM may stay in their files."""
        needed = bytes_by_device(self.memory, plan)
        in_ram = needed.pop(RAM, 0) - (files_in_ram(self.memory, plan) if from_disk else 0)
        in_ram += sum(size for gpu, size in needed.items() if self.gpus[gpu].is_unified)
        return in_ram <= self._ram_room and all(size <= self.rooms[gpu] for gpu, size in needed.items())

    def pack(self, first: int, num_expert_layers_in_ram: int) -> list[int] | None:
        """The GPU of every layer from `first` on, the output layer last, evenly filled; or None."""
        if self._packed(first, num_expert_layers_in_ram, 1.0) is None:
            return None
        low, high = 0.0, 1.0
        for _ in range(_BALANCE_STEPS):
            middle = (low + high) / 2
            fits = self._packed(first, num_expert_layers_in_ram, middle) is not None
            low, high = (low, middle) if fits else (middle, high)
        return self._packed(first, num_expert_layers_in_ram, high)

    def _packed(self, first: int, num_expert_layers_in_ram: int, share: float) -> list[int] | None:
        """Runs of layers, each GPU filled up to a share of its room before the next one is begun."""
        memory = self.memory
        sizes = [
            layer.total - (layer.experts if index < num_expert_layers_in_ram else 0)
            for index, layer in enumerate(memory.layers)
        ][first:]
        sizes.append(memory.output + memory.output_copy + memory.mtp + memory.mtp_buffers)
        buffers = gpu_buffers(memory, bool(num_expert_layers_in_ram))
        placed: list[int] = []
        gpu, left = 0, self.rooms[0] * share - buffers
        for size in sizes:
            while size > left:
                gpu += 1
                if gpu == len(self.rooms):
                    return None
                left = self.rooms[gpu] * share - buffers
            placed.append(gpu)
            left -= size
        return placed


def gpu_buffers(memory: ModelMemory, reads_experts_from_ram: bool) -> int:
    """What every GPU in use takes besides layers: buffers, and a layer's experts on their way from the RAM.

    For prompts llama.cpp copies experts to the GPU, a layer at a time.
    """
    passing = max((layer.experts for layer in memory.layers), default=0) if reads_experts_from_ram else 0
    return memory.compute.graph + passing


def bytes_by_device(memory: ModelMemory, plan: Plan) -> dict[int, int]:
    """What a plan asks of every device that it uses, buffers included."""
    needed = {
        RAM: memory.input + memory.process + memory.draft_model + memory.compute.logits + memory.projector
    }
    for layer, device, experts in zip(memory.layers, plan.layers, plan.experts, strict=True):
        needed[device] = needed.get(device, 0) + layer.total - layer.experts
        needed[experts] = needed.get(experts, 0) + layer.experts
    output = memory.output + memory.mtp + memory.mtp_buffers
    output += memory.output_copy if plan.output != RAM else 0
    needed[plan.output] = needed.get(plan.output, 0) + output
    has_experts_in_ram = _has_experts_in_ram(memory, plan)
    for device in needed:
        if device != RAM:
            needed[device] += gpu_buffers(memory, has_experts_in_ram)
    if RAM in plan.layers or has_experts_in_ram:
        needed[RAM] += memory.compute.graph + memory.compute.products
    return needed


def files_in_ram(memory: ModelMemory, plan: Plan) -> int:
    """Of what a plan keeps in RAM the weights, which are also in their files."""
    size = memory.input + (memory.output + memory.mtp if plan.output == RAM else 0)
    for layer, device, experts in zip(memory.layers, plan.layers, plan.experts, strict=True):
        size += layer.weights if device == RAM else 0
        size += layer.experts if experts == RAM else 0
    return size


def _has_experts_in_ram(memory: ModelMemory, plan: Plan) -> bool:
    pairs = zip(memory.layers, plan.experts, strict=True)
    return any(layer.experts and device == RAM for layer, device in pairs)


def _all_on_gpus(space: _Space, most: int) -> Plan | None:
    num_layers = len(space.memory.layers)
    packed = space.pack(0, 0) if most == num_layers else None
    return _plan(space, "gpu", "all of it fits the GPUs", packed, 0) if packed else None


def _experts_in_ram(space: _Space, most: int) -> Plan | None:
    """Every layer on a GPU, without the experts of as many of the first layers as has to be."""
    num_layers = len(space.memory.layers)
    if not space.memory.experts or most < num_layers:
        return None
    fewest = _least(num_layers, lambda count: space.pack(0, count) is not None)
    packed = space.pack(0, fewest) if fewest is not None else None
    if packed is None or fewest is None:
        return None
    reason = "the GPUs have no room for all of the routed experts; the others are in RAM"
    return _plan(space, "experts_in_ram", reason, packed, fewest)


def _layers_split(space: _Space, most: int) -> Plan | None:
    """As many of the last layers on GPUs as fit; a mixture's experts all in RAM."""
    num_layers = len(space.memory.layers)
    in_ram = num_layers if space.memory.experts else 0
    lowest = num_layers - most
    offset = _least(most, lambda count: space.pack(lowest + count, in_ram) is not None)
    first = num_layers if offset is None else lowest + offset
    packed = space.pack(first, in_ram) if first < num_layers else None
    if packed is None:
        return None
    reason = f"the GPUs have room for {num_layers - first} of {num_layers} layers"
    return _plan(space, "layers_split", reason, [RAM] * first + packed, in_ram)


def _from_disk(space: _Space, most: int) -> Plan:
    """Weights stay in their files as far as the RAM has no room; what cannot stay there decides."""
    num_layers = len(space.memory.layers)
    attempts = [_experts_in_ram, _layers_split] if most else []
    plans = [plan for attempt in attempts if (plan := attempt(space, most)) is not None]
    plans.append(_plan(space, "cpu", "", [RAM] * num_layers, num_layers))
    for plan in plans:
        if space.fits(plan, from_disk=True):
            reason = "the RAM has no room for all weights; they are read from the disk again and again"
            return _replaced(plan, "disk", reason)
    return _replaced(plans[-1], "too_large", "neither RAM nor GPUs have room for its cache and buffers")


def _plan(
    space: _Space, where: FitWhere, reason: str, devices: list[int] | None, num_expert_layers_in_ram: int
) -> Plan:
    """A plan from the devices of all layers and, where it is not in RAM, the output layer."""
    assert devices is not None
    num_layers = len(space.memory.layers)
    layers = tuple(devices[:num_layers])
    return Plan(
        where=where,
        reason=reason,
        layers=layers,
        experts=tuple(
            RAM if index < num_expert_layers_in_ram else device for index, device in enumerate(layers)
        ),
        output=devices[num_layers] if len(devices) > num_layers else RAM,
    )


def _replaced(plan: Plan, where: FitWhere, reason: str) -> Plan:
    return Plan(where=where, reason=reason, layers=plan.layers, experts=plan.experts, output=plan.output)


def _least(most: int, holds: Callable[[int], bool]) -> int | None:
    """The smallest count from 0 to `most` for which it holds, where it holds for all larger ones; or None."""
    if not holds(most):
        return None
    low, high = 0, most
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle + 1, high)
    return low
