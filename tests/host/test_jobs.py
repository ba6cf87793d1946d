"""Jobs of the workbench through a real host, in real processes: done, cancelled, killed at any moment."""

import contextlib
import hashlib
import json
import os
import random
import shutil
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from engine.contract.errors import InvalidRequest, ModelNotFound, StorageFailed, WorkerDied
from engine.contract.job_messages import JobDone, JobProgress, JobRequest, JobsListed, JobsRequest
from engine.contract.jobs import (
    ConvertJob,
    Job,
    JobRecord,
    MeasureJob,
    PlanJob,
    PlanResult,
    QualityCard,
    QuantizeJob,
    QuantizeResult,
    RecipeJob,
    RecipeResult,
)
from engine.contract.messages import CancelRequest, ErrorEvent, Event, FinishedEvent
from engine.contract.paths import Paths, builtin_model, resources
from engine.contract.workbench_messages import (
    ForgetJobsRequest,
    MoveJobRequest,
    QualityCardsListed,
    QualityCardsRequest,
    TensorMapListed,
    TensorMapRequest,
)
from engine.library.gguf import read_header
from engine.library.quality_cards import QualityCards
from engine.quantization.quantize import quantize
from engine.quantization.recipe import Recipe
from tests.support.host_recorder import HostRecorder
from tests.support.tiny_checkpoint import DEEPSEEK, write_chat_checkpoint

pytestmark = pytest.mark.llama

NUM_KILLS = 100 if os.environ.get("RETORT_FULL_TESTS") else 4
TEXT = resources() / "builtin" / "STORIES.md"
Q4_0 = json.dumps({"base": "Q4_0"})
SLOW = json.dumps({"base": "Q2_K"})  # its search for scales takes longest of those without a matrix


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def end_of(host: HostRecorder, request_id: str) -> JobDone | FinishedEvent | ErrorEvent:
    def ends(event: Event) -> bool:
        return isinstance(event, JobDone | FinishedEvent | ErrorEvent) and event.request_id == request_id

    event = host.wait_for(ends)
    assert isinstance(event, JobDone | FinishedEvent | ErrorEvent)
    return event


def job_processes() -> list[psutil.Process]:
    found = []
    for child in psutil.Process().children():
        with contextlib.suppress(psutil.NoSuchProcess):
            if "engine.worker.job" in child.cmdline():
                found.append(child)
    return found


def wait_for_process() -> psutil.Process:
    deadline = time.monotonic() + 30
    while not (found := job_processes()):
        assert time.monotonic() < deadline
        time.sleep(0.005)
    return found[0]


def quantization(request_id: str, target: Path, recipe: str = Q4_0, source: str = "builtin") -> JobRequest:
    return JobRequest(
        request_id=request_id, job=QuantizeJob(source=source, target=str(target), recipe=recipe)
    )


def test_a_job_reports_its_progress_and_ends_with_its_result(host: HostRecorder, tmp_path: Path) -> None:
    host.submit(quantization("a", tmp_path / "out.gguf"))
    done = end_of(host, "a")
    assert isinstance(done, JobDone)
    assert isinstance(done.result, QuantizeResult)
    assert done.result.size_bytes == (tmp_path / "out.gguf").stat().st_size
    written = read_header(tmp_path / "out.gguf").tensors
    assert done.result.tensor_types["Q4_0"] == sum(tensor.type.name == "Q4_0" for tensor in written) > 40
    told = [event for event in host.events if isinstance(event, JobProgress)]
    assert told
    assert all(0 <= event.fraction <= 1 for event in told)
    assert [event.fraction for event in told] == sorted(event.fraction for event in told)
    assert not job_processes()
    assert not list(Paths.from_environment().job_files.iterdir())


def test_jobs_wait_for_each_other_and_a_plan_for_nobody(host: HostRecorder, tmp_path: Path) -> None:
    for name in "abc":
        host.submit(quantization(name, tmp_path / f"{name}.gguf", SLOW))
    host.submit(JobRequest(request_id="plan", job=PlanJob(source="builtin", recipe=Q4_0)))
    host.submit(CancelRequest(request_id="b"))
    assert end_of(host, "b") == FinishedEvent(request_id="b", reason="cancelled")
    planned = end_of(host, "plan")
    assert isinstance(planned, JobDone)
    assert isinstance(planned.result, PlanResult)
    assert isinstance(end_of(host, "c"), JobDone)
    waited = [e for e in host.events if isinstance(e, JobProgress) and e.words == "waiting"]
    assert {event.request_id for event in waited} == {"b", "c"}
    assert sorted(path.name for path in tmp_path.glob("*.gguf")) == ["a.gguf", "c.gguf"]
    assert planned.result.size_bytes < (tmp_path / "a.gguf").stat().st_size * 2


