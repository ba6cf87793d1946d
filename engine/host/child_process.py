"""A child of the host that speaks the wire: start, send, events, and how it ended."""

import subprocess
import threading
from collections.abc import Callable
from typing import IO

from engine.contract.errors import ProtocolError
from engine.contract.messages import Event, Hello, Request
from engine.contract.wire import MessageWriter, check_hello, decode, read_lines
from engine.host.job_object import tie_to_this_process
from engine.host.stderr_tail import StderrTail

END_GRACE_S = 5.0


class ChildProcess:
    """A running child. Its callbacks come from its own reader thread."""

    def __init__(
        self,
        name: str,
        command: list[str],
        environment: dict[str, str],
        *,
        echo_stderr: bool,
        on_event: Callable[[Event], None],
        on_end: Callable[[int, str, ProtocolError | None], None],
    ) -> None:
        """Start the process.

        `on_end` is called exactly once, after the last event, with the exit status, the end of stderr and the
        reason where the host killed it for what it wrote.
        """
        self._on_event, self._on_end = on_event, on_end
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment
        )
        tie_to_this_process(self._process)
        assert self._process.stdin and self._process.stdout and self._process.stderr
        self._writer = MessageWriter(self._process.stdin, name=name)
        self._stderr = StderrTail(self._process.stderr, name=name, echo=echo_stderr)
        self._reader = threading.Thread(
            target=self._read, args=(self._process.stdout,), name=f"{name}-reader", daemon=True
        )
        self._reader.start()

    @property
    def pid(self) -> int:
        """The operating system's number of the process."""
        return self._process.pid

    def send(self, request: Request) -> None:
        """Queue a request; lost where the child is dead, which `on_end` reports."""
        self._writer.send(request)

    def kill(self) -> None:
        """End it at once."""
        self._process.kill()

    def close(self) -> None:
        """End it by closing its stdin, by force where it takes too long; wait until everything is drained."""
        self._writer.close()
        try:
            self._process.wait(END_GRACE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
        if threading.current_thread() is not self._reader:
            self._reader.join(END_GRACE_S)

    def _read(self, stream: IO[bytes]) -> None:
        problem: ProtocolError | None = None
        try:
            with stream:
                lines = read_lines(stream)
                first = next(lines, None)
                if first is not None:
                    check_hello(decode(first))
                for line in lines:
                    message = decode(line)
                    assert not isinstance(message, Hello | Request)
                    self._on_event(message)
        except ProtocolError as error:
            problem = error
            self._process.kill()
        status = self._process.wait()
        self._stderr.join(END_GRACE_S)
        self._writer.close()
        self._on_end(status, self._stderr.text(), problem)
