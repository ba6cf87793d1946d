"""How long the network is waited for, how often a thing is tried again, and when it is given up."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from engine.contract.errors import HubUnreachable

_Result = TypeVar("_Result")


class TryAgain(Exception):
    """This try failed in a way that the next one may not."""

    def __init__(self, reason: str, after_s: float | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.after_s = after_s  # what the other side asked for


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """The limits of waiting, all in seconds and bytes. A hostile hub gets no more than these."""

    connect_s: float = 10.0
    read_s: float = 20.0  # between two pieces of an answer
    answer_s: float = 60.0  # for a whole answer that is no file
    tries: int = 6  # without progress in between
    first_wait_s: float = 1.0  # then twice as long each time
    longest_wait_s: float = 16.0
    longest_asked_wait_s: float = 60.0  # a hub that asks for more is given up
    longest_wait_in_all_s: float = 1800.0  # for one thing, however much arrives in between
    progress_bytes: int = 64 * 1024  # fewer than these are no progress
    stall_window_s: float = 30.0
    least_bytes_per_s: float = 512.0  # over the window; a slower connection is given up
    keep_free_bytes: int = 2**30  # on the disk


class Tries:
    """The tries at one thing."""

    def __init__(self, patience: Patience, host: str, wait: Callable[[float, str], object]) -> None:
        """`wait` gets seconds and the reason, and may raise to end it all."""
        self._patience, self._host, self._wait = patience, host, wait
        self._failed = 0
        self._waited_s = 0.0

    def progressed(self) -> None:
        """Something arrived: the count starts anew."""
        self._failed = 0

    def failed(self, error: TryAgain) -> None:
        """Wait before the next try; raises HubUnreachable where there is to be none."""
        patience = self._patience
        self._failed += 1
        wait_s = min(patience.first_wait_s * 2 ** (self._failed - 1), patience.longest_wait_s)
        if error.after_s is not None:
            wait_s = max(wait_s, error.after_s)
        if wait_s > patience.longest_asked_wait_s:
            raise HubUnreachable(
                self._host, f"{error.reason}, and asks to wait for {wait_s / 60:.0f} minutes"
            )
        if self._failed >= patience.tries:
            raise HubUnreachable(self._host, f"{error.reason}, {self._failed} times")
        self._waited_s += wait_s
        if self._waited_s > patience.longest_wait_in_all_s:
            raise HubUnreachable(self._host, f"{error.reason}, again and again; what has arrived is kept")
        self._wait(wait_s, error.reason)

    def until_done(self, work: Callable[[], _Result]) -> _Result:
        """Do something that makes no progress of its own until it works; raises HubUnreachable."""
        while True:
            try:
                return work()
            except TryAgain as error:
                self.failed(error)
