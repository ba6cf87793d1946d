"""The list of jobs, fed with what a host says."""

import pytest
from PySide6.QtCore import QObject

from app.lists.job_list import JobList
from engine.contract.errors import HostDied, StorageFailed
from engine.contract.job_messages import JobProgress
from engine.contract.jobs import ImportanceResult, Job, JobRecord, JobState, MeasureJob, QuantizeJob
from tests.support.spoken_client import SpokenClient

QUANTIZE = QuantizeJob(source="/m/a.gguf", target="/m/b.gguf", recipe="{}")
MEASURE = MeasureJob(model="/m/a.gguf", text="/t.txt")


def record(job_id: str, state: JobState, job: Job = QUANTIZE, ended_at: float = 0.0) -> JobRecord:
    return JobRecord(request_id=job_id, job=job, state=state, started_at=1.0, ended_at=ended_at)


@pytest.fixture
def host() -> SpokenClient:
    return SpokenClient()


@pytest.fixture
def jobs(host: SpokenClient) -> JobList:
    return JobList(host)  # type: ignore[arg-type]


def ids(jobs: JobList) -> list[str]:
    return [jobs.entry(row).record.request_id for row in range(jobs.rowCount())]


def test_what_runs_stands_before_what_waits_and_that_before_what_is_over(
    jobs: JobList, host: SpokenClient
) -> None:
    host.jobs_listed.emit(
        (
            record("old", "done", ended_at=5),
            record("runs", "running"),
            record("new", "failed", ended_at=9),
            record("second", "waiting"),
            record("third", "waiting"),
        )
    )
    assert ids(jobs) == ["runs", "second", "third", "new", "old"]
    jobs.cancel_all()
    assert host.cancelled == ["second", "third", "runs"]  # so that none of those that wait starts


def test_a_list_that_was_asked_for_before_does_not_take_a_new_job_away(
    jobs: JobList, host: SpokenClient
) -> None:
    job_id = jobs.begin(QUANTIZE)
    host.jobs_listed.emit(())
    assert ids(jobs) == [job_id]
    host.jobs_listed.emit((record(job_id, "running"),))
    host.jobs_listed.emit(())  # now it has heard of it, and knows it no more
    assert ids(jobs) == []


def test_what_was_taken_off_does_not_come_back_while_the_host_has_not_heard_of_it(
    jobs: JobList, host: SpokenClient
) -> None:
    over = tuple(record(name, "done", ended_at=3) for name in "abc")
    host.jobs_listed.emit(over)
    for name in "ab":
        jobs.forget(name)
    host.jobs_listed.emit(over[1:])
    assert ids(jobs) == ["c"]
    host.jobs_listed.emit(over[2:])
    jobs.forget_all()
    assert ids(jobs) == []


def test_a_refused_job_keeps_its_row_with_the_reason(jobs: JobList, host: SpokenClient) -> None:
    job_id = jobs.begin(QUANTIZE)
    host.job_failed.emit(job_id, StorageFailed("/m/b.gguf", "there is no such folder"))
    host.jobs_listed.emit(())
    assert "there is no such folder" in jobs.entry(0).words
    assert not jobs.is_busy


def test_the_end_of_a_job_is_told_before_the_list_is_idle(jobs: JobList, host: SpokenClient) -> None:
    told: list[object] = []
    jobs.busy_changed.connect(told.append)
    job_id = jobs.begin(MEASURE)
    result = ImportanceResult(target="/x", num_chunks=1, unreached_experts={}, seconds=1.0)
    jobs.result_arrived.connect(lambda *_: jobs.begin(QUANTIZE))  # a chain goes on
    host.job_done.emit(job_id, result)
    assert told == [True]  # busy all the time: nobody may close in between
    host.job_cancelled.emit("job-2")
    assert told == [True, False]


def test_a_dead_host_is_started_again_for_its_jobs_and_not_for_ever(
    jobs: JobList, host: SpokenClient, qapp: QObject
) -> None:
    ended: list[str] = []
    jobs.ended_badly.connect(ended.append)
    quantize, measure = jobs.begin(QUANTIZE), jobs.begin(MEASURE)
    asked = host.num_listed
    for death in range(1, 6):
        error = HostDied(-9, "")
        if death == 1:
            for job_id in (quantize, measure):
                host.job_failed.emit(job_id, error)
        host.host_died.emit(error)
        qapp.processEvents()  # type: ignore[attr-defined]
        assert host.num_listed == asked + min(death, 3)
    assert ended == [measure]  # what the next host begins again has not ended
    host.jobs_listed.emit((record(quantize, "running"), record(measure, "cancelled", MEASURE, 3.0)))
    assert jobs.is_busy


def test_progress_of_a_job_is_shown_in_its_row(jobs: JobList, host: SpokenClient) -> None:
    job_id = jobs.begin(QUANTIZE)
    assert jobs.entry(0).words == "Starting"
    host.job_progressed.emit(job_id, JobProgress(request_id=job_id, fraction=0.25, words="quantizing"))
    assert jobs.entry(0).record.state == "running"
    assert jobs.entry(0).fraction == 0.25
    assert jobs.entry(0).words == "Quantizing"
    assert jobs.data(jobs.index(0)) == jobs.entry(0).title
