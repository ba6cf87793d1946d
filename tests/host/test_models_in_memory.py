"""Several models at once: who makes room for whom, when memory is given back, and what is said of it."""

import itertools
import os
import time
from pathlib import Path

import psutil
import pytest

from engine.contract.errors import ModelChanged, ModelTooLarge
from engine.contract.library_messages import ImportRequest, ModelImported
from engine.contract.messages import (
    CancelRequest,
    ErrorEvent,
    Event,
    LoadRequest,
    ModelLoaded,
    ModelUnloaded,
    UnloadRequest,
)
from engine.contract.params import LoadParams
from engine.contract.settings_messages import (
    ChangeLoadRequest,
    ChangeSettingRequest,
    SettingsListed,
    StatusListed,
    StatusRequest,
)
from engine.host.pace import Pace
from tests.support.host_recorder import HostRecorder, wait_until_no_worker_is_left, worker_processes
from tests.support.random_gguf import RandomModel, write_random_model

GIB = 2**30
GIBIBYTE_MODEL = RandomModel(
    architecture="llama", layers=16, hidden=2048, feed_forward=8192, heads=16, kv_heads=8, head_size=128
)


def unloaded(host: HostRecorder, model: str) -> ModelUnloaded:
    event = host.wait_for(lambda event: isinstance(event, ModelUnloaded) and event.model == model)
    assert isinstance(event, ModelUnloaded)
    return event


def loaded(host: HostRecorder, request_id: str) -> ModelLoaded:
    event = host.wait_for(lambda event: isinstance(event, ModelLoaded) and event.request_id == request_id)
    assert isinstance(event, ModelLoaded)
    return event


def status(host: HostRecorder, request_id: str = "s") -> StatusListed:
    host.submit(StatusRequest(request_id=request_id))
    event = host.wait_for(lambda event: isinstance(event, StatusListed) and event.request_id == request_id)
    assert isinstance(event, StatusListed)
    return event


def set_to(host: HostRecorder, name: str, value: int) -> None:
    host.submit(ChangeSettingRequest(request_id=f"set-{name}", name=name, value=value))
    host.wait_for(lambda event: event.request_id == f"set-{name}")


def test_two_models_stay_in_memory_and_the_third_takes_the_place_of_the_first(host: HostRecorder) -> None:
    for number in (3, 4):
        host.ask(f"r{number}", f"fake:tokens={number}")
        host.finished(f"r{number}")
    assert {worker.model for worker in status(host).workers} == {"fake:tokens=3", "fake:tokens=4"}
    host.ask("again", "fake:tokens=3")
    host.finished("again")
    host.ask("r5", "fake:tokens=5")
    host.finished("r5")
    event = unloaded(host, "fake:tokens=4")  # the other one was used since
    assert (event.request_id, event.reason) == ("", "room")
    assert {worker.model for worker in status(host, "t").workers} == {"fake:tokens=3", "fake:tokens=5"}
    assert len(worker_processes()) == 2


def test_a_model_is_not_taken_away_from_a_running_answer(host: HostRecorder) -> None:
    set_to(host, "models_at_once", 1)
    host.ask("a", "fake:rate=60,tokens=100000")
    host.first_text_of("a")
    host.ask("b", "fake:tokens=4")
    assert host.finished("b").reason == "stop"
    assert unloaded(host, "fake:tokens=4").reason == "idle"  # they were more than they should be
    host.submit(CancelRequest(request_id="a"))
    assert host.finished("a").reason == "cancelled"


def test_a_model_that_nobody_asks_anything_gives_its_memory_back() -> None:
    host = HostRecorder(Pace(minute_s=1.0))
    set_to(host, "keep_loaded_minutes", 1)
    host.ask("a", "fake:rate=20,tokens=60")  # three minutes of this pace: not idle while it answers
    host.finished("a")
    assert not any(isinstance(event, ModelUnloaded) for event in host.events)
    event = unloaded(host, "fake:rate=20,tokens=60")
    assert (event.request_id, event.reason) == ("", "idle")
    wait_until_no_worker_is_left()
    host.ask("b", "fake:rate=20,tokens=60", max_tokens=1)
    assert host.finished("b").reason == "length"
    host.close()


@pytest.mark.llama
def test_memory_is_said_before_and_after(host: HostRecorder, builtin: Path) -> None:
    host.submit(LoadRequest(request_id="l", model=str(builtin), load=LoadParams(threads=1)))
    memory = loaded(host, "l").memory
    assert memory is not None
    assert memory.before.worker_bytes == 0
    assert memory.after.worker_bytes > 20 * 2**20
    (worker,) = status(host).workers
    assert (worker.phase, worker.pid) == ("ready", worker_processes()[0].pid)
    assert worker.memory_bytes > 20 * 2**20
    host.submit(LoadRequest(request_id="again", model=str(builtin), load=LoadParams(threads=1)))
    assert loaded(host, "again").memory is None
    host.submit(UnloadRequest(request_id="u", model=str(builtin)))
    event = unloaded(host, str(builtin))
    assert event.request_id == "u"
    assert event.memory is not None
    assert event.memory.before.worker_bytes > 20 * 2**20
    assert event.memory.after.worker_bytes == 0
    assert event.memory.after.available_bytes > 0


