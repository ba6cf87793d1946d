"""The engine host as a child process: requests go to its stdin, messages come from its stdout.

Started by the first message; when it has died, by the next one. Knows nothing of what the messages mean.
"""

import logging
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from PySide6.QtCore import QObject, QProcess, QProcessEnvironment, Qt, Signal

from app.log_files import set_aside_long_log
from engine.contract.errors import EngineError, EngineMissing, HostDied, ProtocolError
from engine.contract.messages import Hello, Request
from engine.contract.wire import LineSplitter, check_hello, decode, encode

STDERR_TAIL_BYTES = 8 * 2**10
END_TIMEOUT_MS = 3000

log = logging.getLogger(__name__)


class HostProcess(QObject):
    """One host at a time; `died` is emitted once for each that ended without being asked to."""

    message_arrived = Signal(object)
    died = Signal(object)  # EngineError

    def __init__(
        self,
        command: Sequence[str],
        environment: Mapping[str, str],
        log_file: Path,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._command = list(command)
        self._environment = QProcessEnvironment()
        for name, value in environment.items():
            self._environment.insert(name, value)
        self._log_file = log_file
        self._process: QProcess | None = None
        self._lines = LineSplitter()
        self._has_said_hello = False
        self._stderr_tail = b""

    @property
    def pid(self) -> int:
        """The process id, 0 while none runs."""
        return self._process.processId() if self._process is not None else 0

    def start(self) -> None:
        """Start the host if none runs; what goes wrong is told by `died`, later."""
        if self._process is not None:
            return
        process = QProcess(self)
        self._process = process
        self._lines = LineSplitter()
        self._has_said_hello = False
        self._stderr_tail = b""
        process.setProcessEnvironment(self._environment)
        process.readyReadStandardOutput.connect(self._read_messages)
        process.readyReadStandardError.connect(self._drain_stderr)
        process.finished.connect(self._end)
        process.errorOccurred.connect(self._fail, Qt.ConnectionType.QueuedConnection)  # never inside `send`
        process.start(self._command[0], self._command[1:])

    def send(self, request: Request) -> None:
        """Send a request, to a new host where none runs; may raise ProtocolError for one that is too long."""
        line = encode(request)
        self.start()
        if self._process is not None:
            self._process.write(line)

    def close(self) -> None:
        """Close the host's stdin, which ends it and its workers; kill it where that does not help."""
        process, self._process = self._process, None
        if process is None:
            return
        process.blockSignals(True)
        process.closeWriteChannel()
        if not process.waitForFinished(END_TIMEOUT_MS):
            log.warning("the engine host did not end by itself and is killed")
            process.kill()
            process.waitForFinished(END_TIMEOUT_MS)
        process.deleteLater()

    def _read_messages(self) -> None:
        process = self._process
        if process is None:
            return
        try:
            for line in self._lines.feed(bytes(process.readAllStandardOutput().data())):
                self._take(line)
                if self._process is not process:  # closed by whoever got the message
                    return
        except ProtocolError as error:
            self._give_up(error)

    def _take(self, line: bytes) -> None:
        message = decode(line)
        if self._has_said_hello:
            self.message_arrived.emit(message)
            return
        hello: Hello = check_hello(message)
        self._has_said_hello = True
        log.info("engine host %d runs", hello.pid)

    def _drain_stderr(self) -> None:
        if self._process is None:
            return
        data = bytes(self._process.readAllStandardError().data())
        self._stderr_tail = (self._stderr_tail + data)[-STDERR_TAIL_BYTES:]
        try:
            set_aside_long_log(self._log_file)
            with self._log_file.open("ab") as file:
                file.write(data)
        except OSError as error:
            log.warning("the host's log cannot be written: %s", error)

    def _end(self, exit_code: int, exit_status: QProcess.ExitStatus) -> None:
        self._read_messages()
        self._drain_stderr()
        is_signal = exit_status == QProcess.ExitStatus.CrashExit and sys.platform != "win32"
        status = -exit_code if is_signal else exit_code
        self._give_up(HostDied(status, self._stderr_tail.decode("utf-8", "replace")))

    def _fail(self, error: QProcess.ProcessError) -> None:
        if error == QProcess.ProcessError.FailedToStart and self._process is not None:
            self._give_up(EngineMissing(f"the engine host does not start: {self._process.errorString()}"))

    def _give_up(self, error: EngineError) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.blockSignals(True)
        if process.state() != QProcess.ProcessState.NotRunning:
            process.kill()
            process.waitForFinished(END_TIMEOUT_MS)
        process.deleteLater()
        log.error("engine host: %s", error)
        self.died.emit(error)
