"""The settings that are tried: one axis after the other, the one that usually brings most first.

Only what changes no answer's quality is tried freely; a KV cache in 8 bits has to be clearly faster.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from engine.contract.params import LayerPlacement, LoadParams
from engine.contract.tuning_messages import TuningAxis

LEAST_GAIN = 0.03  # of the time; less is within what a machine's speed wanders
LEAST_GAIN_OF_FEWER_BITS = 0.08  # what the KV cache loses has to be worth it
BATCH_SIZES = (128, 256, 1024, 2048)
DRAFTS = (None, 1, 3)  # None: as many as pay, measured while it answers


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """What the search has to know of the computer and of the model on it."""

    processors: int  # that may be used
    cores: int
    default_threads: int  # that LoadParams.threads None comes to
    placement: LayerPlacement | None = None  # the ledger's; None where nothing is on a GPU
    expert_layers: tuple[int, ...] = ()  # layers with routed experts


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """One thing that is varied."""

    name: TuningAxis
    options: tuple[Mapping[str, object], ...]  # fields of LoadParams that are replaced
    least_gain: float = LEAST_GAIN


def axes(machine: Machine, *, is_torch: bool = False) -> tuple[Axis, ...]:
    """Everything worth trying; the values that the default has are among what they are compared with."""
    found = [
        Axis(name="placement", options=tuple({"placement": p} for p in _placements(machine))),
        Axis(name="threads", options=tuple({"threads": n} for n in _threads(machine))),
        Axis(name="drafts", options=tuple({"draft_tokens": n} for n in DRAFTS)),
        Axis(name="batch size", options=tuple({"batch_size": n} for n in BATCH_SIZES)),
    ]
    if not is_torch:
        found += [
            Axis(name="flash attention", options=({"flash_attention": "off"}, {"flash_attention": "on"})),
            Axis(
                name="KV type",
                options=({"kv_type": "q8_0", "kv_type_v": None},),
                least_gain=LEAST_GAIN_OF_FEWER_BITS,
            ),
        ]
    return tuple(axis for axis in found if axis.options)


def untuned(own: LoadParams) -> LoadParams:
    """What the user set of things that are not tuned, and the defaults of those that are."""
    default = LoadParams()
    return replace(
        own,
        threads=default.threads,
        placement=default.placement,
        batch_size=default.batch_size,
        kv_type=default.kv_type,
        kv_type_v=default.kv_type_v,
        flash_attention=default.flash_attention,
        draft_tokens=None if own.draft_model else default.draft_tokens,
    )


def _threads(machine: Machine) -> list[int]:
    cores, processors = machine.cores, machine.processors
    wanted = {cores // 2, cores * 3 // 4, cores, (cores + processors) // 2, processors}
    return sorted(n for n in wanted if 1 <= n <= processors and n != machine.default_threads)


def _placements(machine: Machine) -> list[LayerPlacement]:
    """The routed experts of more and of fewer layers in RAM than the ledger says; nothing on GPUs."""
    placed = machine.placement
    if placed is None or not placed.gpu_layers:
        return []
    layers, now = machine.expert_layers, len(placed.expert_layers_in_ram)
    step = max(1, len(layers) // 8)
    counts = sorted({min(max(now + change, 0), len(layers)) for change in (-step, step)} - {now})
    fewer_or_more = [replace(placed, expert_layers_in_ram=layers[:count]) for count in counts]
    return [*fewer_or_more, LayerPlacement(gpu_layers=0)]
