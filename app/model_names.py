"""What a model is called before anything is known of it but its name or its path."""

from pathlib import Path

from app.translation import tr

BUILTIN = "builtin"


def model_name(model: str) -> str:
    """The name for people."""
    return tr("Built-in model") if model == BUILTIN else Path(model).stem
