"""The shape of a model from its headers: a GGUF file's, or a checkpoint's configuration and tensors.

A header does, so that of a remote file is as good as a file here. A checkpoint's numbers get the names
that GGUF has for them, and its tensors the parts of `tensor_parts`.
"""

import re
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from engine.contract.model_shape import OUTSIDE, ModelShape, WeightPart, Weights
from engine.library.checkpoint import Checkpoint, read_checkpoint
from engine.library.gguf import ArrayValue, GgufHeader, MetadataValue, read_header
from engine.library.tensor_parts import Part, block_of, parts_of

_PARTS: dict[Part, WeightPart] = {
    Part.EMBEDDING: "embedding",
    Part.OUTPUT: "output",
    Part.EXPERT: "expert",
    Part.MTP: "mtp",
}
_CHECKPOINT_LAYER = re.compile(r"(?:^|\.)layers\.(\d+)\.(.*)")
_CHECKPOINT_NUMBERS = {
    "block_count": ("num_hidden_layers",),
    "context_length": ("max_position_embeddings",),
    "embedding_length": ("hidden_size",),
    "feed_forward_length": ("intermediate_size",),
    "leading_dense_block_count": ("first_k_dense_replace",),
    "nextn_predict_layers": ("num_nextn_predict_layers",),
    "attention.head_count": ("num_attention_heads",),
    "attention.head_count_kv": ("num_key_value_heads", "num_attention_heads"),
    "attention.key_length": ("head_dim",),
    "attention.value_length": ("head_dim",),
    "attention.kv_lora_rank": ("kv_lora_rank",),
    "rope.dimension_count": ("qk_rope_head_dim",),
    "expert_count": ("n_routed_experts", "num_experts", "num_local_experts"),
    "expert_used_count": ("num_experts_per_tok",),
    "expert_feed_forward_length": ("moe_intermediate_size",),
}

_Tensor = tuple[int, WeightPart, str, int, int]  # layer, part, type, values, bytes


def read_shape(path: Path) -> ModelShape:
    """The shape of a file or of a checkpoint's folder; raises what reading their headers raises."""
    return shape_of_checkpoint(read_checkpoint(path)) if path.is_dir() else shape_of_header(read_header(path))


def shape_of_header(header: GgufHeader) -> ModelShape:
    """The shape of a GGUF model."""
    parts = parts_of(header.tensors)
    tensors: list[_Tensor] = []
    embedding_bytes = 0
    for tensor in header.tensors:
        layer = block_of(tensor.name)
        part = _PARTS.get(parts[tensor.name], "dense")
        tensors.append(
            (
                OUTSIDE if layer is None else layer,
                part,
                tensor.type.name,
                tensor.num_values,
                tensor.size_bytes,
            )
        )
        if tensor.name == "token_embd.weight":
            embedding_bytes = tensor.size_bytes
    has_output = any(tensor.name == "output.weight" for tensor in header.tensors)
    return ModelShape(
        name=header.text("general.name") or header.path.stem,
        format="gguf",
        architecture=header.architecture,
        numbers=_gguf_numbers(header),
        weights=_summed(tensors),
        vocabulary_size=header.length("tokenizer.ggml.tokens") or header.hyperparameter("vocab_size"),
        tied_output_bytes=0 if has_output else embedding_bytes,
    )


def shape_of_checkpoint(checkpoint: Checkpoint) -> ModelShape:
    """The shape of a folder of safetensors."""
    num_layers = checkpoint.number("num_hidden_layers")
    tensors = [
        (*_place_in_checkpoint(name, num_layers), info.dtype, info.num_values, info.size_bytes)
        for name, (_, info) in checkpoint.tensors.items()
    ]
    numbers: dict[str, int | tuple[int, ...]] = {
        ours: value for ours, theirs in _CHECKPOINT_NUMBERS.items() if (value := checkpoint.number(*theirs))
    }
    numbers["block_count"] = num_layers + checkpoint.number("num_nextn_predict_layers")
    embedding = next(
        (i for n, (_, i) in checkpoint.tensors.items() if n.endswith("embed_tokens.weight")), None
    )
    is_tied = not any(name.endswith("lm_head.weight") for name in checkpoint.tensors)
    return ModelShape(
        name=checkpoint.folder.name,
        format="checkpoint",
        architecture=str(checkpoint.config.get("model_type", "")),
        numbers=numbers,
        weights=_summed(tensors),
        vocabulary_size=checkpoint.number("vocab_size"),
        tied_output_bytes=embedding.size_bytes if is_tied and embedding is not None else 0,
    )


def _gguf_numbers(header: GgufHeader) -> dict[str, int | tuple[int, ...]]:
    """The whole numbers under the architecture's own prefix, lists of them too."""
    prefix = f"{header.architecture}."
    return {
        key.removeprefix(prefix): number
        for key, value in header.metadata.items()
        if key.startswith(prefix) and (number := _as_number(value)) is not None
    }


def _as_number(value: MetadataValue) -> int | tuple[int, ...] | None:
    if isinstance(value, ArrayValue):
        whole = tuple(int(one) for one in value.values if isinstance(one, int))
        return whole if whole and len(whole) == value.length else None
    return int(value) if isinstance(value, int) else None


def _place_in_checkpoint(name: str, num_layers: int) -> tuple[int, WeightPart]:
    match = _CHECKPOINT_LAYER.search(name)
    if match is None:
        part: WeightPart = "dense"
        if name.endswith("embed_tokens.weight"):
            part = "embedding"
        elif name.endswith("lm_head.weight"):
            part = "output"
        return OUTSIDE, part
    layer = int(match[1])
    if layer >= num_layers:  # DeepSeek-V3 numbers its MTP layers on
        return layer, "mtp"
    return layer, "expert" if ".experts." in f".{match[2]}" else "dense"


def _summed(tensors: Iterable[_Tensor]) -> tuple[Weights, ...]:
    sums: dict[tuple[int, WeightPart, str], list[int]] = defaultdict(lambda: [0, 0])
    for layer, part, kind, num_values, size_bytes in tensors:
        group = sums[layer, part, kind]
        group[0] += num_values
        group[1] += size_bytes
    return tuple(
        Weights(layer, part, kind, num_values, size_bytes)
        for (layer, part, kind), (num_values, size_bytes) in sorted(sums.items())
    )
