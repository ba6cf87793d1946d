"""What a layout says of a model: what its file tells llama.cpp, and where every tensor comes from.

A layout sees the configuration alone, never a weight: the same description is checked against the headers
before anything is written, and followed one tensor at a time when it is.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.quantization.gguf_file import Array, Value
from engine.transformer.config import ModelConfig

Arrange = Callable[[Array], Array]


def unchanged(values: Array) -> Array:
    """The values as they are."""
    return values


@dataclass(frozen=True, slots=True, kw_only=True)
class Mapped:
    """One tensor of the file: its sources, each put in order, one after the other."""

    name: str  # llama.cpp's
    sources: tuple[str, ...]  # the checkpoint's, all of one shape
    source_shape: tuple[int, ...]
    shape: tuple[int, ...]  # outermost dimension first
    arrange: Arrange = unchanged  # of one source
    is_optional: bool = False  # left out where the checkpoint has none of its sources


@dataclass(frozen=True, slots=True, kw_only=True)
class Computed:
    """A tensor of the file that follows from the configuration."""

    name: str
    values: NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """One architecture of llama.cpp and how a checkpoint becomes a file of it."""

    architecture: str
    hyperparameters: Callable[[ModelConfig], dict[str, Value]]  # without the architecture's prefix
    tensors: Callable[[ModelConfig], Iterator[Mapped | Computed]]
    problem: Callable[
        [ModelConfig], str
    ]  # why llama.cpp would compute something else; empty where it would not
    notes: Callable[[ModelConfig], tuple[str, ...]] = lambda _: ()  # what it computes a little otherwise


def plain(source: str, name: str, *shape: int, arrange: Arrange = unchanged) -> Mapped:
    """A tensor that keeps its shape."""
    return Mapped(name=name, sources=(source,), source_shape=shape, shape=shape, arrange=arrange)


def whole_model(config: ModelConfig, *, writes_tied_output: bool = False) -> Iterator[Mapped]:
    """Embedding, last norm and output matrix.

    A tied output matrix is the embedding, which llama.cpp takes by itself for most architectures.
    """
    embedding = (config.vocabulary_size, config.hidden_size)
    yield plain("model.embed_tokens.weight", "token_embd.weight", *embedding)
    yield plain("model.norm.weight", "output_norm.weight", config.hidden_size)
    if not config.has_tied_embeddings:
        yield plain("lm_head.weight", "output.weight", *embedding)
    elif writes_tied_output:
        yield plain("model.embed_tokens.weight", "output.weight", *embedding)


def layer_norms(config: ModelConfig, layer: int) -> Iterator[Mapped]:
    """The norms before attention and before the feed-forward part."""
    for source, name in (("input_layernorm", "attn_norm"), ("post_attention_layernorm", "ffn_norm")):
        yield plain(f"model.layers.{layer}.{source}.weight", f"blk.{layer}.{name}.weight", config.hidden_size)


def feed_forward(
    config: ModelConfig, source: str, layer: int, size: int, *, suffix: str = ""
) -> Iterator[Mapped]:
    """The three matrices of a gated feed-forward part, with biases where the model has them."""
    for side in ("gate", "up", "down"):
        rows, columns = (config.hidden_size, size) if side == "down" else (size, config.hidden_size)
        name = f"blk.{layer}.ffn_{side}{suffix}"
        yield plain(f"{source}.{side}_proj.weight", f"{name}.weight", rows, columns)
        if config.feed_forward_bias:
            yield plain(f"{source}.{side}_proj.bias", f"{name}.bias", rows)


def experts(config: ModelConfig, layer: int) -> Iterator[Mapped]:
    """The router and the routed experts, all of a layer in one tensor per side."""
    moe, size = config.moe, config.hidden_size
    assert moe is not None
    prefix = f"model.layers.{layer}.mlp"
    yield plain(f"{prefix}.gate.weight", f"blk.{layer}.ffn_gate_inp.weight", moe.num_experts, size)
    for side in ("gate", "up", "down"):
        shape = (size, moe.expert_size) if side == "down" else (moe.expert_size, size)
        yield Mapped(
            name=f"blk.{layer}.ffn_{side}_exps.weight",
            sources=tuple(f"{prefix}.experts.{n}.{side}_proj.weight" for n in range(moe.num_experts)),
            source_shape=shape,
            shape=(moe.num_experts, *shape),
        )


def common_hyperparameters(config: ModelConfig) -> dict[str, Value]:
    """What every architecture is told."""
    return {
        "block_count": config.num_layers,
        "context_length": config.context_length,
        "embedding_length": config.hidden_size,
        "feed_forward_length": config.feed_forward_size,
        "vocab_size": config.vocabulary_size,
        "attention.head_count": config.attention.num_heads,
        "attention.layer_norm_rms_epsilon": config.norm_eps,
        "rope.freq_base": config.rope.theta,
    }


def expert_hyperparameters(config: ModelConfig) -> dict[str, Value]:
    """What every architecture with experts is told."""
    moe = config.moe
    assert moe is not None
    return {
        "expert_count": moe.num_experts,
        "expert_used_count": moe.experts_per_token,
        "expert_feed_forward_length": moe.expert_size,
    }
