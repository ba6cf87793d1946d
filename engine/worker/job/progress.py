"""How far a job is, told at a steady pace from a thread of its own, whatever the job is busy with."""

import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

from engine.contract.job_messages import JobProgress
from engine.contract.jobs import JobStep

INTERVAL_S = 0.5
LEAST_FRACTION = 0.02  # before this the remaining time would be a guess

Count = Callable[[int, int], None]  # done, in all


class ProgressReporter:
    """Sends JobProgress while its context lasts."""

    def __init__(self, send: Callable[[JobProgress], None], request_id: str, generation: int) -> None:
        """Nothing has been done."""
        self._send, self._request_id, self._generation = send, request_id, generation
        self._begun = time.monotonic()
        self._now: tuple[JobStep, float, int, int] = ("reading", 0.0, 0, 0)  # step, fraction, done, total
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="job-progress", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join()

    def step(
        self,
        words: JobStep,
        start: float,
        end: float,
        share: Callable[[int, int], float] = lambda done, total: done / total if total else 0.0,
    ) -> Count:
        """Begin a step that takes the job from `start` to `end` (0 to 1); returns what counts in it.

        `share` is how much of the step's work so many of its parts are, where they are not all alike.
        """
        self._now = (words, start, 0, 0)

        def count(done: int, total: int) -> None:
            self._now = (words, start + (end - start) * share(done, total), done, total)

        return count

    def _run(self) -> None:
        while True:
            words, fraction, done, total = self._now
            elapsed_s = time.monotonic() - self._begun
            remaining_s = elapsed_s * (1 - fraction) / fraction if fraction >= LEAST_FRACTION else None
            self._send(
                JobProgress(
                    request_id=self._request_id,
                    generation=self._generation,
                    fraction=fraction,
                    words=words,
                    done=done,
                    total=total,
                    remaining_s=remaining_s,
                )
            )
            if self._ended.wait(INTERVAL_S):
                return
