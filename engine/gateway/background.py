"""One piece of work beside the thread that asks for it: flushing a disk while the network goes on."""

import threading
from collections.abc import Callable


class Background:
    """Runs one thing at a time. For one thread that asks."""

    def __init__(self) -> None:
        """Nothing runs."""
        self._thread: threading.Thread | None = None
        self._error: Exception | None = None

    @property
    def is_busy(self) -> bool:
        """Whether the last work goes on still."""
        return self._thread is not None and self._thread.is_alive()

    def start(self, work: Callable[[], None]) -> None:
        """Begin once the last work has ended; raises what that failed of."""
        self.join()

        def run() -> None:
            try:
                work()
            except Exception as error:  # noqa: BLE001  (it is raised where it is waited for)
                self._error = error

        self._thread = threading.Thread(target=run, name="flush", daemon=True)
        self._thread.start()

    def join(self) -> None:
        """Wait for the work; raises what it failed of."""
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        error, self._error = self._error, None
        if error is not None:
            raise error