def test_a_cancelled_job_leaves_no_file_and_no_process(host: HostRecorder, tmp_path: Path) -> None:
    target = tmp_path / "out.gguf"
    host.submit(
        JobRequest(request_id="a", job=MeasureJob(model="builtin", against="builtin", text=str(TEXT)))
    )
    host.wait_for(lambda e: isinstance(e, JobProgress) and e.words in ("scoring", "comparing"))
    host.submit(CancelRequest(request_id="a"))
    assert end_of(host, "a") == FinishedEvent(request_id="a", reason="cancelled")
    host.submit(quantization("b", target, SLOW))
    host.wait_for(lambda e: isinstance(e, JobProgress) and e.request_id == "b")
    host.submit(CancelRequest(request_id="b"))
    assert end_of(host, "b") == FinishedEvent(request_id="b", reason="cancelled")
    assert not job_processes()
    assert [path.name for path in tmp_path.iterdir()] == ["retort-home"]
    assert not list(Paths.from_environment().job_files.iterdir())


def test_a_host_that_ends_ends_its_jobs(tmp_path: Path) -> None:
    host = HostRecorder()
    host.submit(JobRequest(request_id="a", job=MeasureJob(model="builtin", text=str(TEXT))))
    host.submit(quantization("b", tmp_path / "out.gguf"))
    host.wait_for(lambda e: isinstance(e, JobProgress) and e.request_id == "a")
    host.close()
    assert not job_processes()
    assert [path.name for path in tmp_path.iterdir()] == ["retort-home"]


def test_a_job_that_gets_no_folder_fails_in_words_and_the_next_one_runs(
    host: HostRecorder, tmp_path: Path
) -> None:
    folder = Paths.from_environment().job_files
    folder.parent.mkdir(parents=True)
    folder.write_text("in the way")
    host.submit(quantization("a", tmp_path / "a.gguf"))
    end = end_of(host, "a")
    assert isinstance(end, ErrorEvent)
    assert end.code == StorageFailed.code
    assert listed(host, "list")["a"].state == "failed"
    folder.unlink()
    host.submit(quantization("b", tmp_path / "b.gguf"))
    assert isinstance(end_of(host, "b"), JobDone)


def listed(host: HostRecorder, request_id: str) -> dict[str, JobRecord]:
    host.submit(JobsRequest(request_id=request_id))
    event = host.wait_for(lambda e: isinstance(e, JobsListed) and e.request_id == request_id)
    assert isinstance(event, JobsListed)
    return {record.request_id: record for record in event.jobs}


def test_what_a_window_s_host_did_not_finish_the_next_one_starts_over(tmp_path: Path) -> None:
    first = HostRecorder(keeps_jobs=True)
    first.submit(JobRequest(request_id="measure", job=MeasureJob(model="builtin", text=str(TEXT))))
    first.submit(quantization("waits", tmp_path / "out.gguf"))
    first.submit(quantization("gone", tmp_path / "missing" / "out.gguf"))
    first.submit(quantization("struck", tmp_path / "struck.gguf"))
    first.submit(CancelRequest(request_id="struck"))
    states = {name: record.state for name, record in listed(first, "list").items()}
    assert states == {"measure": "running", "waits": "waiting", "gone": "waiting", "struck": "cancelled"}
    first.close()
    assert not (tmp_path / "out.gguf").exists()
    second = HostRecorder(keeps_jobs=True)
    assert isinstance(end_of(second, "waits"), JobDone)
    assert isinstance(end_of(second, "gone"), ErrorEvent)
    records = listed(second, "list")
    second.close()
    states = {name: record.state for name, record in records.items()}
    assert states == {"measure": "cancelled", "waits": "done", "gone": "failed", "struck": "cancelled"}
    assert isinstance(records["waits"].result, QuantizeResult)
    assert (records["waits"].starts, records["measure"].starts) == (2, 1)
    assert records["gone"].error_code == StorageFailed.code
    third = HostRecorder(keeps_jobs=True)
    assert listed(third, "list") == records
    third.close()


