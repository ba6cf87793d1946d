"""The host with real workers: what comes back, what is cancelled, and what happens when a worker dies."""

import os
import signal
import time
from pathlib import Path

import psutil
import pytest

from engine.contract.chat import ChatMessage
from engine.contract.errors import ModelDamaged, ModelNotFound, WorkerDied, WorkerRestartLimit
from engine.contract.messages import (
    CancelRequest,
    DescribeRequest,
    EngineDescription,
    ErrorEvent,
    Event,
    GenerateRequest,
    LoadProgress,
    LoadRequest,
    ModelLoaded,
    ModelUnloaded,
    TextEvent,
    UnloadRequest,
)
from engine.contract.params import LoadParams
from tests.support.host_recorder import HostRecorder, wait_until_no_worker_is_left, worker_processes

SLOW = "fake:rate=50,tokens=1000"


def is_loaded(event: Event) -> bool:
    return isinstance(event, ModelLoaded)


def kill_worker() -> None:
    (worker,) = worker_processes()
    worker.kill()


def test_an_answer_comes_in_pieces_and_ends_with_its_figures(host: HostRecorder) -> None:
    host.ask("a", "fake:tokens=40,text=hello ")
    finished = host.finished("a")
    assert host.text_of("a") == ("hello " * 7)[:40]
    assert (finished.reason, finished.usage.completion_tokens) == ("stop", 41)
    assert finished.usage.prompt_tokens == len("Once upon a time") + 1
    assert finished.loaded is not None
    assert finished.loaded.backend == "fake"


def test_every_event_of_a_request_carries_its_id_and_the_worker_s_generation(host: HostRecorder) -> None:
    host.ask("a", "fake")
    host.finished("a")
    assert {event.request_id for event in host.events} == {"a"}
    assert {event.generation for event in host.events} == {1}


def test_loading_tells_how_far_it_is(host: HostRecorder) -> None:
    host.submit(LoadRequest(request_id="l", model="fake:load_s=0.6"))
    host.wait_for(is_loaded)
    fractions = [event.fraction for event in host.events if isinstance(event, LoadProgress)]
    assert fractions == sorted(fractions)
    assert len(fractions) > 2
    assert fractions[-1] == 1


def test_requests_that_wait_for_the_same_load_are_all_answered(host: HostRecorder) -> None:
    for number in range(5):
        host.ask(f"r{number}", "fake:load_s=0.3,tokens=8,text=abcdefgh")
    for number in range(5):
        assert host.finished(f"r{number}").reason == "stop"
        assert host.text_of(f"r{number}") == "abcdefgh"
    assert len(worker_processes()) == 1


def test_a_second_turn_computes_only_what_is_new(host: HostRecorder) -> None:
    model = "fake:tokens=9,text=It is so."
    question = ChatMessage(role="user", text="Is it?")
    host.submit(GenerateRequest(request_id="a", model=model, messages=(question,)))
    first = host.finished("a").usage
    answer = ChatMessage(role="assistant", text=host.text_of("a"))
    messages = (question, answer, ChatMessage(role="user", text="Really?"))
    host.submit(GenerateRequest(request_id="b", model=model, messages=messages))
    second = host.finished("b").usage
    assert second.cached_tokens >= first.prompt_tokens
    assert second.prompt_tokens - second.cached_tokens <= len("\nuser: Really?\nassistant: ")


def test_a_cancel_keeps_the_text_so_far_and_the_next_request_works(host: HostRecorder) -> None:
    host.ask("a", SLOW)
    host.first_text_of("a")
    host.submit(CancelRequest(request_id="a"))
    assert host.finished("a").reason == "cancelled"
    assert host.text_of("a")
    host.ask("b", SLOW, max_tokens=2)
    assert host.finished("b").reason == "length"


def test_a_cancel_while_loading_ends_the_request(host: HostRecorder) -> None:
    host.ask("a", "fake:load_s=5")
    host.wait_for(lambda event: isinstance(event, LoadProgress))
    host.submit(CancelRequest(request_id="a"))
    assert host.finished("a").reason == "cancelled"
    host.ask("b", "fake:tokens=3")
    assert host.finished("b").reason == "stop"


@pytest.mark.slow
def test_a_worker_that_does_not_hear_a_cancel_is_killed_and_the_request_ends_cancelled(
    host: HostRecorder,
) -> None:
    host.ask("a", "fake:hang_at=3")
    host.first_text_of("a")
    started = time.monotonic()
    host.submit(CancelRequest(request_id="a"))
    assert host.finished("a").reason == "cancelled"
    assert 2.5 < time.monotonic() - started < 20
    host.ask("b", "fake:tokens=3")
    assert host.finished("b").reason == "stop"


