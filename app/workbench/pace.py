"""How fast a job goes: what it counted lately, over the time that this took."""

from collections import deque

from engine.contract.job_messages import JobProgress

WINDOW_S = 20.0
LEAST_S = 1.0


class Pace:
    """Fed with progress; forgets what a step before counted."""

    def __init__(self) -> None:
        """Nothing is known yet."""
        self._step = ""
        self._seen: deque[tuple[float, int]] = deque()  # seconds on the caller's clock, done

    def note(self, progress: JobProgress, now_s: float) -> None:
        """Take a progress message that came at this time."""
        if progress.words != self._step:
            self._step = progress.words
            self._seen.clear()
        self._seen.append((now_s, progress.done))
        while len(self._seen) > 2 and now_s - self._seen[0][0] > WINDOW_S:
            self._seen.popleft()

    @property
    def per_s(self) -> float | None:
        """Things counted per second; None before that can be told."""
        if len(self._seen) < 2:
            return None
        (begun_s, first), (ended_s, last) = self._seen[0], self._seen[-1]
        if ended_s - begun_s < LEAST_S or last <= first:
            return None
        return (last - first) / (ended_s - begun_s)