def test_unloading_what_is_not_loaded_is_answered_too(host: HostRecorder) -> None:
    host.submit(UnloadRequest(request_id="u", model="fake"))
    assert unloaded(host, "fake").request_id == "u"
    host.submit(UnloadRequest(request_id="v", model="/nowhere/m.gguf"))
    assert unloaded(host, "/nowhere/m.gguf").request_id == "v"


@pytest.mark.llama
def test_a_model_that_does_not_fit_is_refused_in_words_before_anything_leaves(
    tiny_model: Path, tmp_path: Path
) -> None:
    large = write_random_model(tmp_path / "large.gguf", GIBIBYTE_MODEL, hollow=True)
    host = HostRecorder(Pace(available_bytes=lambda: GIB))
    host.ask("a", str(tiny_model), max_tokens=1, load=LoadParams(threads=1))
    host.finished("a")
    host.ask("b", str(large), max_tokens=1, load=LoadParams(threads=1))
    error = host.end_of("b")
    assert isinstance(error, ErrorEvent)
    assert error.code == ModelTooLarge.code
    assert int(error.details["needed_bytes"]) > GIB
    assert [worker.model for worker in status(host).workers] == [str(tiny_model)]
    set_to(host, "memory_reserve_mib", 0)  # the user knows better
    host.ask("c", str(large), max_tokens=1, load=LoadParams(threads=1))
    assert host.finished("c").reason in ("length", "stop")
    host.close()


def test_a_cancelled_request_does_not_cancel_those_that_wait_for_the_same_model(host: HostRecorder) -> None:
    model = "fake:load_s=1,tokens=3"
    host.ask("a", model)
    host.ask("b", model)
    host.submit(CancelRequest(request_id="a"))
    assert host.finished("a").reason == "cancelled"
    assert host.finished("b").reason == "stop"


def test_how_a_model_is_loaded_can_be_set_for_it(host: HostRecorder) -> None:
    model = "fake:tokens=3"
    host.submit(ChangeLoadRequest(request_id="c", model=model, load=LoadParams(context_length=99)))
    host.wait_for(lambda event: isinstance(event, SettingsListed))
    host.ask("a", model)
    host.finished("a")
    assert loaded(host, "a").loaded.context_length == 99
    host.submit(ChangeLoadRequest(request_id="d", model=model, load=None))
    host.ask("b", model)
    host.finished("b")
    assert loaded(host, "b").loaded.context_length == 4096
    assert len(worker_processes()) == 1  # the same model loaded the other way has left


@pytest.mark.llama
def test_an_imported_file_that_has_changed_is_not_loaded(
    host: HostRecorder, tiny_model: Path, tmp_path: Path
) -> None:
    file = tmp_path / "mine.gguf"
    file.write_bytes(tiny_model.read_bytes())
    host.submit(ImportRequest(request_id="i", path=str(file)))
    event = host.wait_for(lambda event: isinstance(event, ModelImported))
    assert isinstance(event, ModelImported)
    assert event.model.short_name == "mine"
    host.ask("a", "mine", max_tokens=1, load=LoadParams(threads=1))
    host.finished("a")
    host.submit(UnloadRequest(request_id="u", model="local/mine"))
    unloaded(host, "mine")
    os.utime(file, ns=(1, 1))
    host.ask("b", "mine", max_tokens=1, load=LoadParams(threads=1))
    error = host.end_of("b")
    assert isinstance(error, ErrorEvent)
    assert error.code == ModelChanged.code


def settings_told(event: Event) -> bool:
    return isinstance(event, SettingsListed) and event.request_id == ""


def test_a_change_by_another_host_is_told_unasked(host: HostRecorder) -> None:
    other = HostRecorder()
    set_to(other, "models_at_once", 7)
    other.close()
    event = host.wait_for(settings_told)
    assert isinstance(event, SettingsListed)
    assert event.settings.models_at_once == 7


def test_status_tells_what_a_worker_does(host: HostRecorder) -> None:
    host.ask("a", "fake:hang_at=1")
    host.first_text_of("a")
    for number in itertools.count():
        (worker,) = status(host, f"s{number}").workers
        assert (worker.phase, worker.idle_s) == ("answering", 0)
        if worker.call_s > 1:  # it has been seen within one call for that long
            break
        time.sleep(0.1)
    assert psutil.pid_exists(worker.pid)
