"""`retort`: without a command it opens the window, or converses in the terminal where there is no display.

The one place in `app` that knows the command line of the engine.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

from app.display import can_open_window
from engine.contract.paths import Paths


def main(words: Sequence[str] | None = None) -> int:
    """Do what the words of the command line say; returns the exit status."""
    words = sys.argv[1:] if words is None else words
    if words and not _is_model_file(words):
        from engine.cli.main import main as run_command  # noqa: PLC0415  (the window does not need it)

        return run_command(words)
    if can_open_window():
        from app.application import run_window  # noqa: PLC0415  (a command does not need Qt)

        return run_window(Paths.from_environment(), words)
    if words:
        print(f"retort: no display to open {words[0]} on; `retort run` does without one", file=sys.stderr)
        return 1
    from engine.cli.main import chat_in_terminal  # noqa: PLC0415  (the window does not need it)

    print(
        "retort: there is no display to open a window on, so the built-in model answers here.",
        file=sys.stderr,
    )
    return chat_in_terminal()


def _is_model_file(words: Sequence[str]) -> bool:
    """A model file opened by a double click, which is no command."""
    return len(words) == 1 and Path(words[0]).suffix.lower() == ".gguf"


if __name__ == "__main__":
    sys.exit(main())
