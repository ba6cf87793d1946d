"""What the user sees while things are prepared, and the one error of this package.

Everything goes to stderr: stdout belongs to the command that is started in the end.
"""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Self, TextIO


class SetUpError(Exception):
    """Only the user can help here; the text is one line: what happened, what to do."""


def say(text: str) -> None:
    """Print one line for the user, at once."""
    print(text, file=sys.stderr, flush=True)


@contextmanager
def step(title: str) -> Iterator[None]:
    """Say what begins now and, when it has worked, how long it took."""
    say(f"* {title}")
    start = time.monotonic()
    yield
    say(f"  done, {spoken_time(time.monotonic() - start)}")


def spoken_time(elapsed_s: float) -> str:
    """Return seconds as people say them: `4 s`, `2 min 5 s`."""
    minutes, seconds = divmod(round(elapsed_s), 60)
    return f"{minutes} min {seconds} s" if minutes else f"{seconds} s"


class OneLine:
    """A line that changes: redrawn in place on a terminal, elsewhere printed only when it matters."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stderr
        self.redraws = self._stream.isatty()

    def show(self, text: str, *, matters: bool) -> None:
        """Redraw the line with this text; where lines can't be redrawn, print it if it matters."""
        if self.redraws:
            self._redraw("  " + text)
        elif matters:
            self._stream.write(f"  {text}\n")
        self._stream.flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Take the redrawn line away again."""
        if self.redraws:
            self._redraw("")
            self._stream.write("\r")
            self._stream.flush()

    def _redraw(self, text: str) -> None:
        # With spaces: not every Windows console understands escape sequences.
        width = shutil.get_terminal_size().columns - 1
        self._stream.write("\r" + text[:width].ljust(width))
