"""Slow work beside the deciding thread, such as reading headers and copying files: one thread for each."""

import threading
from collections.abc import Callable

Post = Callable[[Callable[[], None]], None]  # hands something to do to the deciding thread


class Asides:
    """Threads whose results come back to the deciding thread."""

    def __init__(self, post: Post) -> None:
        """Nothing runs yet."""
        self._post = post
        self._threads: set[threading.Thread] = set()

    def start(self, name: str, work: Callable[[], Callable[[], None]]) -> None:
        """Do `work` on a thread of its own; what it returns is then done by the deciding thread."""

        def run() -> None:
            then = work()
            self._post(lambda: self._finish(thread, then))

        thread = threading.Thread(target=run, name=name, daemon=True)
        self._threads.add(thread)
        thread.start()

    def join(self, timeout_s: float) -> None:
        """Wait for what still runs, as long as this for each."""
        for thread in list(self._threads):
            thread.join(timeout_s)

    def _finish(self, thread: threading.Thread, then: Callable[[], None]) -> None:
        self._threads.discard(thread)
        then()