def test_a_damaged_record_is_passed_over_and_a_command_s_host_keeps_none(
    host: HostRecorder, tmp_path: Path
) -> None:
    folder = Paths.from_environment().jobs
    host.submit(quantization("a", tmp_path / "out.gguf"))
    assert isinstance(end_of(host, "a"), JobDone)
    assert listed(host, "list")["a"].state == "done"
    assert not folder.exists()
    folder.mkdir(parents=True)
    (folder / "x.json").write_text("{")
    window = HostRecorder(keeps_jobs=True)
    assert listed(window, "list") == {}
    window.close()


def contents(path: Path) -> dict[str, str]:
    """The digests of a model's files."""
    files = path.iterdir() if path.is_dir() else [path]
    return {file.name: digest(file) for file in files}


def killable(kind: str, folder: Path) -> tuple[Path, Callable[[Path], Job]]:
    """A source, and the job that writes a target from it in about a second."""
    if kind == "convert":
        pytest.importorskip("tokenizers", reason="needs the tokenizers library")
        larger = {"hidden_size": 512, "moe_intermediate_size": 512, "n_group": 1, "topk_group": 1}
        source = write_chat_checkpoint(folder / "source", DEEPSEEK | larger)
        return source, lambda target: ConvertJob(source=str(source), target=str(target))
    source = folder / "source.gguf"
    quantize(builtin_model(), source, Recipe(base="F32"))
    return source, lambda target: QuantizeJob(source=str(source), target=str(target), recipe=SLOW)


@pytest.mark.slow
@pytest.mark.timeout(3000)
@pytest.mark.parametrize("kind", ["quantize", "convert"])
def test_a_kill_at_any_moment_harms_nothing(kind: str, host: HostRecorder, tmp_path: Path) -> None:
    source, job_to = killable(kind, tmp_path)
    whole, target = tmp_path / "whole.gguf", tmp_path / "out.gguf"
    begun = time.monotonic()
    host.submit(JobRequest(request_id="whole", job=job_to(whole)))
    assert isinstance(end_of(host, "whole"), JobDone)
    uninterrupted_s = time.monotonic() - begun
    before, expected = contents(source), digest(whole)
    chance = random.Random(seed := random.randrange(10**6))
    ends = []
    for number in range(NUM_KILLS):
        host.submit(JobRequest(request_id=f"kill-{number}", job=job_to(target)))
        process = wait_for_process()
        time.sleep(chance.uniform(0, uninterrupted_s))
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
        end = end_of(host, f"kill-{number}")
        ends.append(type(end).__name__)
        where = f"kill {number} of seed {seed}"
        assert contents(source) == before, where
        assert not isinstance(end, ErrorEvent) or end.code == WorkerDied.code, where
        if isinstance(end, JobDone) or target.exists():
            assert digest(target) == expected, where
        assert {p.name for p in tmp_path.iterdir()} <= {"retort-home", source.name, whole.name, target.name}
        target.unlink(missing_ok=True)
    print(f"{kind}: {Counter(ends)} of seed {seed}")
    assert "ErrorEvent" in ends, f"seed {seed}: no kill came in time"


def test_what_is_measured_is_kept_with_the_model_until_its_file_changes(
    host: HostRecorder, tmp_path: Path
) -> None:
    model = Path(shutil.copy(builtin_model(), tmp_path / "model.gguf"))
    for request_id in ("a", "b"):
        job = MeasureJob(model=str(model), against="builtin", text=str(TEXT), chunk_length=64, max_chunks=3)
        host.submit(JobRequest(request_id=request_id, job=job))
        done = end_of(host, request_id)
        assert isinstance(done, JobDone)
        assert isinstance(done.result, QualityCard)
        assert done.result.divergence is not None
        assert done.result.divergence.largest == 0
        assert done.result.divergence.top1_agreement.value == 1
        assert done.result.num_tokens == 3 * 31
    cards = QualityCards(Paths.from_environment().quality)
    assert isinstance(done, JobDone)
    assert cards.of(model) == (done.result,)
    assert cards.of(builtin_model()) == ()
    assert cards.all() == (done.result,)
    os.utime(model, (1, 1))
    assert cards.of(model) == ()
    assert cards.all() == ()
    model.unlink()
    assert cards.all() == ()


