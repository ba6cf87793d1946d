"""Which engines can run a model: by its format, its architecture and what is installed."""

import importlib.util

from engine.contract.model_info import EngineName, ModelFormat

# GGUF architectures that the torch engine reads; its own checkpoints say more when they are loaded
TORCH_ARCHITECTURES = ("deepseek2", "llama", "qwen2", "qwen2moe", "qwen3", "qwen3moe")


def engines_for(model_format: ModelFormat, architecture: str) -> tuple[EngineName, ...]:
    """The engines that are there and know the architecture, the one that `auto` takes first."""
    torch: tuple[EngineName, ...] = ("torch",) if _has_torch() else ()
    if model_format == "checkpoint":
        return torch
    return ("llama", *torch) if architecture in TORCH_ARCHITECTURES else ("llama",)


def _has_torch() -> bool:
    return all(importlib.util.find_spec(package) is not None for package in ("torch", "tokenizers"))
