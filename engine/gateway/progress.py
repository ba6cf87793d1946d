"""What a transfer of several files says of itself, a few times per second."""

import time
from collections.abc import Callable

from engine.contract.hub_messages import TransferPhase, TransferProgress
from engine.gateway.pace import SpeedMeter

REPORT_INTERVAL_S = 0.1


class ProgressReport:
    """The progress over all files of one request."""

    def __init__(self, request_id: str, total_bytes: int, emit: Callable[[TransferProgress], None]) -> None:
        self._request_id, self._total_bytes, self._emit = request_id, total_bytes, emit
        self._files_bytes = 0  # of the files that are done
        self._last_bytes = 0
        self._phase: TransferPhase = "checking"
        self._said_at = 0.0
        self._meter = SpeedMeter()

    def file_done(self, size_bytes: int) -> None:
        """A file is whole."""
        self._said_at = 0.0
        self.report(self._phase, size_bytes, "")
        self._files_bytes += size_bytes
        self._last_bytes = 0

    def report(self, phase: TransferPhase, file_bytes: int, notice: str) -> None:
        """So much is there of the present file."""
        if phase == "fetching":
            self._meter.note(max(0, file_bytes - self._last_bytes))
        elif phase in ("paused", "waiting"):
            self._meter.pause()
        self._last_bytes = file_bytes
        now = time.monotonic()
        if phase == self._phase and now - self._said_at < REPORT_INTERVAL_S:
            return
        self._phase, self._said_at = phase, now
        done_bytes = self._files_bytes + file_bytes
        speed = self._meter.bytes_per_s if phase == "fetching" else 0.0
        self._emit(
            TransferProgress(
                request_id=self._request_id,
                phase=phase,
                done_bytes=done_bytes,
                total_bytes=self._total_bytes,
                bytes_per_s=speed,
                remaining_s=(self._total_bytes - done_bytes) / speed if speed else None,
                notice=notice,
            )
        )
