"""Which engines can run a model: by its format, its architecture and what is installed."""

import importlib.util
from collections.abc import Iterable

from engine.contract.model_info import EngineName, ModelFormat
from engine.contract.paths import Paths
from engine.library.components import packages_of

TORCH = ("torch", "tokenizers")  # what the torch engine imports

# GGUF architectures that the torch engine reads; its own checkpoints say more when they are loaded
TORCH_ARCHITECTURES = ("deepseek2", "llama", "qwen2", "qwen2moe", "qwen3", "qwen3moe")


def engines_for(model_format: ModelFormat, architecture: str) -> tuple[EngineName, ...]:
    """The engines that are there and know the architecture, the one that `auto` takes first."""
    torch: tuple[EngineName, ...] = ("torch",) if _has_torch() else ()
    if model_format == "checkpoint":
        return torch
    return ("llama", *torch) if architecture in TORCH_ARCHITECTURES else ("llama",)


def has_modules(modules: Iterable[str]) -> bool:
    """Whether this process can import these."""
    return all(importlib.util.find_spec(module) is not None for module in modules)


def _has_torch() -> bool:
    return has_modules(TORCH) or packages_of(Paths.from_environment(), "torch") is not None
