"""Qwen2 and Qwen2.5, dense."""

from engine.quantization.layouts.grouped import (
    dense_tensors,
    grouped_hyperparameters,
    qwen_problem,
    square_problem,
)
from engine.quantization.layouts.layout import Layout
from engine.transformer.config import ModelConfig


def _problem(config: ModelConfig) -> str:
    return qwen_problem(config) or square_problem(config)


LAYOUT = Layout(
    architecture="qwen2", hyperparameters=grouped_hyperparameters, tensors=dense_tensors, problem=_problem
)
