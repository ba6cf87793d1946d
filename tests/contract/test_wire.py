import io
import os
import subprocess
import sys
import threading
import time
from typing import get_args

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.contract import messages
from engine.contract.bin_messages import (
    BinEmptied,
    BinListed,
    BinnedModel,
    BinRequest,
    EmptyBinRequest,
    ModelRestored,
    RestoreRequest,
)
from engine.contract.catalogue_messages import (
    CatalogueListed,
    CatalogueModel,
    CatalogueRequest,
    NetworkEntry,
    NetworkLogListed,
    NetworkLogRequest,
)
from engine.contract.chat import ChatMessage, ToolCallPart
from engine.contract.component_messages import (
    CheckComponentsRequest,
    ComponentsChecked,
    ComponentsListed,
    ComponentsRequest,
    ComponentStatus,
    FetchWheelsRequest,
    InstallComponentRequest,
    LockedWheel,
    RemoveComponentRequest,
    WheelsFetched,
)
from engine.contract.elsewhere_messages import (
    AdoptionProblem,
    AdoptRequest,
    ElsewhereFound,
    ElsewhereModel,
    ElsewhereRequest,
    ModelsAdopted,
)
from engine.contract.errors import ProtocolError
from engine.contract.fit_messages import (
    DeviceMemory,
    FitLine,
    FitRequest,
    FitSpeed,
    FitStep,
    FitTold,
)
from engine.contract.hub_messages import (
    HubFilesListed,
    HubFilesRequest,
    HubGroup,
    HubModel,
    HubModelsFound,
    ModelCardRead,
    ModelCardRequest,
    ModelPulled,
    PauseRequest,
    PullRequest,
    RemoteHeaderRead,
    RemoteHeaderRequest,
    SearchRequest,
    TransferProgress,
)
from engine.contract.job_messages import JobDone, JobProgress, JobRequest, JobsListed, JobsRequest
from engine.contract.jobs import (
    Divergence,
    Estimate,
    ExportCardJob,
    JobRecord,
    PlanJob,
    QualityCard,
    QuantizeJob,
)
from engine.contract.library_messages import (
    ImportProgress,
    ImportRequest,
    ModelImported,
    ModelRemoved,
    ModelsListed,
    ModelsRequest,
    ModelsVerified,
    RemoveRequest,
    VerifyProgress,
    VerifyRequest,
)
from engine.contract.messages import (
    AnswerNowRequest,
    CancelRequest,
    DescribeRequest,
    EngineDescription,
    ErrorEvent,
    FinishedEvent,
    ForgetRequest,
    GenerateRequest,
    Heartbeat,
    Hello,
    LoadProgress,
    LoadRequest,
    Message,
    ModelLoaded,
    ModelUnloaded,
    ReasoningEvent,
    TextEvent,
    ToolCallEvent,
    UnloadRequest,
    Usage,
)
from engine.contract.model_info import (
    InstalledModel,
    LoadedModel,
    MemoryChange,
    MemoryReading,
    ModelInfo,
    VerifiedModel,
    WorkerStatus,
)
from engine.contract.model_shape import ModelShape, Weights
from engine.contract.pack_messages import (
    CheckPackRequest,
    EngineNotice,
    FetchPackRequest,
    InstallPackRequest,
    PackFetched,
    PackProgress,
    PacksListed,
    PacksRequest,
    ProbeRequest,
    ProbeTold,
    RemovePackRequest,
    RollBackPackRequest,
    UsePackRequest,
)
from engine.contract.packs import EnginePack, NativeFacts, PackReport, PublishedPack
from engine.contract.params import FORBIDDEN, GenerationLimits, LayerPlacement, LoadParams, SamplingParams
from engine.contract.place_messages import (
    LibraryMoved,
    LibraryPlaceRequest,
    LibraryPlaceTold,
    MoveLibraryRequest,
    MoveProgress,
)
from engine.contract.processes import child_environment
from engine.contract.provenance_messages import (
    HashedFile,
    Provenance,
    ProvenanceRequest,
    ProvenanceTold,
    TemplateLook,
)
from engine.contract.remote_header import RemoteArray, RemoteFileHead, RemoteHeader, RemoteTensor
from engine.contract.settings import EngineSettings
from engine.contract.settings_messages import (
    ChangeLoadRequest,
    ChangeSettingRequest,
    SettingsListed,
    SettingsRequest,
    StatusListed,
    StatusRequest,
)
from engine.contract.tuned import Trial, TunedModel, TunedRow
from engine.contract.tuning_messages import (
    SpeedChange,
    SpeedNotice,
    TuneDone,
    TunedRequest,
    TunedTold,
    TuneProgress,
    TuneRequest,
)
from engine.contract.unfinished_messages import (
    DropUnfinishedRequest,
    UnfinishedDownload,
    UnfinishedDropped,
    UnfinishedListed,
    UnfinishedRequest,
)
from engine.contract.update_messages import UpdateRequest, UpdateTold
from engine.contract.wire import (
    MAX_LINE_BYTES,
    LineSplitter,
    MessageWriter,
    check_hello,
    decode,
    encode,
    hello,
    read_lines,
)
from engine.contract.workbench_messages import (
    ForgetJobsRequest,
    MoveJobRequest,
    QualityCardsListed,
    QualityCardsRequest,
    TensorGroup,
    TensorMapListed,
    TensorMapRequest,
)

