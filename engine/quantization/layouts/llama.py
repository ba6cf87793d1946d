"""Llama and Mistral.

llama.cpp turns neighbouring values of a head, a checkpoint has the two halves of each pair half a head apart:
the rows of queries and keys are put in llama.cpp's order.
"""

from collections.abc import Iterator
from functools import partial

from engine.quantization.gguf_file import Array
from engine.quantization.layouts.grouped import attention_of, grouped_attention, grouped_hyperparameters
from engine.quantization.layouts.layout import (
    Computed,
    Layout,
    Mapped,
    feed_forward,
    layer_norms,
    whole_model,
)
from engine.quantization.layouts.rope_metadata import llama3_divisors, rope_problem
from engine.transformer.config import ModelConfig


def neighbouring_pairs(values: Array, *, num_heads: int) -> Array:
    """The rows (H * D, …) of every head reordered from halves to neighbours."""
    heads = values.reshape(num_heads, 2, -1, *values.shape[1:])  # (H, 2, D / 2, …)
    return heads.swapaxes(1, 2).reshape(values.shape)


def _tensors(config: ModelConfig) -> Iterator[Mapped | Computed]:
    attention = attention_of(config)
    queries = partial(neighbouring_pairs, num_heads=attention.num_heads)
    keys = partial(neighbouring_pairs, num_heads=attention.num_kv_heads)
    yield from whole_model(config)
    if config.rope.scaling == "llama3":
        yield Computed(name="rope_freqs.weight", values=llama3_divisors(config.rope))
    for layer in range(config.num_layers):
        yield from layer_norms(config, layer)
        yield from grouped_attention(config, layer, queries, keys)
        yield from feed_forward(config, f"model.layers.{layer}.mlp", layer, config.feed_forward_size)


LAYOUT = Layout(
    architecture="llama", hyperparameters=grouped_hyperparameters, tensors=_tensors, problem=rope_problem
)
