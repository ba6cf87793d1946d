"""The ledger through a real host: asked before a load, compared after it, tried otherwise where one fails."""

from pathlib import Path

import pytest

from engine.contract.errors import ModelNotFound
from engine.contract.fit_messages import DeviceMemory, FitRequest, FitTold
from engine.contract.library_messages import ImportRequest
from engine.contract.messages import ErrorEvent, LoadProgress, LoadRequest, ModelLoaded
from engine.contract.params import LoadParams
from engine.host.pace import Pace
from engine.library.model_shape import read_shape
from tests.support.host_recorder import HostRecorder, worker_processes
from tests.support.random_gguf import RandomModel, write_random_model

pytestmark = pytest.mark.llama
GIB = 2**30
ONE_THREAD = LoadParams(threads=1, sequences=1)
LARGE = RandomModel(
    architecture="llama",
    layers=4,
    hidden=2048,
    feed_forward=8192,
    heads=16,
    kv_heads=8,
    head_size=128,
    vocabulary=1000,
)


def told(host: HostRecorder, request: FitRequest) -> FitTold:
    host.submit(request)
    event = host.wait_for(lambda event: event.request_id == request.request_id)
    assert isinstance(event, FitTold), event
    return event


def test_a_load_is_predicted_and_then_compared_with_what_it_took(
    host: HostRecorder, builtin_q8: Path
) -> None:
    before = told(host, FitRequest(request_id="before", model=str(builtin_q8), load=ONE_THREAD))
    assert before.where == "cpu"
    assert before.actual_bytes is None
    host.submit(LoadRequest(request_id="l", model=str(builtin_q8), load=ONE_THREAD))
    event = host.wait_for(lambda event: isinstance(event, ModelLoaded))
    assert isinstance(event, ModelLoaded)
    host.ask("a", str(builtin_q8), max_tokens=1, load=ONE_THREAD)
    host.finished("a")
    for attempt in range(100):  # it is written down aside
        after = told(host, FitRequest(request_id=f"after-{attempt}", model=str(builtin_q8), load=ONE_THREAD))
        if after.actual_bytes is not None:
            break
    pairs = {line.part: (line.predicted_bytes, line.actual_bytes) for line in after.lines}
    for part in ("weights", "experts", "latent", "compute"):
        predicted, actual = pairs[part]
        assert actual == pytest.approx(predicted, rel=0.06, abs=100_000), part
    kv = next(buffer.size_bytes for buffer in event.loaded.buffers if buffer.part == "kv_cache")
    assert pairs["latent"][0] == event.loaded.kv_cache_bytes
    assert abs(kv - event.loaded.kv_cache_bytes) < 10_500  # the log says hundredths of a MiB


def test_a_shape_is_enough_and_needs_no_file(host: HostRecorder, builtin: Path) -> None:
    here = told(host, FitRequest(request_id="h", model=str(builtin)))
    remote = told(host, FitRequest(request_id="r", model="far/away", shape=read_shape(builtin)))
    assert (remote.model, remote.actual_bytes) == ("far/away", None)
    assert remote.lines == here.lines


def test_what_is_not_there_and_what_is_damaged_are_said(host: HostRecorder, tmp_path: Path) -> None:
    host.submit(FitRequest(request_id="a", model=str(tmp_path / "none.gguf")))
    event = host.wait_for(lambda event: event.request_id == "a")
    assert isinstance(event, ErrorEvent)
    assert event.code == ModelNotFound.code
    (tmp_path / "bad.gguf").write_bytes(b"GGUF")
    host.submit(ImportRequest(request_id="i", path=str(tmp_path / "bad.gguf")))
    host.submit(FitRequest(request_id="b", model=str(tmp_path / "bad.gguf")))
    assert isinstance(host.wait_for(lambda event: event.request_id == "b"), ErrorEvent)


def test_a_load_that_dies_on_a_gpu_is_tried_with_less_on_it_and_never_twice_the_same(tmp_path: Path) -> None:
    path = write_random_model(tmp_path / "large.gguf", LARGE, hollow=True)
    gpu = DeviceMemory(name="GPU0", is_gpu=True, free_bytes=2 * GIB, total_bytes=2 * GIB)
    host = HostRecorder(Pace(gpus=lambda: (gpu,)))
    load = LoadParams(threads=1, sequences=1, context_length=512, use_mmap=False)
    host.submit(LoadRequest(request_id="l", model=str(path), load=load))
    host.wait_for(lambda event: isinstance(event, LoadProgress))
    (first,) = worker_processes()
    first.kill()
    event = host.wait_for(lambda event: isinstance(event, ModelLoaded | ErrorEvent))
    assert isinstance(event, ModelLoaded), event
    assert [worker.pid for worker in worker_processes()] != [first.pid]
    host.close()
