"""The worker driven by hand, over its pipe."""

import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from engine.contract.messages import (
    ErrorEvent,
    FinishedEvent,
    GenerateRequest,
    Heartbeat,
    Hello,
    LoadRequest,
    Message,
    ModelLoaded,
    Request,
    UnloadRequest,
)
from engine.contract.processes import child_command, child_environment
from engine.contract.wire import check_hello, decode, encode


class Worker:
    """A worker process and its two pipes."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            child_command("engine.worker", "--generation", "7"),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=child_environment(),
        )

    def send(self, *requests: Request | bytes) -> None:
        assert self.process.stdin is not None
        for request in requests:
            self.process.stdin.write(request if isinstance(request, bytes) else encode(request))
        self.process.stdin.flush()

    def read(self) -> Message:
        """The next message but for beats, which come when they come."""
        assert self.process.stdout is not None
        while isinstance(message := decode(self.process.stdout.readline()), Heartbeat):
            pass
        return message

    def read_until(self, kind: type[Message]) -> Message:
        while not isinstance(message := self.read(), kind):
            pass
        return message

    def close(self) -> int:
        self.process.communicate()
        return self.process.returncode


@pytest.fixture
def worker() -> Iterator[Worker]:
    running = Worker()
    yield running
    running.process.kill()
    running.close()


def test_the_first_line_is_hello_and_fits(worker: Worker) -> None:
    message = worker.read()
    assert isinstance(message, Hello)
    assert check_hello(message).pid == worker.process.pid


def test_the_end_of_stdin_ends_an_idle_worker(worker: Worker) -> None:
    worker.read()
    assert worker.close() == 0


def test_the_end_of_stdin_ends_a_busy_worker_too(worker: Worker) -> None:
    worker.send(LoadRequest(request_id="l", model="fake:rate=20,tokens=100000"))
    worker.send(GenerateRequest(request_id="g", model="fake", prompt="x"))
    worker.read_until(ModelLoaded)
    started = time.monotonic()
    assert worker.close() == 0
    assert time.monotonic() - started < 15


@pytest.mark.slow
def test_the_end_of_stdin_ends_a_worker_that_hangs_in_native_code(worker: Worker) -> None:
    worker.send(LoadRequest(request_id="l", model="fake:hang_at=1"))
    worker.send(GenerateRequest(request_id="g", model="fake", prompt="x"))
    worker.read_until(ModelLoaded)
    assert worker.close() == 0


def test_unloading_ends_the_process(worker: Worker) -> None:
    worker.send(UnloadRequest(request_id="u", model="fake"))
    assert worker.process.wait(30) == 0


def test_a_bad_line_is_reported_and_the_next_request_is_answered(worker: Worker) -> None:
    worker.read()
    worker.send(b'{"type":"generate","request_id":"a"\n', b"\xff\xfe\n")
    for _ in range(2):
        event = worker.read()
        assert isinstance(event, ErrorEvent)
        assert (event.code, event.generation) == ("protocol_error", 7)
    worker.send(LoadRequest(request_id="l", model="fake:tokens=2"))
    worker.send(GenerateRequest(request_id="g", model="fake", prompt="x"))
    finished = worker.read_until(FinishedEvent)
    assert isinstance(finished, FinishedEvent)
    assert finished.reason == "stop"


def test_a_request_without_words_is_invalid(worker: Worker) -> None:
    worker.send(
        LoadRequest(request_id="l", model="fake:tokens=2"), GenerateRequest(request_id="g", model="fake")
    )
    event = worker.read_until(ErrorEvent)
    assert isinstance(event, ErrorEvent)
    assert (event.request_id, event.code) == ("g", "invalid_request")


def test_importing_the_worker_leaves_qt_out() -> None:
    program = "import sys, engine.worker.service; print('PySide6' in sys.modules, 'llama_cpp' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program], env=child_environment(), capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["False", "False"]
