"""Signs of life, and what is left of a host's workers when it ends without a word."""

import os
import signal
import subprocess
import sys
import time

import psutil
import pytest

from engine.contract.chat import ChatMessage
from engine.contract.errors import WorkerUnresponsive
from engine.contract.messages import (
    CancelRequest,
    ErrorEvent,
    GenerateRequest,
    Hello,
    ModelLoaded,
    ModelUnloaded,
    TextEvent,
)
from engine.contract.processes import child_command, child_environment
from engine.contract.wire import decode, encode, read_lines
from engine.host.pace import Pace
from engine.host.pulse import TICK_S, Pulse, RunningTime
from tests.support.host_recorder import HostRecorder, worker_processes

SLOW = "fake:rate=50,tokens=100000"


def test_a_pause_of_the_host_counts_as_two_ticks_at_most() -> None:
    now = 1000.0
    running = RunningTime(clock=lambda: now)
    now += 0.5
    assert running.passed_s() == 0.5
    now += 8 * 3600  # the computer slept
    assert running.passed_s() == 2 * TICK_S


def test_a_cancel_is_given_time_for_three_of_the_longest_calls_so_far() -> None:
    beats = Pulse()
    assert beats.cancel_grace_s == 3
    for call_s in (0.0, 1.0, 2.0, 0.5, 1.5):  # the call of 2 s has ended
        beats.note_beat(call_s)
    assert beats.cancel_grace_s == 6
    for call_s in (60.0, 0.0):
        beats.note_beat(call_s)
    assert beats.cancel_grace_s == 30
    beats.note_loaded()
    assert beats.cancel_grace_s == 3


@pytest.mark.skipif(sys.platform == "win32", reason="Windows cannot stop a process from outside")
def test_a_worker_without_a_sign_of_life_is_ended_and_the_next_request_works() -> None:
    host = HostRecorder(Pace(max_silence_s=3.0))
    host.ask("a", SLOW)
    host.first_text_of("a")
    (worker,) = worker_processes()
    os.kill(worker.pid, signal.SIGSTOP)
    error = host.end_of("a")
    assert isinstance(error, ErrorEvent)
    assert error.code == WorkerUnresponsive.code
    assert int(error.details["silent_s"]) >= 3
    host.ask("b", SLOW, max_tokens=2)
    assert host.finished("b").reason == "length"
    host.close()


def test_a_worker_that_computes_for_long_keeps_its_heart_beating() -> None:
    host = HostRecorder(Pace(max_silence_s=3.0))
    host.ask("a", "fake:prefill_rate=4,tokens=3", "x" * 28)  # one call of more than six seconds
    assert host.finished("a").reason == "stop"
    host.close()


@pytest.mark.slow
def test_a_worker_that_was_killed_for_a_cancel_is_started_again_with_its_model(host: HostRecorder) -> None:
    host.ask("a", "fake:hang_at=3")
    host.first_text_of("a")
    host.submit(CancelRequest(request_id="a"))
    assert host.finished("a").reason == "cancelled"
    unloaded = host.wait_for(lambda event: isinstance(event, ModelUnloaded))
    assert isinstance(unloaded, ModelUnloaded)
    assert unloaded.reason == "ended"
    again = host.wait_for(lambda event: isinstance(event, ModelLoaded) and event.generation == 2)
    assert again.request_id == ""


@pytest.mark.parametrize("model", [SLOW, "fake:hang_at=2"])
def test_a_host_that_is_killed_leaves_no_orphan(model: str) -> None:
    messages = (ChatMessage(role="user", text="Who are you?"),)  # so that there is a template child too
    question = GenerateRequest(request_id="a", model=model, messages=messages)
    with subprocess.Popen(
        child_command("engine.host"),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=child_environment(),
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(encode(question))
        process.stdin.flush()
        said = (decode(line) for line in read_lines(process.stdout))
        assert isinstance(next(said), Hello)
        next(message for message in said if isinstance(message, TextEvent))
        below = psutil.Process(process.pid).children(recursive=True)
        process.kill()
    assert len(below) >= 2
    _, alive = psutil.wait_procs(below, timeout=20)
    assert not alive


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel of Linux alone is asked")
def test_a_stopped_worker_dies_with_its_host_on_linux() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", _STARTS_A_WORKER], stdout=subprocess.PIPE, env=child_environment(), text=True
    ) as parent:
        assert parent.stdout is not None
        worker = psutil.Process(int(parent.stdout.readline()))
        worker.suspend()  # deaf: it will not notice the end of its stdin
        parent.kill()
    worker.wait(20)


def test_a_worker_whose_host_died_before_it_started_ends_at_once() -> None:
    if sys.platform != "linux":
        pytest.skip("the kernel of Linux alone is asked")
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    command = child_command("engine.worker", "--parent", str(gone.pid))
    started = time.monotonic()
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, env=child_environment()
    ) as worker:
        assert worker.wait(20) == 0
    assert time.monotonic() - started < 20


@pytest.mark.skipif(sys.platform == "win32", reason="Windows ends the whole job, which the host makes")
def test_a_template_that_never_ends_dies_with_the_worker_that_wanted_it() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", _RENDERS_FOR_EVER], stdin=subprocess.DEVNULL, env=child_environment()
    ) as parent:
        deadline = time.monotonic() + 60
        while not (children := psutil.Process(parent.pid).children()):
            assert time.monotonic() < deadline
            time.sleep(0.01)
        while children[0].cpu_times().user < 2.0:  # it is in the midst of it and hears nothing
            assert time.monotonic() < deadline
            time.sleep(0.05)
        parent.kill()
    children[0].wait(20)


_RENDERS_FOR_EVER = """
from engine.chat.template import TemplateVariables
from engine.worker import template_child
template_child.TIME_LIMIT_S = 600
loop = "{% for a in range(99999) %}"
source = loop * 3 + "{% endfor %}" * 3
template_child.TemplateChild().render(source, (), TemplateVariables())
"""
_STARTS_A_WORKER = """
import time
from engine.host.worker_process import WorkerProcess
worker = WorkerProcess(1, echo_stderr=False, on_event=lambda w, e: print(w.pid, flush=True), on_death=print)
time.sleep(60)
"""
