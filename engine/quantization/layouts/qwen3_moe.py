"""Qwen3-MoE: routed experts whose weights llama.cpp's graph always normalizes."""

from collections.abc import Iterator

from engine.quantization.gguf_file import Value
from engine.quantization.layouts.grouped import grouped_attention, grouped_hyperparameters, qwen_problem
from engine.quantization.layouts.layout import (
    Layout,
    Mapped,
    expert_hyperparameters,
    experts,
    layer_norms,
    whole_model,
)
from engine.transformer.config import ModelConfig


def _hyperparameters(config: ModelConfig) -> dict[str, Value]:
    return {**grouped_hyperparameters(config), **expert_hyperparameters(config)}


def _tensors(config: ModelConfig) -> Iterator[Mapped]:
    yield from whole_model(config)
    for layer in range(config.num_layers):
        yield from layer_norms(config, layer)
        yield from grouped_attention(config, layer)
        yield from experts(config, layer)


def _problem(config: ModelConfig) -> str:
    if config.moe is not None and not config.moe.normalizes:
        return "llama.cpp always normalizes the weights of this architecture's experts"
    return qwen_problem(config)


LAYOUT = Layout(architecture="qwen3moe", hyperparameters=_hyperparameters, tensors=_tensors, problem=_problem)
