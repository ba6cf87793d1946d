"""Collects what the store reports of its writes, and waits for it."""

import threading

from app.conversations.writer import WriteReports

WAIT_S = 60.0


class SavedRecorder:
    """Give its `reports` to a store."""

    def __init__(self) -> None:
        self.saved: list[int] = []
        self.failed: list[tuple[int, str]] = []
        self.blocked: list[str] = []
        self.num_unblocked = 0
        self.threads: set[str] = set()
        self._changed = threading.Condition()

    @property
    def reports(self) -> WriteReports:
        """What a store calls."""
        return WriteReports(
            on_saved=self._note_saved,
            on_failed=self._note_failed,
            on_blocked=self._note_blocked,
            on_unblocked=self._note_unblocked,
        )

    def wait_for(self, sequence: int) -> None:
        """Return when this write is saved or refused."""
        with self._changed:
            done = self._changed.wait_for(
                lambda: sequence in self.saved or sequence in [number for number, _ in self.failed], WAIT_S
            )
        assert done, f"{sequence} was neither saved nor refused"

    def wait_until_blocked(self) -> str:
        """Return the reason when nothing can be written."""
        with self._changed:
            assert self._changed.wait_for(lambda: bool(self.blocked), WAIT_S)
            return self.blocked[-1]

    def _note_saved(self, sequence: int) -> None:
        with self._changed:
            self.saved.append(sequence)
            self.threads.add(threading.current_thread().name)
            self._changed.notify_all()

    def _note_failed(self, sequence: int, reason: str) -> None:
        with self._changed:
            self.failed.append((sequence, reason))
            self._changed.notify_all()

    def _note_blocked(self, reason: str) -> None:
        with self._changed:
            self.blocked.append(reason)
            self._changed.notify_all()

    def _note_unblocked(self) -> None:
        with self._changed:
            self.num_unblocked += 1
            self._changed.notify_all()
