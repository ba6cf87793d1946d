"""A real GGUF model small enough to write in a test: random weights, one token per byte."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from gguf import GGUFWriter, TokenType

VOCABULARY_SIZE = 259  # unknown, begin, end, and the 256 bytes
CONTEXT = 1024


@dataclass(frozen=True, slots=True)
class Shape:
    """The sizes of a Llama."""

    hidden: int
    layers: int
    heads: int
    feed_forward: int


TINY = Shape(hidden=64, layers=2, heads=4, feed_forward=128)  # 0.1 M parameters
MEDIUM = Shape(hidden=512, layers=16, heads=8, feed_forward=1408)  # 51 M parameters
HIDDEN, LAYERS, HEADS, FEED_FORWARD = TINY.hidden, TINY.layers, TINY.heads, TINY.feed_forward


def add_byte_vocabulary(writer: GGUFWriter) -> None:
    """One token per byte, after an unknown, a begin and an end token."""
    writer.add_vocab_size(VOCABULARY_SIZE)
    writer.add_tokenizer_model("llama")
    writer.add_token_list(["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256))])
    writer.add_token_scores([0.0] * VOCABULARY_SIZE)
    writer.add_token_types([TokenType.UNKNOWN, TokenType.CONTROL, TokenType.CONTROL, *[TokenType.BYTE] * 256])
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)


def write_tiny_model(
    path: Path,
    *,
    seed: int = 0,
    chat_template: str = "",
    name: str = "Tiny",
    shape: Shape = TINY,
    tensors_per_file: int = 0,
) -> Path:
    """Write a Llama of random parameters; `tensors_per_file` cuts it into parts and answers the first."""
    random = np.random.default_rng(seed)
    writer = GGUFWriter(path, "llama", split_max_tensors=tensors_per_file)
    writer.add_name(name)
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(shape.hidden)
    writer.add_block_count(shape.layers)
    writer.add_feed_forward_length(shape.feed_forward)
    writer.add_head_count(shape.heads)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(shape.hidden // shape.heads)
    add_byte_vocabulary(writer)
    if chat_template:
        writer.add_chat_template(chat_template)

    def add(tensor: str, *shape: int) -> None:
        weights = random.normal(0, 1 / np.sqrt(shape[-1]), shape) if len(shape) > 1 else np.ones(shape)
        writer.add_tensor(tensor, weights.astype(np.float32))

    add("token_embd.weight", VOCABULARY_SIZE, shape.hidden)
    for layer in range(shape.layers):
        block = f"blk.{layer}"
        for norm in ("attn_norm", "ffn_norm"):
            add(f"{block}.{norm}.weight", shape.hidden)
        for projection in ("attn_q", "attn_k", "attn_v", "attn_output"):
            add(f"{block}.{projection}.weight", shape.hidden, shape.hidden)
        add(f"{block}.ffn_gate.weight", shape.feed_forward, shape.hidden)
        add(f"{block}.ffn_up.weight", shape.feed_forward, shape.hidden)
        add(f"{block}.ffn_down.weight", shape.hidden, shape.feed_forward)
    add("output_norm.weight", shape.hidden)
    add("output.weight", VOCABULARY_SIZE, shape.hidden)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return next(path.parent.glob(f"{path.stem}-00001-of-*.gguf")) if tensors_per_file else path
