"""A worker's signs of life: about once a second, how long its main thread has been within one call.

The beats come from a thread of their own. They go on while native code computes, since it lets go of Python's
lock; they stop where it keeps the lock, where the process is stopped, and where it has ended.
"""

import sys
import threading
import time
from collections.abc import Callable
from types import FrameType

from engine.contract.messages import Heartbeat

INTERVAL_S = 1.0


class HeartbeatThread:
    """Sends beats until the process ends. Start it on the main thread."""

    def __init__(self, send: Callable[[Heartbeat], None], *, generation: int) -> None:
        """Start beating."""
        self._send, self._generation = send, generation
        self._watched = threading.get_ident()
        self._frame: FrameType | None = None
        self._instruction = -1
        self._since = time.monotonic()
        threading.Thread(target=self._run, name="heartbeat", daemon=True).start()

    def _run(self) -> None:
        while True:
            self._send(Heartbeat(request_id="", generation=self._generation, call_s=round(self._call_s(), 1)))
            time.sleep(INTERVAL_S)

    def _call_s(self) -> float:
        """How long the main thread has stood at one instruction of one invocation of a function."""
        frame = sys._current_frames().get(self._watched)
        instruction = frame.f_lasti if frame is not None else -1
        now = time.monotonic()
        if frame is not self._frame or instruction != self._instruction:
            self._frame, self._instruction, self._since = frame, instruction, now
        return now - self._since
