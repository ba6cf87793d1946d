"""Qwen2-MoE: routed experts and one shared expert behind a gate.

llama.cpp's graph never normalizes the weights of the chosen experts and wants an output matrix of its own.
"""

from collections.abc import Iterator

from engine.quantization.gguf_file import Array, Value
from engine.quantization.layouts.grouped import (
    grouped_attention,
    grouped_hyperparameters,
    qwen_problem,
    square_problem,
)
from engine.quantization.layouts.layout import (
    Layout,
    Mapped,
    expert_hyperparameters,
    experts,
    feed_forward,
    layer_norms,
    whole_model,
)
from engine.transformer.config import ModelConfig


def _hyperparameters(config: ModelConfig) -> dict[str, Value]:
    assert config.moe is not None
    shared = {"expert_shared_feed_forward_length": config.moe.shared_size}
    return {**grouped_hyperparameters(config), **expert_hyperparameters(config), **shared}


def _tensors(config: ModelConfig) -> Iterator[Mapped]:
    assert config.moe is not None
    yield from whole_model(config, writes_tied_output=True)
    for layer in range(config.num_layers):
        prefix = f"model.layers.{layer}.mlp.shared_expert"
        yield from layer_norms(config, layer)
        yield from grouped_attention(config, layer)
        yield from experts(config, layer)
        yield from feed_forward(config, prefix, layer, config.moe.shared_size, suffix="_shexp")
        yield Mapped(
            name=f"blk.{layer}.ffn_gate_inp_shexp.weight",
            sources=(f"{prefix}_gate.weight",),
            source_shape=(1, config.hidden_size),
            shape=(config.hidden_size,),
            arrange=_flat,
        )


def _flat(values: Array) -> Array:
    return values.reshape(-1)


def _problem(config: ModelConfig) -> str:
    if config.moe is not None and config.moe.normalizes:
        return "llama.cpp does not normalize the weights of this architecture's experts"
    return qwen_problem(config) or square_problem(config)


LAYOUT = Layout(architecture="qwen2moe", hyperparameters=_hyperparameters, tensors=_tensors, problem=_problem)
