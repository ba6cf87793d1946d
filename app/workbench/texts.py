"""The texts that models read when they are measured: one that ships with Retort, and the user's prompts."""

import hashlib
from pathlib import Path

from engine.contract.paths import Paths, resources


def bundled_text() -> Path:
    """English of many kinds that needs nobody to look for a text."""
    return resources() / "builtin" / "STORIES.md"


def keep_prompts(prompts: str, paths: Paths) -> Path:
    """The user's own prompts as a file that a job can read; the same prompts are the same file.

    Raises OSError where it cannot be written.
    """
    content = prompts.strip() + "\n"
    folder = paths.data / "prompts"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = folder / f"prompts-{hashlib.sha256(content.encode()).hexdigest()[:12]}.txt"
    path.write_text(content, encoding="utf-8")
    return path
