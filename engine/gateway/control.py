"""Pausing and stopping a request from another thread, also while its own waits for the network."""

import contextlib
import threading
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

_SHUT_RDWR = 2  # what the module socket calls it


class Cancelled(Exception):
    """The user does not want it any more: what has arrived may go."""


class Interrupted(Exception):
    """The process ends: what has arrived stays for the next time."""


class Control:
    """One request's switch. Its connections are cut at once, so nobody waits for a silent server."""

    def __init__(self) -> None:
        """It runs."""
        self._changed = threading.Condition()
        self._cuts: deque[Callable[[], None]] = deque(maxlen=4)  # each ends a connection, the newest last
        self._is_paused = self._is_cancelled = self._has_ended = False

    @property
    def is_halted(self) -> bool:
        """Whether the request should not go on now."""
        return self._is_paused or self._is_cancelled or self._has_ended

    @property
    def is_paused(self) -> bool:
        """Whether it rests until it is told to go on."""
        return self._is_paused and not (self._is_cancelled or self._has_ended)

    def cancel(self) -> None:
        """Stop for good."""
        self._set(is_cancelled=True)

    def end(self) -> None:
        """Stop because the process ends."""
        self._set(has_ended=True)

    def pause(self, is_paused: bool) -> None:
        """Rest, or go on."""
        self._set(is_paused=is_paused)

    def check(self) -> None:
        """Raise Cancelled or Interrupted where the request is to stop."""
        if self._is_cancelled:
            raise Cancelled
        if self._has_ended:
            raise Interrupted

    def wait(self, seconds: float) -> bool:
        """Let time pass; returns early and true where the request is to rest, raises as `check` does."""
        with self._changed:
            is_halted = self._changed.wait_for(lambda: self.is_halted, seconds)
        self.check()
        return is_halted

    def wait_while_paused(self) -> None:
        """Return once the request may go on; raises as `check` does."""
        with self._changed:
            self._changed.wait_for(lambda: not self.is_paused)
        self.check()

    def trace(self, event: str, info: dict[str, Any]) -> None:
        """Hear of a connection that was made: the extension `trace` of httpx2."""
        if event in ("connection.connect_tcp.complete", "connection.start_tls.complete"):
            stream = info["return_value"]
            self._add(lambda: stream.get_extra_info("socket").shutdown(_SHUT_RDWR))

    @contextlib.contextmanager
    def cutting(self, cut: Callable[[], None]) -> Iterator[None]:
        """Within this, `cut` is called where the request is to stop or rest; it may be called again."""
        self._add(cut)
        try:
            yield
        finally:
            with self._changed, contextlib.suppress(ValueError):  # called already
                self._cuts.remove(cut)

    def _set(
        self,
        *,
        is_paused: bool | None = None,
        is_cancelled: bool = False,
        has_ended: bool = False,
    ) -> None:
        with self._changed:
            self._is_paused = self._is_paused if is_paused is None else is_paused
            self._is_cancelled |= is_cancelled
            self._has_ended |= has_ended
            if self.is_halted:
                self._cut()
            self._changed.notify_all()

    def _add(self, cut: Callable[[], None]) -> None:
        with self._changed:
            self._cuts.append(cut)
            if self.is_halted:
                self._cut()

    def _cut(self) -> None:
        while self._cuts:
            with contextlib.suppress(OSError, ValueError, RuntimeError):  # closed already
                self._cuts.pop()()
