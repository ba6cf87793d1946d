import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from pytestqt.qtbot import QtBot

from app.engine_link.host_process import STDERR_TAIL_BYTES, HostProcess
from engine.contract.errors import EngineError, EngineMissing, HostDied, ProtocolError
from engine.contract.messages import ErrorEvent, LoadRequest, Message, UnloadRequest
from engine.contract.processes import child_command, child_environment
from engine.contract.version import PROTOCOL_VERSION
from engine.contract.wire import encode, hello
from tests.support.window import WAIT_MS

MakeHost = Callable[[list[str]], HostProcess]


class Heard:
    """What a host said."""

    def __init__(self, host: HostProcess) -> None:
        self.messages: list[Message] = []
        self.deaths: list[EngineError] = []
        host.message_arrived.connect(self.messages.append)
        host.died.connect(self.deaths.append)

    @property
    def answered(self) -> set[str]:
        """The ids of the requests that something was said about."""
        return {getattr(message, "request_id", "") for message in self.messages}


@pytest.fixture
def make_host(tmp_path: Path, qtbot: QtBot) -> Iterator[MakeHost]:
    made: list[HostProcess] = []

    def make(command: list[str]) -> HostProcess:
        host = HostProcess(command, child_environment(), tmp_path / "host.log")
        made.append(host)
        return host

    yield make
    for host in made:
        host.close()


def script(*lines: str) -> list[str]:
    """A process that does what no real host does."""
    return [sys.executable, "-c", "\n".join(("import os, sys, time", *lines))]


HELLO = encode(hello("host")).decode().strip()


def test_the_first_message_starts_the_real_host_and_closing_ends_it(
    make_host: MakeHost, qtbot: QtBot
) -> None:
    host = make_host(child_command("engine.host"))
    heard = Heard(host)
    assert host.pid == 0
    host.send(LoadRequest(request_id="a", model="fake"))
    qtbot.waitUntil(lambda: "a" in heard.answered, timeout=WAIT_MS)
    process = psutil.Process(host.pid)
    host.close()
    assert not process.is_running()
    assert host.pid == 0
    assert heard.deaths == []


def test_a_killed_host_is_reported_once_with_its_signal(make_host: MakeHost, qtbot: QtBot) -> None:
    host = make_host(child_command("engine.host"))
    heard = Heard(host)
    host.send(UnloadRequest(request_id="a", model="fake"))
    qtbot.waitUntil(lambda: host.pid > 0, timeout=WAIT_MS)
    psutil.Process(host.pid).kill()
    qtbot.waitUntil(lambda: bool(heard.deaths), timeout=WAIT_MS)
    (death,) = heard.deaths
    assert isinstance(death, HostDied)
    if os.name == "posix":
        assert death.details["exit_status"] == -9


def test_the_next_message_starts_a_new_host(make_host: MakeHost, qtbot: QtBot) -> None:
    host = make_host(child_command("engine.host"))
    heard = Heard(host)
    host.start()
    first = host.pid
    psutil.Process(first).kill()
    qtbot.waitUntil(lambda: bool(heard.deaths), timeout=WAIT_MS)
    host.send(LoadRequest(request_id="b", model="fake"))
    qtbot.waitUntil(lambda: "b" in heard.answered, timeout=WAIT_MS)
    assert host.pid != first


def test_a_program_that_is_not_there_is_told_after_the_call_has_returned(
    make_host: MakeHost, qtbot: QtBot
) -> None:
    host = make_host(["/nowhere/retort-host"])
    heard = Heard(host)
    host.send(LoadRequest(request_id="a", model="fake"))
    assert heard.deaths == []
    qtbot.waitUntil(lambda: bool(heard.deaths), timeout=WAIT_MS)
    assert isinstance(heard.deaths[0], EngineMissing)


@pytest.mark.parametrize(
    "line",
    [
        "not a message",
        HELLO.replace(f'"protocol":{PROTOCOL_VERSION}', '"protocol":999'),
        '{"type":"text","request_id":"a","text":"x"}',
    ],
    ids=["nonsense", "another version", "no greeting"],
)
def test_a_host_that_does_not_say_the_right_hello_is_ended(
    make_host: MakeHost, qtbot: QtBot, line: str
) -> None:
    host = make_host(script(f"print({line!r}, flush=True)", "time.sleep(60)"))
    heard = Heard(host)
    host.start()
    qtbot.waitUntil(lambda: bool(heard.deaths), timeout=WAIT_MS)
    assert isinstance(heard.deaths[0], ProtocolError)
    assert heard.messages == []
    assert host.pid == 0


def test_stderr_is_drained_kept_in_the_log_and_its_end_comes_with_the_death(
    make_host: MakeHost, qtbot: QtBot, tmp_path: Path
) -> None:
    host = make_host(
        script(
            f"print({HELLO!r}, flush=True)",
            "sys.stderr.write('noise ' * 200_000 + 'the last words')",
            "sys.exit(3)",
        )
    )
    heard = Heard(host)
    host.start()
    qtbot.waitUntil(lambda: bool(heard.deaths), timeout=WAIT_MS)
    details = heard.deaths[0].details
    assert details["exit_status"] == 3
    assert str(details["stderr_tail"]).endswith("the last words")
    assert len(str(details["stderr_tail"])) <= STDERR_TAIL_BYTES
    assert (tmp_path / "host.log").read_bytes().endswith(b"the last words")


def test_a_long_log_is_set_aside(make_host: MakeHost, qtbot: QtBot, tmp_path: Path) -> None:
    (tmp_path / "host.log").write_bytes(b"old" * 2**20)
    host = make_host(script("sys.stderr.write('new')"))
    heard = Heard(host)
    host.start()
    qtbot.waitUntil(lambda: bool(heard.deaths), timeout=WAIT_MS)
    assert (tmp_path / "host.log").read_bytes() == b"new"
    assert (tmp_path / "host.old.log").read_bytes().startswith(b"old")


@pytest.mark.slow
def test_a_host_that_is_deaf_to_the_end_of_its_input_is_killed(make_host: MakeHost, qtbot: QtBot) -> None:
    host = make_host(script(f"print({HELLO!r}, flush=True)", "time.sleep(600)"))
    host.start()
    qtbot.waitUntil(lambda: host.pid > 0, timeout=WAIT_MS)
    process = psutil.Process(host.pid)
    host.close()
    assert not process.is_running()


def test_messages_that_arrive_in_one_piece_are_told_one_by_one(make_host: MakeHost, qtbot: QtBot) -> None:
    events = [ErrorEvent(request_id=str(number), code="internal_error", message="") for number in range(50)]
    text = HELLO + "\n" + "".join(encode(event).decode() for event in events)
    host = make_host(script(f"sys.stdout.write({text!r})", "sys.stdout.flush()", "sys.stdin.read()"))
    heard = Heard(host)
    host.start()
    qtbot.waitUntil(lambda: len(heard.messages) == 50, timeout=WAIT_MS)
    assert heard.messages == events
