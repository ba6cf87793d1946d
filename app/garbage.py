"""When Python looks for garbage in the window's process: never while somebody waits for a frame.

A look through all objects takes 25 to 40 ms here, and Python takes it in the middle of whatever it is doing.
The two young generations are still looked through as they fill, in less than a millisecond; all of them only
from a pass of the event loop that does nothing else, without what was made for good at the start.
"""

import gc

from PySide6.QtCore import QObject, QTimer

AFTER_START_MS = 1000  # what is made at the start is there by then
CHECK_MS = 10_000
MANY = 10  # looks through the middle generation since the last one through all: Python's own figure
_NEVER = 2**31 - 1


class GarbageCollection(QObject):
    """Takes over from Python soon after `start`, until `end`."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._thresholds: tuple[int, int, int] | None = None
        self._timer = QTimer(self)
        self._timer.timeout.connect(self._look)

    def start(self) -> None:
        """Take over once the start is over."""
        self._timer.start(AFTER_START_MS)

    def end(self) -> None:
        """Leave it to Python again."""
        self._timer.stop()
        if self._thresholds is not None:
            gc.set_threshold(*self._thresholds)
            self._thresholds = None
            gc.unfreeze()

    def _look(self) -> None:
        if self._thresholds is None:
            gc.collect()
            gc.freeze()
            self._thresholds = gc.get_threshold()
            gc.set_threshold(*self._thresholds[:2], _NEVER)
            self._timer.start(CHECK_MS)
        elif gc.get_count()[2] >= MANY:
            gc.collect()
