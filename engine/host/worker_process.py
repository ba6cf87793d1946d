"""One worker process as the host sees it: start, send, events, death."""

import os
import subprocess
import threading
from collections.abc import Callable, Sequence
from typing import IO

from engine.contract.errors import ProtocolError, WorkerDied
from engine.contract.messages import Event, Hello, Request
from engine.contract.processes import ProcessModule, child_command, child_environment
from engine.contract.wire import MessageWriter, check_hello, decode, read_lines
from engine.hardware.memory import decode_threads
from engine.host.job_object import tie_to_this_process
from engine.host.stderr_tail import StderrTail, find_assertion

END_GRACE_S = 5.0


class WorkerProcess:
    """A running worker. Its callbacks come from its own reader thread."""

    def __init__(
        self,
        generation: int,
        *,
        module: ProcessModule = "engine.worker",
        arguments: Sequence[str] = (),
        echo_stderr: bool,
        on_event: Callable[["WorkerProcess", Event], None],
        on_death: Callable[["WorkerProcess", WorkerDied | ProtocolError], None],
    ) -> None:
        """Start the process; `on_death` is called exactly once, after the last event."""
        self.generation = generation
        self._on_event, self._on_death = on_event, on_death
        self._process = subprocess.Popen(
            child_command(module, "--generation", str(generation), "--parent", str(os.getpid()), *arguments),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=worker_environment(),
        )
        tie_to_this_process(self._process)
        assert self._process.stdin and self._process.stdout and self._process.stderr
        name = f"worker-{generation}"
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
        """Queue a request; lost where the worker is dead, which `on_death` reports."""
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
                    self._on_event(self, message)
        except ProtocolError as error:
            problem = error
            self._process.kill()
        status = self._process.wait()
        self._stderr.join(END_GRACE_S)
        self._writer.close()
        tail = self._stderr.text()
        self._on_death(self, problem or WorkerDied(status, find_assertion(tail), tail))


def worker_environment() -> dict[str, str]:
    """A child's environment; where one thread decodes, the others, used for prompts alone, wait asleep.

    Spinning pays between the many small steps of decoding only, and costs dearly beside other programs.
    """
    environment = child_environment()
    if decode_threads() == 1:
        environment.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    return environment
