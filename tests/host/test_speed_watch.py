"""A model that has become slow, or left its GPU, is told of once, with what is different."""

from dataclasses import replace
from pathlib import Path

import pytest
from msgspec import structs

from engine.contract.messages import (
    CancelRequest,
    Event,
    FinishedEvent,
    GenerateRequest,
    LoadRequest,
    ModelLoaded,
    Request,
    TextEvent,
    Usage,
)
from engine.contract.model_info import BufferSize, LoadedModel, MemoryChange, MemoryReading, ModelInfo
from engine.contract.params import LoadParams
from engine.contract.paths import Paths
from engine.contract.tuning_messages import SpeedNotice
from engine.host.asides import Asides
from engine.host.good_speeds import Circumstances, GoodSpeed, GoodSpeeds, circumstances_of
from engine.host.speed_watch import SpeedWatch
from tests.support.host_recorder import HostRecorder

READING = MemoryReading(available_bytes=1, worker_bytes=1)
MEMORY = MemoryChange(before=READING, after=READING)
LOAD = LoadParams(threads=2)


class Watched:
    """A watch over simulated workers; everything is done at once, on this thread."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "m.gguf"
        self.path.write_bytes(b"m")
        self.notices: list[Event] = []
        self.submitted: list[Request] = []
        self.is_idle = True
        self._asides = Asides(lambda do: do())
        self._count = 0
        self.watch = SpeedWatch(
            GoodSpeeds(folder / "good.json"),
            emit=self.notices.append,
            submit=self.submitted.append,
            is_idle=lambda: self.is_idle,
            post=lambda do: do(),
            asides=self._asides,
        )

    def loaded(self, *, on_gpu: bool, version: str = "1") -> LoadedModel:
        info = ModelInfo(
            name="m", path=str(self.path), architecture="llama", size_bytes=1, parameters=1,
            quantization="", context_length=1, vocabulary_size=1, has_chat_template=False,
        )  # fmt: skip
        device = "CUDA0" if on_gpu else "CPU_Mapped"
        return LoadedModel(
            info=info, backend="llama", device=device, context_length=1, kv_bytes_per_token=1, load_ms=1,
            backend_version=version, buffers=(BufferSize(device=device, part="weights", size_bytes=1),),
        )  # fmt: skip

    def load(self, loaded: LoadedModel, load: LoadParams = LOAD) -> None:
        self.watch.note_asked("load", self.path, load)
        self.watch.see(ModelLoaded(request_id="load", model="m", loaded=loaded, memory=MEMORY))

    def answer(self, tps: float, loaded: LoadedModel, load: LoadParams = LOAD, request_id: str = "") -> bool:
        self._count += 1
        request_id = request_id or f"a{self._count}"
        self.watch.note_asked(request_id, self.path, load)
        usage = Usage(completion_tokens=24, decode_ms=23_000 / tps)
        event = FinishedEvent(request_id=request_id, reason="length", usage=usage, loaded=loaded)
        is_ours = self.watch.see(event)
        self._asides.join(5.0)
        return is_ours


@pytest.fixture
def watched(tmp_path: Path) -> Watched:
    return Watched(tmp_path)


def test_a_gpu_load_is_probed_while_nobody_asks_and_the_probe_stays_inside(watched: Watched) -> None:
    on_gpu = watched.loaded(on_gpu=True)
    watched.is_idle = False
    watched.load(on_gpu)
    assert watched.submitted == []
    watched.is_idle = True
    watched.load(on_gpu)
    (probe,) = watched.submitted
    assert isinstance(probe, GenerateRequest)
    assert probe.load == LOAD
    assert watched.watch.see(TextEvent(request_id=probe.request_id, text="x"))
    watched.watch.note_asked("user", watched.path, LOAD)
    assert watched.submitted[1:] == [CancelRequest(request_id=probe.request_id)]
    assert watched.answer(100, on_gpu, request_id=probe.request_id)
    assert watched.notices == []


def test_a_slower_probe_is_told_once_with_what_changed(watched: Watched) -> None:
    watched.answer(100, watched.loaded(on_gpu=True))
    newer = watched.loaded(on_gpu=True, version="2")
    watched.answer(70, newer)
    assert watched.notices == []
    watched.answer(30, newer, replace(LOAD, kv_type="q8_0"))
    watched.answer(30, newer, replace(LOAD, kv_type="q8_0"))
    (notice,) = watched.notices
    assert isinstance(notice, SpeedNotice)
    assert notice.decode_tps == pytest.approx(30)
    assert not notice.left_gpu
    assert [change.what for change in notice.changes] == ["kv_type"]


def test_another_driver_and_another_engine_pack_are_told_as_what_changed() -> None:
    with_pack = Circumstances(
        engine="llama 0.3.36 with vulkan-1",
        devices="GPU",
        threads="auto",
        kv_type="f16/f16",
        other_load="default",
        on_gpu=True,
        driver="nvidia 580",
    )
    now = structs.replace(with_pack, engine="llama 0.3.36", driver="nvidia 581")
    assert [change.what for change in with_pack.changes_to(now)] == ["engine", "driver"]
    of_an_earlier_retort = structs.replace(with_pack, driver="")
    assert of_an_earlier_retort.changes_to(with_pack) == ()


def test_a_model_that_left_its_gpu_is_told_of_at_its_load(watched: Watched) -> None:
    watched.answer(100, watched.loaded(on_gpu=True))
    watched.load(watched.loaded(on_gpu=False))
    (notice,) = watched.notices
    assert isinstance(notice, SpeedNotice)
    assert notice.left_gpu
    assert [change.what for change in notice.changes] == ["devices"]


def test_on_cpus_three_answers_tell_and_a_busy_computer_is_no_news(watched: Watched) -> None:
    on_cpu = watched.loaded(on_gpu=False)
    for tps in (100, 100, 100, 20, 20, 20, 20):
        watched.answer(tps, on_cpu)
    assert watched.notices == []
    fewer = replace(LOAD, threads=1)
    for tps in (20, 20):
        watched.answer(tps, on_cpu, fewer)
    assert watched.notices == []
    watched.answer(20, on_cpu, fewer)
    (notice,) = watched.notices
    assert isinstance(notice, SpeedNotice)
    assert [(change.what, change.before, change.now) for change in notice.changes] == [("threads", "2", "1")]


@pytest.mark.llama
def test_a_real_load_beside_a_good_figure_of_a_gpu_is_told_of(host: HostRecorder, builtin: Path) -> None:
    host.submit(LoadRequest(request_id="first", model="builtin", load=LOAD))
    first = host.wait_for(lambda event: isinstance(event, ModelLoaded))
    assert isinstance(first, ModelLoaded)
    now, status = circumstances_of(first.loaded, LOAD), builtin.stat()
    before = structs.replace(now, devices="CUDA0", on_gpu=True)
    good = GoodSpeed(
        size_bytes=status.st_size, mtime_ns=status.st_mtime_ns, decode_tps=1e6, circumstances=before
    )
    GoodSpeeds(Paths.from_environment().good_speeds).keep(builtin, good)
    host.submit(LoadRequest(request_id="second", model="builtin", load=replace(LOAD, threads=1)))
    notice = host.wait_for(lambda event: isinstance(event, SpeedNotice))
    assert isinstance(notice, SpeedNotice)
    assert notice.left_gpu
    assert [change.what for change in notice.changes] == ["devices", "threads"]
