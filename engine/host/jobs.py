"""The workbench's jobs: a process each, started, heard, killed and cleared up after.

What a job ends with is passed on once its process is gone and nothing of it is left but its result. Plans are
made at once; other jobs take all cores and wait for each other. For the deciding thread.
"""

import contextlib
import logging
import os
import shutil
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psutil
from msgspec import structs

from engine.contract.errors import EngineError, InvalidRequest, StorageFailed, rebuild_error
from engine.contract.job_messages import JobDone, JobProgress, JobRequest, JobsListed, JobsRequest
from engine.contract.jobs import (
    ConvertJob,
    ExportCardJob,
    Job,
    JobRecord,
    PlanJob,
    QualityCard,
    QuantizeJob,
    RecipeJob,
)
from engine.contract.messages import ErrorEvent, Event, FinishedEvent
from engine.contract.paths import Paths
from engine.contract.workbench_messages import ForgetJobsRequest, MoveJobRequest
from engine.host.asides import Post
from engine.host.job_records import JobRecords
from engine.host.worker_process import WorkerLibrary, WorkerProcess
from engine.library.places import UNFINISHED, ModelPlace
from engine.library.quality_cards import QualityCards

_MODEL_FIELDS = ("source", "model", "against")
_READ_FIELDS = (*_MODEL_FIELDS, "text", "importance")

log = logging.getLogger("retort.host")


FindModel = Callable[[str], ModelPlace | None]  # by name or path; raises ModelError


@dataclass(slots=True)
class _Running:
    """A job whose process has been started."""

    request: JobRequest
    process: WorkerProcess
    folder: Path
    last: JobDone | ErrorEvent | None = None  # what it ended with, held until its process is gone
    is_cancelled: bool = False