LOADED = LoadedModel(
    info=ModelInfo(
        name="m",
        path="/m",
        architecture="llama",
        size_bytes=1,
        parameters=2,
        quantization="Q8_0",
        context_length=3,
        vocabulary_size=4,
        has_chat_template=True,
    ),
    backend="llama",
    device="CPU",
    context_length=5,
    kv_bytes_per_token=6,
    load_ms=7.5,
    backend_version="8",
)
TUNED = TunedModel(
    name="m",
    content_key="k",
    devices=("d",),
    engine_build="llama 1",
    best=LoadParams(threads=2),
    gain=0.2,
    rows=(
        TunedRow(
            load=LoadParams(threads=2),
            trial=Trial(
                prompt_tps=1.0,
                decode_tps=2.0,
                resident_bytes=3,
                free_bytes=4,
                context_length=5,
                most_context=6,
            ),
            is_on_front=True,
        ),
    ),
    tuned_at=1.0,
)
INSTALLED = InstalledModel(
    name="a/b/m",
    short_name="m",
    path="/m",
    format="gguf",
    origin="reference",
    info=LOADED.info,
    size_bytes=1,
    capabilities=("reasoning", "moe"),
)
STATUS = WorkerStatus(
    model="m", phase="ready", pid=7, memory_bytes=8, idle_s=0.5, call_s=0, restarts=1, loaded=LOADED
)
MEMORY = MemoryChange(
    before=MemoryReading(available_bytes=9, worker_bytes=0),
    after=MemoryReading(available_bytes=8, worker_bytes=1),
)
CARD = QualityCard(
    model="/m",
    against="/n",
    text_name="t",
    text_sha256="0",
    chunk_length=512,
    num_tokens=255,
    perplexity=Estimate(value=2.5, error=0.5),
    divergence=Divergence(
        mean=Estimate(value=0.5, error=0.25),
        median=0.5,
        percentile_99=1.5,
        largest=2.5,
        top1_agreement=Estimate(value=0.75, error=0.5),
        flips_to_wrong=0.25,
        flips_to_right=0.125,
    ),
    prompt_tps=100.5,
    decode_tps=10.5,
    size_bytes=1,
    bits_per_weight=4.5,
    measured_at=1.5,
)
SHAPE = ModelShape(
    name="n",
    format="gguf",
    architecture="llama",
    numbers={"block_count": 2, "attention.head_count_kv": (0, 4)},
    weights=(Weights(0, "expert", "Q4_K", 256, 144),),
    vocabulary_size=32,
)
CATALOGUED = CatalogueModel(
    id="m",
    name="M",
    family="m",
    repository="p/r",
    file="m.gguf",
    quantization="Q4_K_M",
    license="mit",
    architecture="llama",
    parameters=8,
    active_parameters=2,
    context_length=9,
    good_for={"en": "nothing"},
)
WHEEL = LockedWheel(file="torch-1-py3-none-any.whl", sha256="0" * 64, size_bytes=5, index="pytorch_cpu")
COMPONENT = ComponentStatus(name="torch", version="2.13.0", state="installed", download_bytes=5)

