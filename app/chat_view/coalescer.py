"""Gathers changes and asks for one flush per frame, less often where flushing is slow."""

import time

from PySide6.QtCore import QObject, Qt, QTimer, Signal

SHORTEST_MS = 16
LONGEST_MS = 100
SHARE_OF_TIME = 4  # a flush that takes t is followed by at least 4 t without one


class Coalescer(QObject):
    """`due` comes once, a moment after the first `request`; then `request` starts the next round."""

    due = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._timer = QTimer(self, singleShot=True, interval=SHORTEST_MS)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._flush)

    def request(self) -> None:
        """Ask for a flush."""
        if not self._timer.isActive():
            self._timer.start()

    def flush_now(self) -> None:
        """Flush at once if a flush is due."""
        if self._timer.isActive():
            self._timer.stop()
            self._flush()

    def _flush(self) -> None:
        started = time.perf_counter()
        self.due.emit()
        took_ms = 1000 * (time.perf_counter() - started)
        self._timer.setInterval(round(min(max(SHARE_OF_TIME * took_ms, SHORTEST_MS), LONGEST_MS)))