class Jobs:
    """Every job of this host."""

    def __init__(
        self,
        emit: Callable[[Event], None],
        post: Post,
        paths: Paths,
        find: FindModel,
        *,
        library: Callable[[], WorkerLibrary | None],
        echo_stderr: bool,
        keeps_records: bool,
    ) -> None:
        """Nothing runs yet; `library` tells what llama.cpp the next job runs on.

        `keeps_records` on the disk, for `start_over` of the next host.
        """
        self._emit, self._post, self._find = emit, post, find
        self._folder = paths.job_files
        self._cards = QualityCards(paths.quality)
        self._records = JobRecords(paths.jobs if keeps_records else None)
        self._library, self._echo_stderr = library, echo_stderr
        self._waiting: deque[JobRequest] = deque()
        self._running: dict[str, _Running] = {}  # by request id
        self._generation = 0

    def ask(self, request: JobRequest | JobsRequest | MoveJobRequest | ForgetJobsRequest) -> None:
        """Start a job, let it wait for its turn, or tell which there are after a change of their list.

        Raises EngineError where its models cannot be used.
        """
        if isinstance(request, MoveJobRequest):
            self._move(request.job_id, request.places)
        elif isinstance(request, ForgetJobsRequest):
            self._records.forget(request.job_id)
        if not isinstance(request, JobRequest):
            self._emit(JobsListed(request_id=request.request_id, jobs=self._in_order()))
            return
        request = structs.replace(request, job=self._resolved(request.job))
        self._check_part(request.job)
        is_plan, waits = _is_plan(request.job), self._is_busy
        if not is_plan:
            self._records.begin(request.request_id, request.job, "waiting" if waits else "running")
        if is_plan or not waits:
            self._start(request)
        else:
            self._waiting.append(request)
            self._emit(JobProgress(request_id=request.request_id, fraction=0, words="waiting"))

    def cancel(self, request_id: str) -> None:
        """Kill a job, or strike it from those that wait; it ends as cancelled."""
        for request in self._waiting:
            if request.request_id == request_id:
                self._waiting.remove(request)
                self._records.end(request_id, "cancelled")
                self._emit(FinishedEvent(request_id=request_id, reason="cancelled"))
                return
        running = self._running.get(request_id)
        if running is not None and running.last is None:  # what has ended already stays so
            running.is_cancelled = True
            running.process.kill()

    def start_over(self) -> None:
        """Begin anew what an earlier host did not finish and whose result is a file."""
        for record in self._records.unfinished():
            if not isinstance(record.job, QuantizeJob | ConvertJob):
                self._records.end(record.request_id, "cancelled")
                continue
            try:
                self.ask(JobRequest(request_id=record.request_id, job=record.job))
                self._records.note_start_over(record)
            except EngineError as error:
                self._records.end(record.request_id, "failed", error=error)

    def close(self) -> None:
        """Kill every job and clear up after it; those that are kept are not over by that."""
        self._waiting.clear()
        for running in self._running.values():
            running.process.kill()
            running.process.close()
            self._clear_up(running)
        self._running.clear()

    @property
    def _is_busy(self) -> bool:
        return any(not _is_plan(running.request.job) for running in self._running.values())

    def _in_order(self) -> tuple[JobRecord, ...]:
        """Every record: those that are not waiting by their age, then those that are, as they will start."""
        records = {record.request_id: record for record in self._records.all()}
        waiting = [records.pop(request.request_id) for request in self._waiting]
        return (*records.values(), *waiting)

    def _move(self, job_id: str, places: int) -> None:
        """Let a waiting job change its place in the queue."""
        for at, request in enumerate(self._waiting):
            if request.request_id == job_id:
                self._waiting.remove(request)
                self._waiting.insert(max(0, at - places), request)
                return

    def _check_part(self, job: Job) -> None:
        """Refuse a job whose unfinished result, which a kill deletes, is another's or its own source."""
        part = _unfinished(job)
        if part is None:
            return
        requests = [*self._waiting, *(running.request for running in self._running.values())]
        if any(_unfinished(request.job) == part for request in requests):
            raise InvalidRequest(f"another job writes {part.with_suffix('')}")
        for field in _READ_FIELDS:
            source = getattr(job, field, "")
            if source and part.exists() and Path(source).exists() and part.samefile(source):
                raise InvalidRequest(f"{part} is read by this job; the result needs another name")

    def _resolved(self, job: Job) -> Job:
        """The same job with paths in place of its models' names."""
        paths = {}
        for field in _MODEL_FIELDS:
            if name := getattr(job, field, ""):
                place = self._find(name)
                if place is None:
                    raise InvalidRequest(f"{name} has no file")
                place.check()
                paths[field] = str(place.path)
        return structs.replace(job, **paths)

    def _start(self, request: JobRequest) -> None:
        """Start a job's process; it fails where the system gives it no folder or no process."""
        try:
            running = self._running[request.request_id] = self._launch(request)
            running.process.send(request)
        except OSError as error:
            failure = StorageFailed(str(error.filename or self._folder), error.strerror or str(error))
            self._emit(self._failed(request.request_id, failure))
            self._start_next()

    def _start_next(self) -> None:
        if self._waiting and not self._is_busy:
            request = self._waiting.popleft()
            self._records.change(request.request_id, "running")
            self._start(request)

    def _launch(self, request: JobRequest) -> _Running:
        self._generation += 1
        self._clear_up_after_others()
        folder = self._folder / f"{os.getpid()}-{self._generation}"
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        process = WorkerProcess(
            self._generation,
            module="engine.worker.job",
            arguments=("--folder", str(folder)),
            library=self._library(),
            echo_stderr=self._echo_stderr,
            on_event=lambda _, event: self._post(lambda: self._on_event(request.request_id, event)),
            on_death=lambda _, error: self._post(lambda: self._on_death(request.request_id, error)),
        )
        return _Running(request, process, folder)

    def _on_event(self, request_id: str, event: Event) -> None:
        running = self._running.get(request_id)
        if running is None or running.is_cancelled:
            return
        if isinstance(event, JobDone | ErrorEvent):
            running.last = event
        elif isinstance(event, JobProgress):
            self._emit(event)

    def _on_death(self, request_id: str, error: EngineError) -> None:
        running = self._running.pop(request_id, None)
        if running is None:  # ended by us
            return
        self._clear_up(running)
        self._emit(self._end_of(running, error))
        self._start_next()

    def _end_of(self, running: _Running, error: EngineError) -> Event:
        """Note how a job ended; returns the event that says so."""
        request_id, last = running.request.request_id, running.last
        if running.is_cancelled:
            self._records.end(request_id, "cancelled")
            return FinishedEvent(request_id=request_id, reason="cancelled")
        if isinstance(last, JobDone):
            self._records.end(request_id, "done", result=last.result)
            if isinstance(last.result, QualityCard):
                self._keep_card(last.result)
            return last
        if last is not None:
            error = rebuild_error(last.code, last.message, last.details)
        return self._failed(request_id, error)

    def _failed(self, request_id: str, error: EngineError) -> ErrorEvent:
        self._records.end(request_id, "failed", error=error)
        return ErrorEvent(
            request_id=request_id, code=error.code, message=error.message, details=error.details
        )

    def _keep_card(self, card: QualityCard) -> None:
        try:
            self._cards.keep(card)
        except EngineError as failure:  # the measurement itself is good
            log.warning("a quality card was not kept: %s", failure)

    def _clear_up(self, running: _Running) -> None:
        """Delete what a job that was killed in the middle leaves."""
        shutil.rmtree(running.folder, ignore_errors=True)
        part = _unfinished(running.request.job)
        if part is not None and running.last is None:
            with contextlib.suppress(OSError):
                part.unlink(missing_ok=True)

    def _clear_up_after_others(self) -> None:
        """Delete the folders of hosts that ended without doing so."""
        for folder in self._folder.glob("*-*"):
            owner = folder.name.partition("-")[0]
            if owner.isdigit() and not psutil.pid_exists(int(owner)):
                shutil.rmtree(folder, ignore_errors=True)


def _is_plan(job: Job) -> bool:
    """Whether it takes no time worth waiting for: it is done at once, and forgotten with its answer."""
    return isinstance(job, PlanJob | ExportCardJob) or (isinstance(job, RecipeJob) and not job.text)


def _unfinished(job: Job) -> Path | None:
    """Where a job writes before its result has its name; None for one that writes nothing."""
    target = getattr(job, "target", "")
    return Path(target + UNFINISHED) if target and not isinstance(job, PlanJob) else None