SAMPLES: list[Message] = [
    Hello(process="host", protocol=1, fingerprint="f", pid=2),
    LoadRequest(request_id="a", model="m", load=LoadParams(context_length=99, kv_type="q8_0")),
    GenerateRequest(
        request_id="a",
        model="m",
        conversation_id="c",
        messages=(
            ChatMessage(role="user", text="Grüße\n\u2028 😀 \x00"),
            ChatMessage(role="assistant", reasoning="Hm.", tool_calls=(ToolCallPart(name="f", call_id="1"),)),
            ChatMessage(role="tool", text="42", call_id="1"),
        ),
        tools=({"type": "function", "function": {"name": "f", "parameters": {}}},),
        template_options={"enable_thinking": False},
        sampling=SamplingParams(
            temperature=0, seed=3, logit_bias=((5, FORBIDDEN), (6, 1.5)), grammar='root ::= "x"'
        ),
        limits=GenerationLimits(max_tokens=4, stop=("x",)),
    ),
    CancelRequest(request_id="a"),
    AnswerNowRequest(request_id="a"),
    ForgetRequest(request_id="a", conversation_id="c"),
    UnloadRequest(request_id="a", model="m"),
    DescribeRequest(request_id="a"),
    ModelsRequest(request_id="a"),
    ImportRequest(request_id="a", path="/m", copy=True),
    RemoveRequest(request_id="a", model="m"),
    SettingsRequest(request_id="a"),
    ChangeSettingRequest(request_id="a", name="model_folders", value=("/a", "/b")),
    ChangeLoadRequest(request_id="a", model="m", load=LoadParams(threads=2)),
    StatusRequest(request_id="a"),
    JobRequest(request_id="a", job=QuantizeJob(source="m", target="/n", recipe="{}")),
    JobRequest(request_id="a", job=ExportCardJob(cards=(CARD,), target="/n.svg")),
    JobsRequest(request_id="a"),
    LoadProgress(request_id="a", model="m", fraction=0.5),
    ModelLoaded(request_id="a", model="m", loaded=LOADED, memory=MEMORY),
    ModelUnloaded(request_id="", model="m", reason="idle", memory=MEMORY),
    Heartbeat(request_id="", call_s=0.25),
    ModelsListed(request_id="a", models=(INSTALLED,)),
    ImportProgress(request_id="a", fraction=0.5),
    VerifyRequest(request_id="a", model="m"),
    ElsewhereRequest(request_id="a"),
    AdoptRequest(request_id="a", paths=("/m.gguf",)),
    ElsewhereFound(
        request_id="a",
        models=(ElsewhereModel(application="ollama", name="o/m", path="/m", format="gguf", size_bytes=1),),
    ),
    ModelsAdopted(
        request_id="a", models=(INSTALLED,), problems=(AdoptionProblem(path="/m", reason="it is damaged"),)
    ),
    LibraryPlaceRequest(request_id="a"),
    MoveLibraryRequest(request_id="a", folder="/f", gives_up=True),
    LibraryPlaceTold(
        request_id="a", folder="/f", is_there=True, free_bytes=1, models_bytes=2, bin_bytes=3, partial_bytes=4
    ),
    MoveProgress(request_id="a", fraction=0.5),
    LibraryMoved(request_id="a", folder="/f", num_files=1, size_bytes=2),
    BinRequest(request_id="a"),
    RestoreRequest(request_id="a", entry="e"),
    EmptyBinRequest(request_id="a", entries=("e",), older_than_days=7.0),
    BinListed(
        request_id="a",
        models=(BinnedModel(entry="e", name="m", removed_at=1.5, size_bytes=2, days_left=3.5),),
    ),
    ModelRestored(request_id="a", model=INSTALLED),
    BinEmptied(request_id="a", entries=("e",), freed_bytes=3),
    UnfinishedRequest(request_id="a"),
    DropUnfinishedRequest(request_id="a", files=("h.part",), older_than_days=7.0),
    UnfinishedListed(
        request_id="a",
        downloads=(
            UnfinishedDownload(
                file="h.part",
                model="p/r/f.gguf",
                arrived_bytes=1,
                size_bytes=2,
                disk_bytes=3,
                changed_at=4.5,
                is_active=False,
            ),
        ),
    ),
    UnfinishedDropped(request_id="a", files=("h.part",), freed_bytes=3),
    VerifyProgress(request_id="a", fraction=0.5),
    ModelsVerified(
        request_id="a", models=(VerifiedModel(name="m", verdict="damaged", files=("f",), read_bytes=9),)
    ),
    SearchRequest(request_id="a", words="tiny moe", limit=3, online=True),
    HubFilesRequest(request_id="a", repository="p/r", revision="main"),
    CatalogueRequest(request_id="a"),
    CatalogueListed(request_id="a", models=(CATALOGUED,), checked="2026-11-22"),
    NetworkLogRequest(request_id="a"),
    NetworkLogListed(
        request_id="a", entries=(NetworkEntry(id="1", time=0.5, method="GET", host="h", purpose="p"),)
    ),
    PullRequest(request_id="a", repository="p/r", file="Q4_K_M", limit_bytes_per_s=5),
    RemoteHeaderRequest(request_id="a", repository="p/r", file="Q4_K_M"),
    ModelCardRequest(request_id="a", repository="p/r", revision="c"),
    PauseRequest(request_id="a", is_paused=False),
    HubModelsFound(request_id="a", models=(HubModel(repository="p/r", license="mit", is_gated=True),)),
    HubFilesListed(
        request_id="a",
        repository="p/r",
        commit="c",
        author="p",
        license="mit",
        groups=(HubGroup(name="m", kind="gguf", quantization="Q8_0", files=("m.gguf",), size_bytes=8),),
    ),
    RemoteHeaderRead(
        request_id="a",
        repository="p/r",
        commit="c",
        group=HubGroup(name="m", kind="gguf", quantization="", files=("m.gguf",), size_bytes=8),
        info=LOADED.info,
        active_parameters=1,
        capabilities=("moe",),
        header=RemoteHeader(
            kind="gguf",
            files=(RemoteFileHead("m.gguf", 8, 4),),
            tensors=(RemoteTensor("output.weight", "Q8_0", (32, 2), 64),),
            version=3,
            metadata={"a": 1, "b": 0.5, "c": True, "d": "x", "e": RemoteArray(9, (1, 2.5, "y", False))},
        ),
        shape=SHAPE,
        fetched_bytes=4,
    ),
    ModelCardRead(request_id="a", repository="p/r", commit="c", text="# A model", is_cut=True),
    TransferProgress(request_id="a", phase="waiting", done_bytes=1, total_bytes=2, notice="it answers 503"),
    ModelPulled(request_id="a", model=INSTALLED, fetched_bytes=2),
    FetchWheelsRequest(request_id="a", purpose="torch 2.13.0", wheels=(WHEEL,), limit_bytes_per_s=3),
    WheelsFetched(request_id="a", fetched_bytes=4),
    ComponentsRequest(request_id="a"),
    InstallComponentRequest(request_id="a", name="torch", folder="/wheels", online=True),
    CheckComponentsRequest(request_id="a"),
    RemoveComponentRequest(request_id="a", name="torch"),
    ComponentsListed(request_id="a", components=(COMPONENT,)),
    ComponentsChecked(request_id="a", damaged=("/torch/x.py",)),
    UpdateRequest(request_id="a", online=True),
    UpdateTold(request_id="a", version="0.2.0", date="2026-12-01", is_newer=True, news=("Faster.",)),
    ModelImported(request_id="a", model=INSTALLED),
    ModelRemoved(request_id="a", model="m", freed_bytes=3),
    SettingsListed(request_id="", settings=EngineSettings(load={"m": LoadParams(context_length=9)})),
    StatusListed(request_id="a", workers=(STATUS,), available_bytes=1, total_bytes=2),
    TextEvent(request_id="a", text="\n"),
    ReasoningEvent(request_id="a", text="Hm."),
    ToolCallEvent(request_id="a", call=ToolCallPart(raw="{", error="it is nothing")),
    FinishedEvent(request_id="a", reason="stop", usage=Usage(prompt_tokens=3), loaded=LOADED),
    EngineDescription(request_id="a", backend="llama", version="1", system="AVX", devices=("CPU",)),
    JobProgress(request_id="a", fraction=0.5, words="quantizing", done=1, total=2, remaining_s=0.5),
    JobDone(request_id="a", result=CARD),
    JobsListed(
        request_id="a",
        jobs=(JobRecord(request_id="b", job=PlanJob(source="m", recipe=""), state="done", started_at=1.5),),
    ),
    TensorMapRequest(request_id="a", model="m"),
    QualityCardsRequest(request_id="a"),
    MoveJobRequest(request_id="a", job_id="b", places=-1),
    ForgetJobsRequest(request_id="a", job_id="b"),
    TensorMapListed(
        request_id="a",
        model="/m",
        format="gguf",
        architecture="llama",
        size_bytes=9,
        parameters=8,
        groups=(
            TensorGroup(part="norm", kind="attn_norm", type="F32", num_tensors=1, parameters=2, size_bytes=8),
        ),
    ),
    QualityCardsListed(request_id="a", cards=(CARD,)),
    FitRequest(request_id="a", model="m", shape=SHAPE),
    FitTold(
        request_id="a",
        model="m",
        backend="llama",
        context_length=512,
        trained_context_length=1024,
        num_positions=4096,
        lines=(FitLine(part="latent", device="CPU", predicted_bytes=5, actual_bytes=6),),
        devices=(DeviceMemory(name="CPU", is_gpu=False, free_bytes=7, total_bytes=8),),
        where="experts_in_ram",
        reason="r",
        load=LoadParams(placement=LayerPlacement(gpu_layers=3, gpu_shares=(1.0, 2.0), main_gpu=1)),
        steps=(FitStep(change="kv_q8_0", load=LoadParams(), predicted_bytes=4, where="cpu"),),
        speed=FitSpeed(slowest_tps=1.5, fastest_tps=2.5),
    ),
    ProvenanceRequest(request_id="a", model="m"),
    ProvenanceTold(
        request_id="a",
        model="m",
        provenance=Provenance(
            files=(HashedFile(name="f", size_bytes=1),),
            claims=(("general.author", "x"),),
            template=TemplateLook(size_bytes=2, sha256="s", concerns=(("dunder", "__class__"),)),
            warnings=(("author_changed", "x, y"),),
        ),
    ),
    PacksRequest(request_id="a"),
    InstallPackRequest(request_id="a", path="/p.zip"),
    FetchPackRequest(request_id="a", pack="p", online=True),
    UsePackRequest(request_id="a", pack="p"),
    CheckPackRequest(request_id="a", pack="p"),
    RollBackPackRequest(request_id="a"),
    RemovePackRequest(request_id="a", pack="p"),
    ProbeRequest(request_id="a", model="/m", tokens=(1, 2)),
    PacksListed(
        request_id="a",
        packs=(
            EnginePack(
                id="p",
                kind="vulkan",
                size_bytes=1,
                is_used=True,
                report=PackReport(problem="", drivers=("d",), stamps=(("f", 1, 2),)),
            ),
        ),
        before="builtin",
        published=(PublishedPack(id="q", kind="cuda", platform="x", file="f", size_bytes=2, sha256="s"),),
    ),
    PackProgress(request_id="a", step="probing", pack="p", fraction=0.5),
    PackFetched(request_id="a", path="/p.zip"),
    ProbeTold(
        request_id="a",
        facts=NativeFacts(
            commit="c",
            missing=("f",),
            strangers=("/s",),
            defaults={"a.b": "1"},
            devices=(DeviceMemory(name="CPU", is_gpu=False, free_bytes=1, total_bytes=2),),
            tokens=(1,),
            margins=(0.5,),
        ),
    ),
    EngineNotice(request_id="", pack="p", reason="r", now="builtin"),
    TuneRequest(request_id="a", model="m", seconds=2),
    TunedRequest(request_id="a", model="m"),
    TuneProgress(request_id="a", load=LoadParams(threads=2), axis="threads", share=0.5, gain=None),
    TuneDone(request_id="a", tuned=TUNED),
    TunedTold(request_id="a", model="m", tuned=TUNED, stale_because="s"),
    SpeedNotice(
        request_id="",
        model="m",
        left_gpu=True,
        good_tps=50.0,
        decode_tps=5.0,
        changes=(SpeedChange(what="engine", before="llama 1", now="llama 2"),),
    ),
    ComponentsRequest(request_id="a"),
    InstallComponentRequest(request_id="a", name="torch", folder="/f", online=True),
    CheckComponentsRequest(request_id="a"),
    RemoveComponentRequest(request_id="a", name="torch"),
    FetchWheelsRequest(
        request_id="a",
        purpose="p",
        wheels=(LockedWheel(file="f-1-py3-none-any.whl", sha256="s", size_bytes=1, index="i"),),
    ),
    ComponentsListed(
        request_id="a",
        components=(ComponentStatus(name="torch", version="1", state="absent", download_bytes=2),),
    ),
    ComponentsChecked(request_id="a", damaged=("/f",)),
    WheelsFetched(request_id="a", fetched_bytes=1),
    UpdateRequest(request_id="a", online=True),
    UpdateTold(request_id="a", version="1.0", date="2026-11-22", is_newer=True, news=("n",), page="p"),
    ErrorEvent(request_id="a", code="c", message="m", details={"a": 1, "b": "x", "c": 0.5}),
]


