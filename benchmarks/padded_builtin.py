"""The built-in model made slow without another word: wide idle layers before its own.

An idle layer computes all that a dense layer does and adds nothing, since the outputs of its attention and
of its feed-forward are zero. So the model says the same, its MTP layer guesses as well as ever, and both the
MTP layer and the model itself are small beside it, as with the models that people run.
"""

from pathlib import Path
from typing import Any

import numpy as np
from gguf import GGMLQuantizationType, GGUFReader, GGUFWriter, dequantize

FEED_FORWARD = ("ffn_gate.weight", "ffn_up.weight", "ffn_down.weight")
JOIN = "nextn.eh_proj.weight"  # where the MTP layer joins a token and a hidden state


def write_padded(
    source: Path, target: Path, *, idle_layers: int, width: int, random_guesses: bool = False
) -> Path:
    """Write `source`, a DeepSeek model whose first layer is dense, with so many idle layers before it.

    Their feed-forward, in F32, is `width` wide, and so is that of the first layer, filled up with zeros.
    `random_guesses` makes the MTP layer join its inputs by shuffled weights: its guesses are worth nothing.
    """
    reader = GGUFReader(source)
    writer = GGUFWriter(target, "deepseek2")
    copy_metadata(reader, writer, idle_layers, width)
    random = np.random.default_rng(0)
    for layer in range(idle_layers):
        for tensor in reader.tensors:
            if tensor.name.startswith("blk.0."):
                name = tensor.name.replace("blk.0.", f"blk.{layer}.")
                add(writer, name, *idle(tensor, width, random))
    for tensor in reader.tensors:
        data, kind = np.array(tensor.data), tensor.tensor_type
        if tensor.name.startswith("blk.0.") and tensor.name.endswith(FEED_FORWARD):
            data, kind = widened(tensor, width), GGMLQuantizationType.F32
        if random_guesses and tensor.name.endswith(JOIN):
            data = random.permutation(data)  # (C, 2 C): a hidden state of shuffled values
        add(writer, moved(tensor.name, idle_layers), data, kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return target


def copy_metadata(reader: GGUFReader, writer: GGUFWriter, idle_layers: int, width: int) -> None:
    """All values of the header; the idle layers count as dense ones."""
    for name, field in reader.fields.items():
        if name.startswith("GGUF.") or name == "general.architecture":
            continue
        value = field.contents()
        if name in ("deepseek2.block_count", "deepseek2.leading_dense_block_count"):
            value += idle_layers
        if name == "deepseek2.feed_forward_length":
            value = width
        writer.add_key_value(name, value, field.types[0], field.types[-1] if len(field.types) > 1 else None)


def idle(tensor: Any, width: int, random: np.random.Generator) -> tuple[Any, GGMLQuantizationType]:
    """What stands in place of a tensor of the first layer, and its type."""
    if tensor.name.endswith("attn_output.weight"):
        return np.zeros_like(tensor.data), tensor.tensor_type
    if not tensor.name.endswith(FEED_FORWARD):
        return np.array(tensor.data), tensor.tensor_type
    shape = widened(tensor, width).shape
    is_output = tensor.name.endswith("ffn_down.weight")
    data = np.zeros(shape) if is_output else random.normal(0, 0.05, shape)
    return data.astype(np.float32), GGMLQuantizationType.F32


def widened(tensor: Any, width: int) -> Any:
    """A matrix of a feed-forward, (F, C) or (C, F), with zeros up to `width` in place of F; F32."""
    weights = dequantize(tensor.data, tensor.tensor_type)
    axis = 1 if tensor.name.endswith("ffn_down.weight") else 0
    missing = [(0, 0), (0, 0)]
    missing[axis] = (0, width - weights.shape[axis])
    return np.pad(weights, missing).astype(np.float32)


def add(writer: GGUFWriter, name: str, data: Any, kind: GGMLQuantizationType) -> None:
    """A tensor of a type, its values as that type stores them."""
    writer.add_tensor(name, data, raw_dtype=kind)


def moved(name: str, layers: int) -> str:
    """The name of a tensor whose layer stands so many places further back."""
    if not name.startswith("blk."):
        return name
    _, number, rest = name.split(".", 2)
    return f"blk.{int(number) + layers}.{rest}"
