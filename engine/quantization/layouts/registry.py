"""The layouts by `model_type`. A new one is a file of its own and a line here."""

from engine.quantization.layouts import deepseek, llama, qwen2, qwen2_moe, qwen3, qwen3_moe
from engine.quantization.layouts.layout import Layout

LAYOUTS: dict[str, Layout] = {
    "deepseek_v2": deepseek.LAYOUT,
    "deepseek_v3": deepseek.LAYOUT,
    "glm4_moe_lite": deepseek.LAYOUT,
    "llama": llama.LAYOUT,
    "mistral": llama.LAYOUT,
    "qwen2": qwen2.LAYOUT,
    "qwen2_moe": qwen2_moe.LAYOUT,
    "qwen3": qwen3.LAYOUT,
    "qwen3_moe": qwen3_moe.LAYOUT,
    "youtu": deepseek.LAYOUT,
    "youtu_llm": deepseek.LAYOUT,
}
