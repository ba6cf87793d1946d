"""Which part of a model a tensor of a GGUF file belongs to, told from its name.

Names are llama.cpp's (src/llama-arch.cpp, LLM_TENSOR_NAMES). Recipes, the map of a model and the memory
ledger all speak of these parts.
"""

import re
from collections.abc import Iterable
from enum import StrEnum

from engine.library.gguf import TensorInfo

_BLOCK = re.compile(r"blk\.(\d+)\.(.+)")


class Part(StrEnum):
    """What a tensor is for. The order is the one in which people read a model: input to output."""

    EMBEDDING = "embedding"
    ATTENTION = "attention"
    LATENT = "latent attention"  # MLA's projections into and out of the latent
    STATE = "state"  # recurrent layers
    DENSE = "feed-forward"
    ROUTER = "router"
    SHARED_EXPERT = "shared expert"
    EXPERT = "routed experts"
    NORM = "norm"
    MTP = "MTP head"
    OUTPUT = "output"
    OTHER = "other"


_RULES: tuple[tuple[re.Pattern[str], Part], ...] = tuple(
    (re.compile(pattern), part)
    for pattern, part in (
        (r"_norm(_\d)?(\.|$)|^norm", Part.NORM),
        (r"^ffn_gate_inp|^exp_probs_b", Part.ROUTER),
        (r"_shexp(\.|$)", Part.SHARED_EXPERT),
        (r"_(ch)?exps(\.|$)", Part.EXPERT),
        (r"^attn_(q_a|q_b|kv_a_mqa|kv_b|k_b|v_b)(\.|$)", Part.LATENT),
        (r"^attn_", Part.ATTENTION),
        (r"^ffn_", Part.DENSE),
        (r"^(ssm|time_mix|channel_mix|shortconv)_?", Part.STATE),
    )
)
_WHOLE: tuple[tuple[str, Part], ...] = (
    ("output_norm", Part.NORM),
    ("output", Part.OUTPUT),
    ("token_embd_norm", Part.NORM),
    ("token_embd", Part.EMBEDDING),
    ("position_embd", Part.EMBEDDING),
    ("token_types", Part.EMBEDDING),
    ("per_layer_", Part.EMBEDDING),
)


def block_of(name: str) -> int | None:
    """The layer a tensor belongs to; None for what stands outside the layers."""
    match = _BLOCK.match(name)
    return int(match[1]) if match else None


def parts_of(tensors: Iterable[TensorInfo]) -> dict[str, Part]:
    """Every tensor's part by its name, in the order of the tensors.

    A layer that has `nextn` tensors is an MTP layer, and all of it but its norms is the MTP head.
    """
    names = [tensor.name for tensor in tensors]
    mtp_blocks = {block_of(name) for name in names if ".nextn." in name}
    return {name: _part_of(name, mtp_blocks) for name in names}


def _part_of(name: str, mtp_blocks: set[int | None]) -> Part:
    match = _BLOCK.match(name)
    if match is None:
        return next((part for prefix, part in _WHOLE if name.startswith(prefix)), Part.OTHER)
    own = match[2].removeprefix("nextn.")
    part = next((part for pattern, part in _RULES if pattern.search(own)), Part.OTHER)
    if part not in (Part.NORM, Part.ROUTER) and int(match[1]) in mtp_blocks:
        return Part.MTP
    return part
