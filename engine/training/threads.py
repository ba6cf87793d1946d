"""How many threads a training in the background should use, found by trying.

Where other programs keep a processor busy, a second thread makes a step slower: every parallel piece waits
for the thread that gets no time. Where nobody else is there, it nearly halves the step.
"""

from __future__ import annotations

import time
from collections.abc import Callable

TRIAL_STEPS = 2  # with another count of threads
STEPS_BETWEEN_TRIALS = 30


class ThreadChooser:
    """Counts steps and tells `use` how many threads the next one shall have."""

    def __init__(
        self, most: int, *, use: Callable[[int], None], clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Begins with `most` threads, and tries each number from 1 to that now and then."""
        self.chosen = most
        self._counts, self._use, self._clock = list(range(1, most + 1)), use, clock
        self._seconds = dict.fromkeys(self._counts, 0.0)  # of one step, when last tried
        self._plan: list[int] = []
        self._tried = most
        self._since: float | None = None
        use(most)

    def before_step(self) -> None:
        """Note how long the last step took and choose for the next."""
        now = self._clock()
        if self._since is not None:
            self._seconds[self._tried] = now - self._since
        if not self._plan:
            self.chosen = min(self._counts, key=lambda count: (self._seconds[count], -count))
            trials = [count for count in self._counts for _ in range(TRIAL_STEPS)]
            self._plan = [self.chosen] * STEPS_BETWEEN_TRIALS + trials
        self._tried = self._plan.pop(0)
        self._use(self._tried)
        self._since = now

    def pause(self) -> None:
        """Something else than a step comes: its time does not count."""
        self._since = None
