"""GGUF models of any size with random weights, written as fast as the disk takes them.

A block of each type is quantized once and repeated: what such a model says is noise, what it takes in memory
and what it computes is a real model's. With `hollow` the file has its full length and no data at all.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from gguf import GGMLQuantizationType as Kind
from gguf import GGUFWriter, TokenType
from gguf.constants import GGML_QUANT_SIZES
from gguf.quants import quantize

BLOCK_BYTES = 2**20
ALIGNMENT = 32
_FLOATS = (Kind.F32, Kind.F16, Kind.BF16)


@dataclass(frozen=True, slots=True, kw_only=True)
class RandomModel:
    """A model to be written. `experts` 0 makes it dense, `latent` gives it MLA."""

    architecture: str
    layers: int
    hidden: int
    feed_forward: int
    heads: int
    kv_heads: int
    head_size: int
    vocabulary: int = 32000
    kind: Kind = Kind.Q8_0
    tied: bool = False
    context: int = 32768
    experts: int = 0
    experts_used: int = 2
    expert_feed_forward: int = 0
    shared_experts: int = 0
    dense_layers: int = 0  # at the beginning, in a mixture
    latent: int = 0
    rope: int = 64
    mtp_layers: int = 0
    sliding_window: int = 0

    @property
    def num_blocks(self) -> int:
        """Layers, those of the MTP head too."""
        return self.layers + self.mtp_layers


SMALL = RandomModel(  # of SmolLM2-135M's sizes: about the smallest that people talk to
    architecture="llama",
    layers=30,
    hidden=576,
    feed_forward=1536,
    heads=9,
    kv_heads=3,
    head_size=64,
    vocabulary=49152,
    tied=True,
)


def write_random_model(path: Path, model: RandomModel, *, hollow: bool = False, seed: int = 0) -> Path:
    """Write a model's file; `hollow` leaves its data out, for whoever reads headers only."""
    writer = GGUFWriter(path, model.architecture)
    _write_numbers(writer, model)
    _write_vocabulary(writer, model.vocabulary)
    tensors = [(name, shape, _kind_of(model, name, shape)) for name, shape in _tensors(model)]
    for name, shape, kind in tensors:
        bytes_shape = (*shape[:-1], _num_bytes((shape[-1],), kind))
        writer.add_tensor_info(name, bytes_shape, np.dtype(np.uint8), _num_bytes(shape, kind), raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_ti_data_to_file()
    writer.close()
    with path.open("ab") as file:
        data_start = _padded(file.seek(0, 2))
        file.truncate(data_start)
        if hollow:
            file.truncate(data_start + sum(_padded(_num_bytes(shape, kind)) for _, shape, kind in tensors))
            return path
        file.seek(0, 2)
        blocks = {kind: _block(kind, seed) for kind in {kind for _, _, kind in tensors}}
        for _, shape, kind in tensors:
            size = _num_bytes(shape, kind)
            whole, rest = divmod(size, len(blocks[kind]))
            for _ in range(whole):
                file.write(blocks[kind])
            file.write(blocks[kind][:rest] + bytes(_padded(size) - size))
    return path


def _tensors(model: RandomModel) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Names and shapes, the outermost dimension first."""
    yield "token_embd.weight", (model.vocabulary, model.hidden)
    yield "output_norm.weight", (model.hidden,)
    if not model.tied:
        yield "output.weight", (model.vocabulary, model.hidden)
    for layer in range(model.num_blocks):
        block = f"blk.{layer}"
        yield f"{block}.attn_norm.weight", (model.hidden,)
        yield f"{block}.ffn_norm.weight", (model.hidden,)
        yield from (_latent_attention if model.latent else _grouped_attention)(block, model)
        is_mixture = model.experts and layer >= model.dense_layers
        yield from (_mixture if is_mixture else _dense)(block, model)
        if layer >= model.layers:
            yield f"{block}.nextn.eh_proj.weight", (model.hidden, 2 * model.hidden)
            for norm in ("enorm", "hnorm", "shared_head_norm"):
                yield f"{block}.nextn.{norm}.weight", (model.hidden,)


def _grouped_attention(block: str, model: RandomModel) -> Iterator[tuple[str, tuple[int, ...]]]:
    yield f"{block}.attn_q.weight", (model.heads * model.head_size, model.hidden)
    yield f"{block}.attn_k.weight", (model.kv_heads * model.head_size, model.hidden)
    yield f"{block}.attn_v.weight", (model.kv_heads * model.head_size, model.hidden)
    yield f"{block}.attn_output.weight", (model.hidden, model.heads * model.head_size)
    if model.architecture in ("qwen3", "qwen3moe", "gemma3"):
        yield f"{block}.attn_q_norm.weight", (model.head_size,)
        yield f"{block}.attn_k_norm.weight", (model.head_size,)
    if model.architecture == "gemma3":
        yield f"{block}.post_attention_norm.weight", (model.hidden,)
        yield f"{block}.post_ffw_norm.weight", (model.hidden,)
    if model.architecture in ("qwen2", "qwen2moe"):
        yield f"{block}.attn_q.bias", (model.heads * model.head_size,)
        yield f"{block}.attn_k.bias", (model.kv_heads * model.head_size,)
        yield f"{block}.attn_v.bias", (model.kv_heads * model.head_size,)


def _latent_attention(block: str, model: RandomModel) -> Iterator[tuple[str, tuple[int, ...]]]:
    query = model.hidden // 2
    yield f"{block}.attn_q_a.weight", (query, model.hidden)
    yield f"{block}.attn_q_a_norm.weight", (query,)
    yield f"{block}.attn_q_b.weight", (model.heads * (model.head_size + model.rope), query)
    yield f"{block}.attn_kv_a_mqa.weight", (model.latent + model.rope, model.hidden)
    yield f"{block}.attn_kv_a_norm.weight", (model.latent,)
    yield f"{block}.attn_k_b.weight", (model.heads, model.latent, model.head_size)
    yield f"{block}.attn_v_b.weight", (model.heads, model.head_size, model.latent)
    yield f"{block}.attn_output.weight", (model.hidden, model.heads * model.head_size)


def _dense(block: str, model: RandomModel) -> Iterator[tuple[str, tuple[int, ...]]]:
    yield f"{block}.ffn_gate.weight", (model.feed_forward, model.hidden)
    yield f"{block}.ffn_up.weight", (model.feed_forward, model.hidden)
    yield f"{block}.ffn_down.weight", (model.hidden, model.feed_forward)


def _mixture(block: str, model: RandomModel) -> Iterator[tuple[str, tuple[int, ...]]]:
    width = model.expert_feed_forward
    yield f"{block}.ffn_gate_inp.weight", (model.experts, model.hidden)
    if model.latent:
        yield f"{block}.exp_probs_b.bias", (model.experts,)
    yield f"{block}.ffn_gate_exps.weight", (model.experts, width, model.hidden)
    yield f"{block}.ffn_up_exps.weight", (model.experts, width, model.hidden)
    yield f"{block}.ffn_down_exps.weight", (model.experts, model.hidden, width)
    if shared := model.shared_experts * width:
        yield f"{block}.ffn_gate_shexp.weight", (shared, model.hidden)
        yield f"{block}.ffn_up_shexp.weight", (shared, model.hidden)
        yield f"{block}.ffn_down_shexp.weight", (model.hidden, shared)


def _write_numbers(writer: GGUFWriter, model: RandomModel) -> None:
    numbers: dict[str, int] = {
        "block_count": model.num_blocks,
        "context_length": model.context,
        "embedding_length": model.hidden,
        "feed_forward_length": model.feed_forward,
        "vocab_size": model.vocabulary,
        "attention.head_count": model.heads,
        "attention.head_count_kv": 1 if model.latent else model.kv_heads,
        "attention.key_length": model.latent + model.rope if model.latent else model.head_size,
        "attention.value_length": model.latent or model.head_size,
        "rope.dimension_count": model.rope if model.latent else model.head_size,
    }
    if model.experts:
        numbers |= {
            "expert_count": model.experts,
            "expert_used_count": model.experts_used,
            "expert_feed_forward_length": model.expert_feed_forward,
            "expert_shared_count": model.shared_experts,
            "leading_dense_block_count": model.dense_layers,
            "expert_gating_func": 2 if model.latent else 1,
            "expert_group_count": 1,
            "expert_group_used_count": 1,
        }
    if model.latent:
        numbers |= {
            "attention.q_lora_rank": model.hidden // 2,
            "attention.kv_lora_rank": model.latent,
            "attention.key_length_mla": model.head_size + model.rope,
            "attention.value_length_mla": model.head_size,
            "nextn_predict_layers": model.mtp_layers,
        }
    if model.sliding_window:
        numbers["attention.sliding_window"] = model.sliding_window
    for name, number in numbers.items():
        writer.add_uint32(f"{model.architecture}.{name}", number)
    writer.add_name("Random")
    writer.add_layer_norm_rms_eps(1e-6)
    writer.add_float32(f"{model.architecture}.rope.freq_base", 10000.0)
    if model.experts:
        writer.add_float32(f"{model.architecture}.expert_weights_scale", 1.0)


def _write_vocabulary(writer: GGUFWriter, size: int) -> None:
    """Bytes, and as many more tokens as there have to be."""
    spare = size - 259
    writer.add_tokenizer_model("llama")
    writer.add_token_list(
        ["<unk>", "<s>", "</s>", *(f"<0x{b:02X}>" for b in range(256)), *(f"word{n}" for n in range(spare))]
    )
    writer.add_token_scores([0.0] * size)
    kinds = [TokenType.UNKNOWN, TokenType.CONTROL, TokenType.CONTROL]
    writer.add_token_types([*kinds, *[TokenType.BYTE] * 256, *[TokenType.NORMAL] * spare])
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)


def _kind_of(model: RandomModel, name: str, shape: tuple[int, ...]) -> Kind:
    if len(shape) == 1 or "ffn_gate_inp" in name:
        return Kind.F32
    fits = shape[-1] % GGML_QUANT_SIZES[model.kind][0] == 0
    return model.kind if fits else Kind.Q8_0


def _num_bytes(shape: tuple[int, ...], kind: Kind) -> int:
    values, size = GGML_QUANT_SIZES[kind]
    return prod(shape) // int(values) * int(size)


def _padded(size: int) -> int:
    return -(-size // ALIGNMENT) * ALIGNMENT


def _block(kind: Kind, seed: int) -> bytes:
    """About a megabyte of random weights of one type."""
    random = np.random.default_rng(seed)
    values: Any = random.normal(0, 0.02, (256, 1024)).astype(np.float32)
    if kind in (Kind.Q4_K, Kind.Q6_K, Kind.Q5_K, Kind.Q3_K, Kind.Q2_K):
        return _k_quant_block(kind, random)
    return bytes(quantize(values, kind).tobytes())


def _k_quant_block(kind: Kind, random: np.random.Generator) -> bytes:
    """Random quants under small scales: gguf-py can read these types and not write them."""
    size = GGML_QUANT_SIZES[kind][1]
    blocks = random.integers(0, 256, (BLOCK_BYTES // size, size), dtype=np.uint8)
    scale = np.frombuffer(np.float16(1e-4).tobytes(), np.uint8)
    for place in {
        Kind.Q4_K: (0, 2),
        Kind.Q5_K: (0, 2),
        Kind.Q6_K: (208,),
        Kind.Q3_K: (108,),
        Kind.Q2_K: (80, 82),
    }[kind]:
        blocks[:, place : place + 2] = scale
    return blocks.tobytes()
