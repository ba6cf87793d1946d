"""What a dry run says, by part: types and sizes, and which tensors get another type than was asked for."""

from collections.abc import Iterable
from dataclasses import dataclass

from app.translation import format_number, tr, tr_count
from app.workbench.sizes import exact_bytes, size_in_words
from engine.contract.jobs import PlannedTensor, PlanResult
from engine.contract.quantization_types import block_length
from engine.contract.workbench_messages import TensorGroup

MAX_NAMED = 4  # tensors of one reason


@dataclass(frozen=True, slots=True)
class PartPlan:
    """What becomes of one part of a model."""

    part: str
    num_tensors: int
    old_types: str
    new_types: str
    new_bytes: int
    num_fallen_back: int


def plan_parts(tensors: Iterable[PlannedTensor]) -> list[PartPlan]:
    """Every part once, the largest first."""
    by_part: dict[str, list[PlannedTensor]] = {}
    for tensor in tensors:
        by_part.setdefault(tensor.part, []).append(tensor)
    rows = [
        PartPlan(
            part,
            len(inside),
            _types(tensor.old_type for tensor in inside),
            _types(tensor.new_type for tensor in inside),
            sum(tensor.size_bytes for tensor in inside),
            sum(tensor.fell_back for tensor in inside),
        )
        for part, inside in by_part.items()
    ]
    return sorted(rows, key=lambda row: -row.new_bytes)


def planned_groups(plan: PlanResult) -> tuple[TensorGroup, ...]:
    """The plan as the map of a model, so that it can be painted in place of the model as it is."""
    sums: dict[tuple[str, str, str], list[int]] = {}
    for tensor in plan.tensors:
        key = (tensor.part, kind_of(tensor.name), tensor.new_type)
        counted = sums.setdefault(key, [0, 0, 0])
        num_values = 1
        for length in tensor.shape:
            num_values *= length
        for at, more in enumerate((1, num_values, tensor.size_bytes)):
            counted[at] += more
    return tuple(
        TensorGroup(
            part=part,
            kind=kind,
            type=new_type,
            num_tensors=counted[0],
            parameters=counted[1],
            size_bytes=counted[2],
        )
        for (part, kind, new_type), counted in sums.items()
    )


def kind_of(name: str) -> str:
    """A tensor's name without the number of its layer: `ffn_down_exps` of `blk.3.ffn_down_exps.weight`."""
    own = name.split(".", 2)[2] if name.startswith("blk.") and name.count(".") >= 2 else name
    return own.removesuffix(".weight")


def headline(plan: PlanResult) -> str:
    """The size, exactly, beside that of the source."""
    return tr(
        "{size} ({exact}), {percent} % of the source, {bits} bits per weight",
        size=size_in_words(plan.size_bytes),
        exact=exact_bytes(plan.size_bytes),
        percent=format_number(100 * plan.size_bytes / max(plan.source_bytes, 1)),
        bits=format_number(plan.bits_per_weight, 2),
    )


def source_line(plan: PlanResult) -> str:
    """What a source that is quantized already means for the result; nothing to say of any other."""
    if not plan.source_has_lost_bits:
        return ""
    return tr(
        "The source itself has only {bits} bits per weight: what it lost by that does not come back in a "
        "larger type, and comparing with it does not show it.",
        bits=format_number(plan.source_bits_per_weight, 1),
    )


def fallback_lines(plan: PlanResult) -> list[str]:
    """Which tensors get another type than was asked for and why, a line for each reason."""
    by_reason: dict[tuple[str, str, int], list[PlannedTensor]] = {}
    for tensor in plan.tensors:
        if tensor.fell_back:
            key = (tensor.wanted_type, tensor.new_type, tensor.shape[0])
            by_reason.setdefault(key, []).append(tensor)
    return [_fallback_line(*reason, tensors) for reason, tensors in by_reason.items()]


def _fallback_line(wanted: str, taken: str, row_length: int, tensors: list[PlannedTensor]) -> str:
    kinds = list(dict.fromkeys(kind_of(tensor.name) for tensor in tensors))
    named = ", ".join(kinds[:MAX_NAMED]) + (" …" if len(kinds) > MAX_NAMED else "")
    counted = tr_count(len(tensors), "{count} tensor", "{count} tensors")
    block = block_length(wanted)
    if row_length % block == 0:
        return tr(
            "{taken} in place of {wanted} for {tensors} ({names}): llama.cpp wants it so.",
            tensors=counted,
            names=named,
            taken=taken,
            wanted=wanted,
        )
    return tr(
        "{taken} in place of {wanted} for {tensors} ({names}): {wanted} packs {block} weights at a time, "
        "and rows of {length} cannot be cut into such pieces.",
        tensors=counted,
        names=named,
        taken=taken,
        wanted=wanted,
        block=format_number(block),
        length=format_number(row_length),
    )


def _types(names: Iterable[str]) -> str:
    counts: dict[str, int] = {}
    for name in names:
        counts[name] = counts.get(name, 0) + 1
    ordered = sorted(counts, key=lambda name: -counts[name])
    return ", ".join(f"{format_number(counts[name])} × {name}" for name in ordered)
