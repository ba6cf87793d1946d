"""What a model is called before anything is known of it but its name or its path."""

from pathlib import Path

BUILTIN = "builtin"


def model_name(model: str) -> str:
    """The name for people."""
    return "Built-in model" if model == BUILTIN else Path(model).stem
