"""What a model consists of: its tensors by what they do, with the layers added up.

Reads headers only. Names of checkpoints are those of `transformers`' modelling files.
"""

import re
from collections.abc import Iterable
from pathlib import Path

from engine.contract.workbench_messages import TensorGroup
from engine.library.checkpoint import Checkpoint, read_checkpoint
from engine.library.gguf import GgufHeader, read_header
from engine.library.tensor_parts import Part, block_of, parts_of

_LAYER = re.compile(r"^(?:model\.)?layers\.(\d+)\.(.+)")
_NUMBER = re.compile(r"(?<=\.)\d+\.")
_RULES: tuple[tuple[re.Pattern[str], Part], ...] = tuple(
    (re.compile(pattern), part)
    for pattern, part in (
        (r"(layer|(^|[._]))norm(\.|$)", Part.NORM),
        (r"^mlp\.gate\.|^block_sparse_moe\.gate\.|router|^mlp\.shared_expert_gate\.", Part.ROUTER),
        (r"shared_expert", Part.SHARED_EXPERT),
        (r"\.experts\.", Part.EXPERT),
        (r"^self_attn\.(q_a|q_b|kv_a|kv_b)_proj", Part.LATENT),
        (r"^(self_attn|attention)\.", Part.ATTENTION),
        (r"^(mlp|feed_forward)\.", Part.DENSE),
    )
)


def map_model(path: Path) -> tuple[GgufHeader | Checkpoint, tuple[TensorGroup, ...]]:
    """The header of a GGUF model or a checkpoint, and its groups; raises ModelError."""
    if path.is_dir():
        checkpoint = read_checkpoint(path)
        return checkpoint, _group(_checkpoint_tensors(checkpoint))
    header = read_header(path)
    return header, _group(_gguf_tensors(header))


def checkpoint_part(name: str, num_layers: int) -> Part:
    """The part that a checkpoint's tensor belongs to; layers from `num_layers` on are MTP layers."""
    match = _LAYER.match(name)
    if match is None:
        whole = {"embed_tokens": Part.EMBEDDING, "lm_head": Part.OUTPUT, "norm": Part.NORM}
        return next((part for word, part in whole.items() if word in name), Part.OTHER)
    part = next((part for pattern, part in _RULES if pattern.search(match[2])), Part.OTHER)
    is_mtp = num_layers > 0 and int(match[1]) >= num_layers
    return Part.MTP if is_mtp and part not in (Part.NORM, Part.ROUTER) else part


_Row = tuple[Part, str, str, int, int]  # part, kind, type, weights, bytes


def _gguf_tensors(header: GgufHeader) -> Iterable[_Row]:
    parts = parts_of(header.tensors)
    for tensor in header.tensors:
        own = tensor.name if block_of(tensor.name) is None else tensor.name.split(".", 2)[2]
        kind = own.removesuffix(".weight")
        yield parts[tensor.name], kind, tensor.type.name, tensor.num_values, tensor.size_bytes


def _checkpoint_tensors(checkpoint: Checkpoint) -> Iterable[_Row]:
    num_layers = checkpoint.number("num_hidden_layers")
    for name, (_, tensor) in checkpoint.tensors.items():
        match = _LAYER.match(name)
        kind = _NUMBER.sub("", match[2] if match else name).removesuffix(".weight")
        yield checkpoint_part(name, num_layers), kind, tensor.dtype, tensor.num_values, tensor.size_bytes


def _group(tensors: Iterable[_Row]) -> tuple[TensorGroup, ...]:
    sums: dict[tuple[Part, str, str], list[int]] = {}
    for part, kind, type_name, num_values, size_bytes in tensors:
        counted = sums.setdefault((part, kind, type_name), [0, 0, 0])
        for at, more in enumerate((1, num_values, size_bytes)):
            counted[at] += more
    order = list(Part)
    return tuple(
        TensorGroup(
            part=str(part),
            kind=kind,
            type=type_name,
            num_tensors=counted[0],
            parameters=counted[1],
            size_bytes=counted[2],
        )
        for (part, kind, type_name), counted in sorted(
            sums.items(), key=lambda entry: (order.index(entry[0][0]), -entry[1][2])
        )
    )
