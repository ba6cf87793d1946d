"""How far the build of llama.cpp is, read from what `pip wheel -v` prints."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

from set_up.progress import OneLine, spoken_time

COMPILE_STEP = re.compile(r"^\s*\[(\d+)/(\d+)\] ")  # ninja's own counter
STAGES = (
    (re.compile(r"^\s*(?:Collecting|Downloading) "), "downloading the source (77 MB)"),
    (re.compile(r"^\s*\*\*\* Configuring CMake"), "configuring"),
    (re.compile(r"^\s*\*\*\* Building project"), "compiling"),
    (re.compile(r"^\s*\*\*\* Making wheel"), "packing"),
)
COARSE = 10  # where lines can't be redrawn, one is printed every so many per cent
QUIET_S = 60.0  # ... and after so long without a step (Visual Studio's build counts nothing)


class BuildProgress:
    """Turns the lines of a build into one line that changes."""

    def __init__(self, line: OneLine, clock: Callable[[], float] = time.monotonic) -> None:
        self._line = line
        self._clock = clock
        self._start = clock()
        self._last_printed = self._start
        self._stage = "preparing"
        self._tenths_shown = -1
        self.step = 0
        self.steps = 0  # 0 until the first step is known

    def feed(self, text: str) -> None:
        """Take one line of the build's output and show what it says about the progress."""
        step = COMPILE_STEP.match(text)
        if step:
            self.step, self.steps = int(step[1]), int(step[2])
            tenths = self.step * 100 // self.steps // COARSE
            self._show(f"[{self.step}/{self.steps}] compiling llama.cpp", matters=tenths > self._tenths_shown)
            self._tenths_shown = tenths
            return
        stage = next((name for pattern, name in STAGES if pattern.match(text)), None)
        if stage and stage != self._stage:
            self._stage = stage
            self._show(stage, matters=True)
        elif self._clock() - self._last_printed > QUIET_S:
            self._show(self._stage, matters=True)

    def _show(self, text: str, *, matters: bool) -> None:
        now = self._clock()
        if matters:
            self._last_printed = now
        self._line.show(f"{text}, {spoken_time(now - self._start)}", matters=matters)
