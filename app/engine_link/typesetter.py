"""Mathematics for the window: formulas go to a small child process, drawings come back and are kept.

One formula is with the child at a time, so that one without end costs itself and no other. What the child
died of, or took too long for, has failed for good; the formulas that wait go to the next child.
"""

import logging
import time
from collections import OrderedDict, deque
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import msgspec
from PySide6.QtCore import QObject, QProcess, QProcessEnvironment, Qt, QTimer, Signal

from engine.contract.errors import ProtocolError
from engine.contract.typesetting import Typeset, TypesetRequest
from engine.contract.wire import LineSplitter

TIME_LIMIT_MS = 2_000  # for one formula
START_LIMIT_MS = 20_000  # a cold start of Python on a busy machine is no fault of a formula
END_TIMEOUT_MS = 1_000
MAX_RESTARTS = 3  # after a child's death, within RESTART_WINDOW_S
RESTART_WINDOW_S = 300.0
MAX_KEPT = 1_000  # drawings, of 5 to 20 kB each
MAX_WAITING = 1_000  # formulas; the oldest is forgotten, and asked for again when it is painted

log = logging.getLogger(__name__)


class TypesetKey(NamedTuple):
    """What a drawing depends on."""

    tex: str
    size_px: float
    colour: str  # "#rrggbb"
    display: bool


class Typesetter(QObject):
    """Ask again whenever you paint: None now, the drawing after `typeset_ready` has named its key."""

    typeset_ready = Signal(object)  # TypesetKey

    def __init__(
        self, command: Sequence[str], environment: Mapping[str, str], parent: QObject | None = None
    ) -> None:
        """Nothing is started before the first formula."""
        super().__init__(parent)
        self._command = list(command)
        self._environment = QProcessEnvironment()
        for name, value in environment.items():
            self._environment.insert(name, value)
        self._kept: OrderedDict[TypesetKey, Typeset] = OrderedDict()
        self._waiting: OrderedDict[TypesetKey, None] = OrderedDict()
        self._current: TypesetKey | None = None  # the one the child is at
        self._request_id = 0
        self._process: QProcess | None = None
        self._is_ready = False  # the child has said that it runs
        self._is_closed = False
        self._lines = LineSplitter()
        self._deaths: deque[float] = deque(maxlen=MAX_RESTARTS + 1)
        self._deadline = _one_shot(self, self._give_up_on_current)
        self._pause = _one_shot(self, self._send_next)

    @property
    def pid(self) -> int:
        """The child's process id, 0 while none runs."""
        return self._process.processId() if self._process is not None else 0

    def typeset(self, tex: str, size_px: float, colour: str, display: bool) -> Typeset | None:
        """The drawing, or one that only has an `error`; None while it is being made."""
        key = TypesetKey(tex, size_px, colour, display)
        drawing = self._kept.get(key)
        if drawing is not None:
            self._kept.move_to_end(key)
        elif key != self._current and key not in self._waiting and not self._is_closed:
            self._waiting[key] = None
            if len(self._waiting) > MAX_WAITING:
                self._waiting.popitem(last=False)
            self._send_next()
        return drawing

    def close(self) -> None:
        """End the child; nothing is typeset after that."""
        self._is_closed = True
        self._waiting.clear()
        self._current = None
        self._pause.stop()
        self._end_process()

    def _send_next(self) -> None:
        if self._current is not None or not self._waiting:
            return
        if self._process is None:
            self._start()
        elif self._is_ready:
            self._current, _ = self._waiting.popitem(last=False)
            self._request_id += 1
            request = TypesetRequest(id=self._request_id, **self._current._asdict())
            self._process.write(msgspec.json.encode(request) + b"\n")
            self._deadline.start(TIME_LIMIT_MS)

    def _start(self) -> None:
        if self._pause.isActive():
            return
        wait_s = self._seconds_to_wait()
        if wait_s > 0:
            log.error("the typesetter has died %d times; the next one in %.0f s", len(self._deaths), wait_s)
            self._pause.start(int(1000 * wait_s) + 1)
            return
        process = QProcess(self)
        self._process, self._is_ready, self._lines = process, False, LineSplitter()
        process.setProcessEnvironment(self._environment)
        process.setStandardErrorFile(QProcess.nullDevice())
        process.readyReadStandardOutput.connect(self._read)
        process.finished.connect(self._note_end)
        process.errorOccurred.connect(self._note_failure, Qt.ConnectionType.QueuedConnection)
        process.start(self._command[0], self._command[1:])
        process.write(b"\n")
        self._deadline.start(START_LIMIT_MS)

    def _seconds_to_wait(self) -> float:
        """Until a child may be started: after so many deaths, when the first of them is old enough."""
        if len(self._deaths) <= MAX_RESTARTS:
            return 0.0
        return self._deaths[0] + RESTART_WINDOW_S - time.monotonic()

    def _read(self) -> None:
        process = self._process
        if process is None:
            return
        try:
            for line in self._lines.feed(bytes(process.readAllStandardOutput().data())):
                self._take(msgspec.json.decode(line, type=Typeset))
                if self._process is not process:  # closed by whoever heard of the drawing
                    return
        except (ProtocolError, msgspec.DecodeError) as error:
            self._lose_process(f"its answer makes no sense: {error}")

    def _take(self, drawing: Typeset) -> None:
        self._deadline.stop()
        if not self._is_ready:
            self._is_ready = True
        elif drawing.id == self._request_id:
            self._finish_current(drawing)
        self._send_next()

    def _finish_current(self, drawing: Typeset) -> None:
        key, self._current = self._current, None
        if key is None:
            return
        self._kept[key] = drawing
        if len(self._kept) > MAX_KEPT:
            self._kept.popitem(last=False)
        self.typeset_ready.emit(key)

    def _give_up_on_current(self) -> None:
        self._lose_process(f"it took more than {TIME_LIMIT_MS / 1000:g} s")

    def _note_end(self, exit_code: int, _exit_status: QProcess.ExitStatus) -> None:
        self._read()
        self._lose_process(f"the typesetter ended with status {exit_code}")

    def _note_failure(self, error: QProcess.ProcessError) -> None:
        if error == QProcess.ProcessError.FailedToStart and self._process is not None:
            self._lose_process(f"the typesetter does not start: {self._process.errorString()}")

    def _lose_process(self, reason: str) -> None:
        """The child is of no more use: what it was at has failed, the next one goes on."""
        if self._process is None:
            return
        log.warning("typesetter: %s", reason)
        self._end_process()
        self._deaths.append(time.monotonic())
        self._finish_current(Typeset(error=reason))
        self._send_next()

    def _end_process(self) -> None:
        self._deadline.stop()
        process, self._process = self._process, None
        if process is None:
            return
        process.blockSignals(True)
        if process.state() != QProcess.ProcessState.NotRunning:
            process.kill()  # it keeps nothing that an orderly end would save
            process.waitForFinished(END_TIMEOUT_MS)
        process.deleteLater()


def _one_shot(parent: Typesetter, action: object) -> QTimer:
    timer = QTimer(parent)
    timer.setSingleShot(True)
    timer.timeout.connect(action)
    return timer
