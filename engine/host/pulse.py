"""A worker's signs of life, on the host's own running time.

Time in which the host itself did not run does not count: after a computer has slept, every worker has been
silent for hours, and none of them is at fault.
"""

import time
from collections.abc import Callable

TICK_S = 1.0
MAX_SILENCE_S = 10.0  # a worker beats once a second, on a thread of its own
MAX_SILENCE_LOADING_S = 120.0  # a library that is being linked from a slow disk keeps Python's lock
CANCEL_GRACE_S = 3.0
MAX_CANCEL_GRACE_S = 30.0
CHUNKS_TO_WAIT = 3  # measured prefill chunks that a cancel may take


class RunningTime:
    """How much time has passed for this process between two looks; a pause counts as two ticks at most."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Time starts now."""
        self._clock = clock
        self._last_look = clock()

    def passed_s(self) -> float:
        """Seconds of running time since the last look."""
        now = self._clock()
        passed = now - self._last_look
        self._last_look = now
        return min(passed, 2 * TICK_S)


class Pulse:
    """What one worker's events and beats tell."""

    def __init__(self) -> None:
        """The worker was started just now."""
        self.silent_s = 0.0
        self.call_s = 0.0  # how long its main thread has been within the call that it is in
        self._longest_call_s = 0.0  # of those that have ended

    def note_sign_of_life(self) -> None:
        """Anything at all came from it."""
        self.silent_s = 0.0

    def note_beat(self, call_s: float) -> None:
        """A beat came."""
        if call_s < self.call_s:
            self._longest_call_s = max(self._longest_call_s, self.call_s)
        self.call_s = call_s

    def note_loaded(self) -> None:
        """Loading is over; how long its calls took says nothing of those to come."""
        self.call_s = self._longest_call_s = 0.0

    @property
    def cancel_grace_s(self) -> float:
        """How long a cancel may take before the worker is killed."""
        return min(MAX_CANCEL_GRACE_S, max(CANCEL_GRACE_S, CHUNKS_TO_WAIT * self._longest_call_s))
