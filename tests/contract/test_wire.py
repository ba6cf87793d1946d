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
from engine.contract.chat import ChatMessage, ToolCallPart
from engine.contract.errors import ProtocolError
from engine.contract.hub_messages import (
    HubFilesListed,
    HubFilesRequest,
    HubGroup,
    HubModel,
    HubModelsFound,
    ModelPulled,
    PauseRequest,
    PullRequest,
    SearchRequest,
    TransferProgress,
)
from engine.contract.jobs import Divergence, Estimate, JobRecord, PlanJob, QualityCard, QuantizeJob
from engine.contract.messages import (
    CancelRequest,
    ChangeLoadRequest,
    ChangeSettingRequest,
    DescribeRequest,
    EngineDescription,
    ErrorEvent,
    FinishedEvent,
    GenerateRequest,
    Heartbeat,
    Hello,
    ImportProgress,
    ImportRequest,
    JobDone,
    JobProgress,
    JobRequest,
    JobsListed,
    JobsRequest,
    LoadProgress,
    LoadRequest,
    Message,
    ModelImported,
    ModelLoaded,
    ModelRemoved,
    ModelsListed,
    ModelsRequest,
    ModelUnloaded,
    ReasoningEvent,
    RemoveRequest,
    SettingsListed,
    SettingsRequest,
    StatusListed,
    StatusRequest,
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
from engine.contract.params import FORBIDDEN, GenerationLimits, LoadParams, SamplingParams
from engine.contract.processes import child_environment
from engine.contract.settings import EngineSettings
from engine.contract.verify_messages import ModelsVerified, VerifyProgress, VerifyRequest
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
    JobsRequest(request_id="a"),
    LoadProgress(request_id="a", model="m", fraction=0.5),
    ModelLoaded(request_id="a", model="m", loaded=LOADED, memory=MEMORY),
    ModelUnloaded(request_id="", model="m", reason="idle", memory=MEMORY),
    Heartbeat(request_id="", call_s=0.25),
    ModelsListed(request_id="a", models=(INSTALLED,)),
    ImportProgress(request_id="a", fraction=0.5),
    VerifyRequest(request_id="a", model="m"),
    VerifyProgress(request_id="a", fraction=0.5),
    ModelsVerified(
        request_id="a", models=(VerifiedModel(name="m", verdict="damaged", files=("f",), read_bytes=9),)
    ),
    SearchRequest(request_id="a", words="tiny moe", limit=3, online=True),
    HubFilesRequest(request_id="a", repository="p/r", revision="main"),
    PullRequest(request_id="a", repository="p/r", file="Q4_K_M", limit_bytes_per_s=5),
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
    TransferProgress(request_id="a", phase="waiting", done_bytes=1, total_bytes=2, notice="it answers 503"),
    ModelPulled(request_id="a", model=INSTALLED, fetched_bytes=2),
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
