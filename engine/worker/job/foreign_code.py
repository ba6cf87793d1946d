"""Refusing a model's folder that brings code: what llama.cpp's scripts load with would run it."""

from pathlib import Path
from typing import Any

from engine.contract.errors import ModelUnsupported
from engine.library.checkpoint import INDEX, PICKLES, read_json

MAX_FILES = 100_000
CODE = (".py", ".pyc", ".pyd", ".so", ".dll", ".dylib")
AUTO_MAP = "auto_map"  # names of classes in the folder's own Python files
WORD_LISTS = ("tokenizer.json", "vocab.json", INDEX)  # whose keys are tokens or weights


def refuse_foreign_code(folder: Path) -> None:
    """Raise ModelUnsupported for a folder with code, pickles or an `auto_map`, with the file it is in."""
    for number, path in enumerate(folder.rglob("*")):
        if number >= MAX_FILES:
            raise ModelUnsupported(str(folder), f"it holds more than {MAX_FILES} files")
        if path.suffix.lower() in CODE:
            raise ModelUnsupported(str(folder), f"it brings code ({path.name}), which is never run")
        if any(path.match(pattern) for pattern in PICKLES):
            raise ModelUnsupported(str(folder), f"it brings a pickle ({path.name}), which can run code")
        is_settings = path.suffix.lower() == ".json" and path.name not in WORD_LISTS
        if is_settings and path.is_file() and _has_auto_map(path):
            raise ModelUnsupported(str(folder), f"{path.name} asks for code of its own (auto_map)")


def _has_auto_map(path: Path) -> bool:
    """Whether the key stands anywhere in a JSON file."""
    waiting: list[Any] = [read_json(path)]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            if AUTO_MAP in value:
                return True
            waiting += value.values()
        elif isinstance(value, list):
            waiting += value
    return False
