"""How much memory this process holds at most while something lasts.

The system's own peak counts from the start of the process, and what a job did before would be in it.
"""

import threading
from types import TracebackType
from typing import Self

from engine.hardware.memory import rss_bytes

INTERVAL_S = 0.05


class PeakMemory:
    """Looks again and again while its context lasts; mapped files count as far as they are in memory."""

    def __init__(self) -> None:
        self.peak_bytes = 0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="peak-memory", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join()

    def _watch(self) -> None:
        while True:
            self.peak_bytes = max(self.peak_bytes, rss_bytes())
            if self._ended.wait(INTERVAL_S):
                return
