"""Speed: a limit that all transfers share, and how fast a transfer was in the last seconds."""

import threading
import time
from collections import deque
from collections.abc import Callable

WINDOW_S = 5.0
LONGEST_SLEEP_S = 0.5  # so that a changed limit and a stop are noticed


class SpeedLimit:
    """Lets so many bytes per second through, for all threads together."""

    def __init__(self) -> None:
        """No limit."""
        self._lock = threading.Lock()
        self._bytes_per_s = 0
        self._free_at = 0.0  # monotonic seconds at which what was taken is paid for

    def set(self, bytes_per_s: int) -> None:
        """Change the limit; 0 is none."""
        with self._lock:
            self._bytes_per_s = bytes_per_s
            self._free_at = time.monotonic()

    def take(self, num_bytes: int, wait: Callable[[float], bool]) -> None:
        """Account for bytes that arrived, wait until more may come; `wait` says whether to wait no longer."""
        with self._lock:
            if not self._bytes_per_s:
                return
            now = time.monotonic()
            self._free_at = max(self._free_at, now) + num_bytes / self._bytes_per_s
            free_at = self._free_at
        while (left_s := free_at - time.monotonic()) > 0 and self._bytes_per_s:
            if wait(min(left_s, LONGEST_SLEEP_S)):
                return


class SpeedMeter:
    """Bytes per second over the last seconds."""

    def __init__(self) -> None:
        """Nothing has arrived."""
        self._arrived: deque[tuple[float, int]] = deque()
        self._window_bytes = 0
        self._began: float | None = None

    def note(self, num_bytes: int) -> None:
        """So many bytes have arrived now."""
        now = time.monotonic()
        self._began = now if self._began is None else self._began
        self._arrived.append((now, num_bytes))
        self._window_bytes += num_bytes
        while self._arrived[0][0] < now - WINDOW_S:
            self._window_bytes -= self._arrived.popleft()[1]

    def pause(self) -> None:
        """Nothing arrives for a while, and that is not slowness."""
        self._arrived.clear()
        self._window_bytes, self._began = 0, None

    @property
    def bytes_per_s(self) -> float:
        """The speed; 0 before there is one."""
        if self._began is None:
            return 0.0
        span_s = min(WINDOW_S, time.monotonic() - self._began)
        return self._window_bytes / span_s if span_s > 0.1 else 0.0