@pytest.mark.parametrize("message", SAMPLES, ids=lambda message: type(message).__name__)
def test_a_message_comes_back_as_it_went(message: Message) -> None:
    line = encode(message)
    assert line.count(b"\n") == 1
    assert decode(line) == message


def test_there_is_a_sample_of_every_message() -> None:
    assert {type(sample) for sample in SAMPLES} == set(get_args(messages.Message))


@pytest.mark.parametrize(
    "line",
    [b"", b"{", b"[]", b'{"type":"nothing"}', b'{"type":"text"}', b"\xff", b'{"type":"text","text":1}'],
)
def test_what_is_no_message_is_a_protocol_error(line: bytes) -> None:
    with pytest.raises(ProtocolError):
        decode(line)


def test_a_param_out_of_range_is_refused_on_the_wire_too() -> None:
    with pytest.raises(ProtocolError, match="temperature must be"):
        decode(b'{"type":"generate","request_id":"a","model":"m","sampling":{"temperature":-1}}')


@given(st.lists(st.binary(max_size=20).filter(lambda b: b"\n" not in b), max_size=8), st.data())
def test_lines_are_the_same_however_the_bytes_arrive(lines: list[bytes], data: st.DataObject) -> None:
    stream = b"".join(line + b"\n" for line in lines)
    splitter, found, position = LineSplitter(), list[bytes](), 0
    while position < len(stream):
        length = data.draw(st.integers(1, len(stream) - position))
        found += splitter.feed(stream[position : position + length])
        position += length
    assert found == lines


