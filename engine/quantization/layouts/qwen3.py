"""Qwen3, dense: queries and keys are normalized per head."""

from engine.quantization.layouts.grouped import dense_tensors, grouped_hyperparameters, qwen_problem
from engine.quantization.layouts.layout import Layout

LAYOUT = Layout(
    architecture="qwen3", hyperparameters=grouped_hyperparameters, tensors=dense_tensors, problem=qwen_problem
)
