"""What the layouts with grouped-query attention share."""

from collections.abc import Iterator

from engine.quantization.gguf_file import Value
from engine.quantization.layouts.layout import (
    Arrange,
    Mapped,
    common_hyperparameters,
    feed_forward,
    layer_norms,
    plain,
    unchanged,
    whole_model,
)
from engine.quantization.layouts.rope_metadata import grouped_rope, rope_problem
from engine.transformer.config import GqaConfig, ModelConfig


def grouped_hyperparameters(config: ModelConfig) -> dict[str, Value]:
    """What llama.cpp is told of a model with grouped-query attention."""
    attention = attention_of(config)
    return {
        **common_hyperparameters(config),
        "attention.head_count_kv": attention.num_kv_heads,
        "attention.key_length": attention.head_size,
        "attention.value_length": attention.head_size,
        "rope.dimension_count": config.rope.size,
        **grouped_rope(config.rope),
    }


def grouped_attention(
    config: ModelConfig, layer: int, queries: Arrange = unchanged, keys: Arrange = unchanged
) -> Iterator[Mapped]:
    """The attention of a layer; `queries` and `keys` put the rows of theirs in order."""
    attention = attention_of(config)
    wide, narrow = (n * attention.head_size for n in (attention.num_heads, attention.num_kv_heads))
    prefix, block = f"model.layers.{layer}.self_attn", f"blk.{layer}"
    for side, rows, arrange in (("q", wide, queries), ("k", narrow, keys), ("v", narrow, unchanged)):
        source, name = f"{prefix}.{side}_proj", f"{block}.attn_{side}"
        yield plain(f"{source}.weight", f"{name}.weight", rows, config.hidden_size, arrange=arrange)
        if attention.qkv_bias:
            yield plain(f"{source}.bias", f"{name}.bias", rows, arrange=arrange)
    yield plain(f"{prefix}.o_proj.weight", f"{block}.attn_output.weight", config.hidden_size, wide)
    if attention.output_bias:
        yield plain(f"{prefix}.o_proj.bias", f"{block}.attn_output.bias", config.hidden_size)
    if attention.has_head_norms:
        for side in ("q", "k"):
            name = f"{block}.attn_{side}_norm.weight"
            yield plain(f"{prefix}.{side}_norm.weight", name, attention.head_size)


def dense_tensors(config: ModelConfig) -> Iterator[Mapped]:
    """All tensors of a model without experts whose rows stay in their order."""
    yield from whole_model(config)
    for layer in range(config.num_layers):
        yield from layer_norms(config, layer)
        yield from grouped_attention(config, layer)
        yield from feed_forward(config, f"model.layers.{layer}.mlp", layer, config.feed_forward_size)


def qwen_problem(config: ModelConfig) -> str:
    """Why llama.cpp's graphs of the Qwen family would compute something else."""
    attention = attention_of(config)
    if config.rope.scaling == "llama3":
        return "llama.cpp knows Llama 3's stretched positions in Llama models alone"
    if attention.output_bias:
        return "llama.cpp knows no bias after this architecture's attention"
    if config.moe is not None and not all(config.moe_layers):
        return "llama.cpp knows this architecture only with experts in every layer"
    return rope_problem(config)


def square_problem(config: ModelConfig) -> str:
    """Why a graph that takes a head's size from the hidden size would not fit."""
    attention = attention_of(config)
    if attention.num_heads * attention.head_size != config.hidden_size:
        return "llama.cpp knows this architecture only with heads that together are as wide as the layers"
    return ""


def attention_of(config: ModelConfig) -> GqaConfig:
    """The attention of a model whose layout has checked that it is of this kind."""
    assert isinstance(config.attention, GqaConfig)
    return config.attention
