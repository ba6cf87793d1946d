"""The parts of a model in words, and the groups of its map in few of them."""

from collections.abc import Iterable
from dataclasses import dataclass

from app.translation import format_number, mark, tr, tr_count
from app.workbench.sizes import size_in_words
from engine.contract.workbench_messages import TensorGroup

PART_NAMES: dict[str, str] = {  # by the engine's names, in the order in which people read a model
    "embedding": mark("Embedding"),
    "attention": mark("Attention"),
    "latent attention": mark("Latent attention (MLA)"),
    "state": mark("Recurrent state"),
    "feed-forward": mark("Feed-forward"),
    "router": mark("Routers"),
    "shared expert": mark("Shared experts"),
    "routed experts": mark("Routed experts"),
    "norm": mark("Norms"),
    "MTP head": mark("MTP head"),
    "output": mark("Output head"),
    "other": mark("Other tensors"),
}


def part_name(part: str) -> str:
    """A part for people; one that a later engine tells of keeps its own name."""
    return tr(PART_NAMES[part]) if part in PART_NAMES else part


@dataclass(frozen=True, slots=True)
class PartTotal:
    """A part of a model with everything in it."""

    part: str
    num_tensors: int
    parameters: int
    size_bytes: int
    types: tuple[str, ...]  # the one with the most bytes first


def part_totals(groups: Iterable[TensorGroup]) -> list[PartTotal]:
    """Every part once, in the order of the groups."""
    by_part: dict[str, list[TensorGroup]] = {}
    for group in groups:
        by_part.setdefault(group.part, []).append(group)
    return [
        PartTotal(
            part,
            sum(group.num_tensors for group in inside),
            sum(group.parameters for group in inside),
            sum(group.size_bytes for group in inside),
            _types(inside),
        )
        for part, inside in by_part.items()
    ]


def describe_group(group: TensorGroup, whole_bytes: int) -> str:
    """A group of tensors in one line."""
    tensors = tr_count(group.num_tensors, "{count} tensor", "{count} tensors")
    return tr(
        "{part}, {kind}: {type}, {size} ({percent} %), {tensors}",
        part=part_name(group.part),
        kind=group.kind,
        type=group.type,
        size=size_in_words(group.size_bytes),
        percent=format_number(100 * group.size_bytes / max(whole_bytes, 1), 1),
        tensors=tensors,
    )


def _types(groups: Iterable[TensorGroup]) -> tuple[str, ...]:
    sizes: dict[str, int] = {}
    for group in groups:
        sizes[group.type] = sizes.get(group.type, 0) + group.size_bytes
    return tuple(sorted(sizes, key=lambda name: -sizes[name]))
