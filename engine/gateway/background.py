"""Work beside the thread that receives: what arrives is written and hashed while more of it arrives."""

import threading
from collections import deque
from collections.abc import Callable
from types import TracebackType

Work = Callable[[], None]


class WorkLine:
    """Does one thing after the other on a thread of its own. For one thread that asks."""

    def __init__(self, name: str, max_waiting_bytes: int) -> None:
        """Nothing waits; with more bytes than these waiting `put` takes its time."""
        self._max_waiting_bytes = max_waiting_bytes
        self._changed = threading.Condition()
        self._waiting: deque[tuple[Work, int]] = deque()  # the one that is being done stays the first
        self._waiting_bytes = 0
        self._error: Exception | None = None
        self._is_closed = False
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    @property
    def is_busy(self) -> bool:
        """Whether something waits or is being done."""
        return bool(self._waiting)

    def put(self, work: Work, num_bytes: int = 0) -> None:
        """Have this done after what waits already; raises what anything before failed of."""
        with self._changed:
            self._changed.wait_for(lambda: self._error or self._waiting_bytes <= self._max_waiting_bytes)
            self._raise_error()
            self._waiting.append((work, num_bytes))
            self._waiting_bytes += num_bytes
            self._changed.notify_all()

    def join(self) -> None:
        """Wait until all is done; raises what any of it failed of, upon which the rest was dropped."""
        with self._changed:
            self._changed.wait_for(lambda: not self._waiting)
            self._raise_error()

    def __enter__(self) -> "WorkLine":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Do what waits and end the thread."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()
        self._thread.join()

    def _raise_error(self) -> None:
        error, self._error = self._error, None
        if error is not None:
            raise error

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._is_closed)
                if not self._waiting:
                    return
                work, num_bytes = self._waiting[0]
            error = None
            try:
                work()
            except Exception as failure:  # noqa: BLE001  (it is raised in the thread that asks)
                error = failure
            with self._changed:
                self._waiting.popleft()
                self._waiting_bytes -= num_bytes
                if error is not None:
                    self._error = error
                    self._waiting.clear()
                    self._waiting_bytes = 0
                self._changed.notify_all()
