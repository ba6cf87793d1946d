"""The groups of tensors that get one type each: what a tensor does, and in which third of the model.

The first and the last layers usually bear less than those between; tensors that llama.cpp never quantizes
(norms, routers, anything with one dimension) belong to no group.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from engine.library.gguf import TensorInfo
from engine.library.tensor_parts import Part, block_of, parts_of
from engine.quantization.recipe import Rule

BANDS = ("first", "middle", "last")
_NEVER_QUANTIZED = (Part.NORM, Part.ROUTER, Part.OTHER)
_SAME_INPUT = {"ffn_up": "ffn_gate", "ffn_up_exps": "ffn_gate_exps", "ffn_up_shexp": "ffn_gate_shexp"}


@dataclass(frozen=True, slots=True)
class TensorGroup:
    """Tensors that share a type."""

    name: str  # for people: "routed experts ffn_down_exps, last third"
    tensors: tuple[str, ...]

    def rule(self, kind: str) -> Rule:
        """The recipe's rule that gives this group a type."""
        return Rule(type=kind, tensors="^(" + "|".join(map(re.escape, self.tensors)) + ")$")


def group_tensors(tensors: Sequence[TensorInfo], num_bands: int = len(BANDS)) -> tuple[TensorGroup, ...]:
    """The groups of a model, in the order of their first tensors."""
    parts = parts_of(tensors)
    num_layers = 1 + max((layer for t in tensors if (layer := block_of(t.name)) is not None), default=-1)
    found: dict[str, list[str]] = {}
    for tensor in tensors:
        if len(tensor.shape) > 1 and parts[tensor.name] not in _NEVER_QUANTIZED:
            found.setdefault(_group_name(tensor.name, parts, num_layers, num_bands), []).append(tensor.name)
    return tuple(TensorGroup(name, tuple(names)) for name, names in found.items())


def _group_name(name: str, parts: Mapping[str, Part], num_layers: int, num_bands: int) -> str:
    part, layer = parts[name], block_of(name)
    if layer is None or part == Part.MTP:
        return str(part)
    kind = name.split(".")[2]
    kind = _SAME_INPUT.get(kind, kind)
    if num_bands == 1 or num_layers < 2 * num_bands:
        return f"{part} {kind}"
    band = BANDS[layer * num_bands // num_layers]
    return f"{part} {kind}, {band} third"