@pytest.mark.skipif(
    os.name == "nt", reason="Windows has no SIGKILL; its exit status is tested with describe_exit"
)
def test_a_worker_killed_in_mid_answer_is_an_error_in_words_and_the_next_request_works(
    host: HostRecorder,
) -> None:
    host.ask("a", SLOW)
    host.first_text_of("a")
    kill_worker()
    error = host.end_of("a")
    assert isinstance(error, ErrorEvent)
    assert error.code == WorkerDied.code
    assert error.message.startswith("the worker ended with a kill")
    assert error.details["exit_status"] == -signal.SIGKILL
    host.wait_for(lambda event: isinstance(event, ModelUnloaded))
    host.ask("b", SLOW, max_tokens=3)
    assert host.finished("b").reason == "length"
    assert {event.generation for event in host.events if event.request_id == "b"} == {2}


def test_an_abort_in_native_code_is_an_error_and_not_the_end(host: HostRecorder) -> None:
    host.ask("a", "fake:rate=100,abort_at=5")
    error = host.end_of("a")
    assert isinstance(error, ErrorEvent)
    assert error.code == WorkerDied.code


def test_a_worker_that_dies_again_and_again_is_not_started_for_ever(host: HostRecorder) -> None:
    model = "fake:abort_at=1,rate=1000"
    codes = []
    for number in range(5):
        host.ask(f"r{number}", model)
        end = host.end_of(f"r{number}")
        assert isinstance(end, ErrorEvent)
        codes.append(end.code)
    assert codes == [WorkerDied.code] * 4 + [WorkerRestartLimit.code]
    host.submit(LoadRequest(request_id="l", model=model))  # asked for by hand: it may try again
    assert is_loaded(host.wait_for(lambda event: event.request_id == "l" and is_loaded(event)))


def test_a_missing_and_a_damaged_file_are_refused_in_words(
    host: HostRecorder, tmp_path: Path, tiny_model: Path
) -> None:
    damaged = tmp_path / "damaged.gguf"
    damaged.write_bytes(tiny_model.read_bytes()[:20_000])
    for request_id, model, code in (
        ("a", str(tmp_path / "none.gguf"), ModelNotFound.code),
        ("b", str(damaged), ModelDamaged.code),
    ):
        host.ask(request_id, model)
        error = host.end_of(request_id)
        assert isinstance(error, ErrorEvent)
        assert error.code == code
        assert "gguf" in error.message
    wait_until_no_worker_is_left()


def test_an_option_nobody_knows_is_an_invalid_request(host: HostRecorder) -> None:
    host.ask("a", "fake:speed=3")
    error = host.end_of("a")
    assert isinstance(error, ErrorEvent)
    assert error.code == "invalid_request"


def test_unloading_gives_the_process_back(host: HostRecorder) -> None:
    host.ask("a", "fake:tokens=3")
    host.finished("a")
    host.submit(UnloadRequest(request_id="u", model="fake:tokens=3"))
    unloaded = host.wait_for(lambda event: isinstance(event, ModelUnloaded))
    assert unloaded.request_id == "u"
    wait_until_no_worker_is_left()


def test_closing_the_host_in_mid_answer_ends_every_worker() -> None:
    host = HostRecorder()
    host.ask("a", SLOW)
    host.first_text_of("a")
    workers = worker_processes()
    host.close()
    assert workers
    assert not [worker for worker in workers if psutil.pid_exists(worker.pid)]


@pytest.mark.llama
def test_a_worker_says_what_it_runs_on(host: HostRecorder) -> None:
    host.submit(DescribeRequest(request_id="d"))
    event = host.wait_for(lambda event: isinstance(event, EngineDescription))
    assert isinstance(event, EngineDescription)
    assert event.version == "0.3.36"
    assert event.devices


@pytest.mark.llama
def test_a_full_context_ends_an_answer_and_a_prompt_beyond_it_is_refused(
    host: HostRecorder, tiny_model: Path
) -> None:
    load = LoadParams(context_length=256, threads=1)
    host.ask("a", str(tiny_model), "x" * 200, load=load)
    finished = host.finished("a")
    assert finished.usage.prompt_tokens + finished.usage.completion_tokens <= 257
    assert finished.reason == "stop" or finished.usage.completion_tokens == 257 - finished.usage.prompt_tokens
    host.ask("b", str(tiny_model), "x" * 300, load=load)
    error = host.end_of("b")
    assert isinstance(error, ErrorEvent)
    assert (error.code, error.details["context_length"]) == ("context_exceeded", 256)


@pytest.mark.llama
def test_a_seed_makes_a_sampled_answer_repeatable_and_is_drawn_anew_otherwise(
    host: HostRecorder, tiny_model: Path
) -> None:
    seeds = []
    for number in range(2):
        host.ask(f"r{number}", str(tiny_model), temperature=1.0, max_tokens=20, load=LoadParams(threads=1))
        seeds.append(host.finished(f"r{number}").seed)
    assert seeds[0] != seeds[1]
    assert host.text_of("r0") != host.text_of("r1")
    first = next(event for event in host.events if isinstance(event, TextEvent))
    assert first.text