def test_a_line_without_end_is_refused_before_it_fills_the_memory() -> None:
    splitter = LineSplitter()
    with pytest.raises(ProtocolError):
        for _ in range(MAX_LINE_BYTES // 2**20 + 1):
            splitter.feed(b"x" * 2**20)
    with pytest.raises(ProtocolError):
        list(read_lines(io.BytesIO(b"x" * (MAX_LINE_BYTES + 1))))
    with pytest.raises(ProtocolError):
        encode(TextEvent(request_id="a", text="x" * MAX_LINE_BYTES))


def test_half_a_line_of_a_dead_process_is_dropped() -> None:
    assert list(read_lines(io.BytesIO(b"one\ntw"))) == [b"one\n"]


def read_all(read_end: int) -> list[Message]:
    with os.fdopen(read_end, "rb") as stream:
        return [decode(line) for line in read_lines(stream)]


def test_a_reader_that_does_not_read_makes_nobody_wait_and_loses_no_text() -> None:
    read_end, write_end = os.pipe()
    writer = MessageWriter(os.fdopen(write_end, "wb"), name="test")
    started = time.monotonic()
    for number in range(50_000):  # far more than a pipe holds
        writer.send(TextEvent(request_id=f"r{number % 2}", text=f"{number} "))
    writer.send(FinishedEvent(request_id="r0", reason="stop"))
    assert time.monotonic() - started < 20
    received: list[Message] = []
    reader = threading.Thread(target=lambda: received.extend(read_all(read_end)))
    reader.start()
    writer.close(timeout_s=30)
    reader.join()
    for request in (0, 1):
        texts = [m.text for m in received if isinstance(m, TextEvent) and m.request_id == f"r{request}"]
        assert "".join(texts) == "".join(f"{number} " for number in range(request, 50_000, 2))
    assert len(received) < 10_000  # merged while they waited
    assert isinstance(received[-1], FinishedEvent)


def test_waiting_text_merges_with_text_of_its_own_kind_only() -> None:
    read_end, write_end = os.pipe()
    writer = MessageWriter(os.fdopen(write_end, "wb"), name="test")
    expected = ""
    for number in range(3_000):  # more than the pipe holds: most of it waits
        for event in (ReasoningEvent, TextEvent):
            for _ in range(3):
                writer.send(event(request_id="a", text="." * 200))
            expected += event.__name__[0] * 600
        if number % 100 == 0:
            writer.send(ToolCallEvent(request_id="a", call=ToolCallPart(name="f")))
            expected += "C"
    received: list[Message] = []
    reader = threading.Thread(target=lambda: received.extend(read_all(read_end)))
    reader.start()
    writer.close(timeout_s=30)
    reader.join()
    assert len(received) < 3_000 * 6
    assert (
        "".join(
            type(event).__name__[0] * len(event.text)
            if isinstance(event, TextEvent | ReasoningEvent)
            else "C"
            for event in received
        )
        == expected
    )


def test_events_are_numbered_in_the_order_in_which_they_leave() -> None:
    read_end, write_end = os.pipe()
    writer = MessageWriter(os.fdopen(write_end, "wb"), name="test")
    writer.send(hello("host"))
    for number in range(20):
        writer.send(ModelUnloaded(request_id=str(number), model="m"))
    writer.close()
    _, *events = read_all(read_end)
    assert [event.sequence for event in events if isinstance(event, ModelUnloaded)] == list(range(1, 21))


def test_a_pipe_whose_reader_died_ends_the_writer_and_tells_once() -> None:
    read_end, write_end = os.pipe()
    broken: list[bool] = []
    writer = MessageWriter(os.fdopen(write_end, "wb"), name="test", on_broken=lambda: broken.append(True))
    os.close(read_end)
    for _ in range(100):
        writer.send(ModelUnloaded(request_id="", model="m"))
        time.sleep(0.001)
    writer.close()
    assert broken == [True]


def test_progress_that_waits_is_replaced_by_newer_progress() -> None:
    read_end, write_end = os.pipe()
    writer = MessageWriter(os.fdopen(write_end, "wb"), name="test")
    for step in range(20_000):
        writer.send(LoadProgress(request_id="a", model="m" * 50, fraction=step / 20_000))
    received: list[Message] = []
    reader = threading.Thread(target=lambda: received.extend(read_all(read_end)))
    reader.start()
    writer.close(timeout_s=30)
    reader.join()
    assert len(received) < 20_000
    last = received[-1]
    assert isinstance(last, LoadProgress)
    assert last.fraction == 19_999 / 20_000


def test_another_protocol_or_other_code_is_refused() -> None:
    mine = hello("worker")
    assert check_hello(mine) == mine
    for other in (
        msgspec.structs.replace(mine, protocol=0),
        msgspec.structs.replace(mine, fingerprint="x"),
        DescribeRequest(request_id="a"),
    ):
        with pytest.raises(ProtocolError):
            check_hello(other)


def test_what_native_code_prints_cannot_damage_a_line() -> None:
    program = (
        "import os, ctypes\n"
        "from engine.contract.wire import *\n"
        "stream = take_stdout()\n"
        "os.write(1, b'printed by native code\\n'); print('printed by Python')\n"
        "writer = MessageWriter(stream, name='x'); writer.send(hello('host')); writer.close()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, env=child_environment(), check=True
    )
    assert [type(decode(line)) for line in done.stdout.splitlines()] == [Hello]
    assert b"printed by native code" in done.stderr
    assert b"printed by Python" in done.stderr