@pytest.mark.parametrize(
    ("job", "code", "reason"),
    [
        (PlanJob(source="nowhere.gguf", recipe=Q4_0), ModelNotFound.code, "no model at"),
        (PlanJob(source="builtin", recipe="{"), InvalidRequest.code, "no recipe"),
        (PlanJob(source="fake", recipe=Q4_0), InvalidRequest.code, "has no file"),
        (MeasureJob(model="builtin", text="/nowhere.txt"), InvalidRequest.code, "cannot be read"),
        (MeasureJob(model="builtin", text=str(builtin_model())), InvalidRequest.code, "no text in UTF-8"),
    ],
)
def test_what_cannot_be_done_is_said_in_words(
    job: PlanJob | MeasureJob, code: str, reason: str, host: HostRecorder
) -> None:
    host.submit(JobRequest(request_id="a", job=job))
    end = end_of(host, "a")
    assert isinstance(end, ErrorEvent)
    assert end.code == code
    assert reason in end.message


def test_a_source_with_the_name_of_the_unfinished_result_is_never_deleted(
    host: HostRecorder, tmp_path: Path
) -> None:
    source = Path(shutil.copy(builtin_model(), tmp_path / "out.gguf.part"))
    link = tmp_path / "link.gguf"
    os.link(source, link)
    host.submit(quantization("a", tmp_path / "out.gguf", source=str(link)))
    end = end_of(host, "a")
    assert isinstance(end, ErrorEvent)
    assert "another name" in end.message
    assert read_header(source).size_bytes == builtin_model().stat().st_size


def test_a_waiting_job_goes_up_the_queue_and_what_is_over_can_be_forgotten(
    host: HostRecorder, tmp_path: Path
) -> None:
    for name in "abc":
        host.submit(quantization(name, tmp_path / f"{name}.gguf", SLOW if name == "a" else Q4_0))
    host.submit(MoveJobRequest(request_id="move", job_id="c", places=1))
    moved = host.wait_for(lambda e: isinstance(e, JobsListed) and e.request_id == "move")
    assert isinstance(moved, JobsListed)
    assert [record.request_id for record in moved.jobs] == ["a", "c", "b"]
    host.submit(CancelRequest(request_id="a"))
    assert end_of(host, "a") == FinishedEvent(request_id="a", reason="cancelled")
    assert isinstance(end_of(host, "c"), JobDone)
    assert isinstance(end_of(host, "b"), JobDone)
    ends = [e.request_id for e in host.events if isinstance(e, JobDone)]
    assert ends == ["c", "b"]
    host.submit(ForgetJobsRequest(request_id="one", job_id="a"))
    host.wait_for(lambda e: isinstance(e, JobsListed) and e.request_id == "one")
    assert set(listed(host, "list")) == {"b", "c"}
    host.submit(ForgetJobsRequest(request_id="all"))
    host.wait_for(lambda e: isinstance(e, JobsListed) and e.request_id == "all")
    assert listed(host, "again") == {}


def test_a_map_the_cards_and_a_stock_recipe_wait_for_no_job(host: HostRecorder, tmp_path: Path) -> None:
    host.submit(quantization("slow", tmp_path / "out.gguf", SLOW))
    host.submit(TensorMapRequest(request_id="map", model="builtin"))
    found = host.wait_for(lambda e: isinstance(e, TensorMapListed))
    assert isinstance(found, TensorMapListed)
    assert found.model == str(builtin_model())
    assert found.size_bytes == builtin_model().stat().st_size
    host.submit(QualityCardsRequest(request_id="cards"))
    cards = host.wait_for(lambda e: isinstance(e, QualityCardsListed))
    assert isinstance(cards, QualityCardsListed)
    assert cards.cards == ()
    budget_bytes = builtin_model().stat().st_size * 3 // 4
    host.submit(JobRequest(request_id="fit", job=RecipeJob(model="builtin", budget_bytes=budget_bytes)))
    done = end_of(host, "fit")
    assert isinstance(done, JobDone)
    assert isinstance(done.result, RecipeResult)
    assert done.result.size_bytes <= budget_bytes
    assert set(listed(host, "list")) == {"slow"}
    for request_id, model in (("gone", "nowhere.gguf"), ("fake", "fake")):
        host.submit(TensorMapRequest(request_id=request_id, model=model))
        assert isinstance(end_of(host, request_id), ErrorEvent)
