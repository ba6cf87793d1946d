"""The workbench's requests to the host and what comes back, jobs of earlier windows included.

Job ids are unlike those of any other window: records of jobs outlive the window that asked for them.
"""

import uuid

from PySide6.QtCore import QObject, Signal

from app.engine_link.host_process import HostProcess
from engine.contract.errors import EngineError, rebuild_error
from engine.contract.job_messages import JobDone, JobProgress, JobRequest, JobsListed, JobsRequest
from engine.contract.jobs import Job
from engine.contract.messages import CancelRequest, ErrorEvent, FinishedEvent, Message, Request
from engine.contract.workbench_messages import (
    ForgetJobsRequest,
    MoveJobRequest,
    QualityCardsListed,
    QualityCardsRequest,
    TensorMapListed,
    TensorMapRequest,
)


class WorkbenchClient(QObject):
    """A job ends in `job_done`, `job_cancelled` or `job_failed`; other requests in their answer or `failed`.

    None of them comes before the method that made the request has returned.
    """

    jobs_listed = Signal(object)  # tuple of JobRecord
    job_progressed = Signal(str, object)  # job id, JobProgress
    job_done = Signal(str, object)  # job id, JobResult
    job_cancelled = Signal(str)
    job_failed = Signal(str, object)  # job id, EngineError
    map_listed = Signal(str, object)  # request id, TensorMapListed
    cards_listed = Signal(object)  # tuple of QualityCard
    failed = Signal(str, object)  # request id, EngineError
    host_died = Signal(object)  # EngineError

    def __init__(self, host: HostProcess, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._host = host
        self._jobs: set[str] = set()  # that have not ended, as far as was heard
        self._asked: set[str] = set()
        host.message_arrived.connect(self._take)
        host.died.connect(self._fail_all)

    def begin(self, job: Job) -> str:
        """Begin a job, or put it into the queue; answers its id."""
        job_id = f"job-{uuid.uuid4().hex}"
        self._jobs.add(job_id)
        self._host.send(JobRequest(request_id=job_id, job=job))
        return job_id

    def cancel(self, job_id: str) -> None:
        """Stop a job or a dry run; it ends with `job_cancelled`."""
        if job_id in self._jobs:
            self._host.send(CancelRequest(request_id=job_id))

    def list_jobs(self) -> None:
        """Ask which jobs there are and were; `jobs_listed` answers."""
        self._ask(JobsRequest(request_id=_new_id()))

    def move(self, job_id: str, places: int) -> None:
        """Let a waiting job go up the queue; `jobs_listed` answers."""
        self._ask(MoveJobRequest(request_id=_new_id(), job_id=job_id, places=places))

    def forget(self, job_id: str = "") -> None:
        """Forget a job that is over, or all that are; `jobs_listed` answers."""
        self._ask(ForgetJobsRequest(request_id=_new_id(), job_id=job_id))

    def map_model(self, model: str) -> str:
        """Ask what a model consists of; `map_listed` answers."""
        return self._ask(TensorMapRequest(request_id=_new_id(), model=model))

    def list_cards(self) -> str:
        """Ask what was measured; `cards_listed` answers."""
        return self._ask(QualityCardsRequest(request_id=_new_id()))

    def _ask(self, request: Request) -> str:
        self._asked.add(request.request_id)
        self._host.send(request)
        return request.request_id

    def _take(self, message: Message) -> None:
        request_id = getattr(message, "request_id", "")
        if request_id in self._jobs:
            self._take_job(request_id, message)
        elif request_id in self._asked:
            self._asked.discard(request_id)
            self._take_answer(request_id, message)

    def _take_job(self, job_id: str, message: Message) -> None:
        if isinstance(message, JobProgress):
            self.job_progressed.emit(job_id, message)
            return
        self._jobs.discard(job_id)
        match message:
            case JobDone():
                self.job_done.emit(job_id, message.result)
            case FinishedEvent():
                self.job_cancelled.emit(job_id)
            case ErrorEvent():
                self.job_failed.emit(job_id, rebuild_error(message.code, message.message, message.details))

    def _take_answer(self, request_id: str, message: Message) -> None:
        match message:
            case JobsListed():
                going_on = {record.request_id for record in message.jobs if not record.ended_at}
                self._jobs |= going_on
                self.jobs_listed.emit(message.jobs)
            case TensorMapListed():
                self.map_listed.emit(request_id, message)
            case QualityCardsListed():
                self.cards_listed.emit(message.cards)
            case ErrorEvent():
                self.failed.emit(request_id, rebuild_error(message.code, message.message, message.details))

    def _fail_all(self, error: EngineError) -> None:
        jobs, self._jobs = self._jobs, set()
        asked, self._asked = self._asked, set()
        for job_id in jobs:
            self.job_failed.emit(job_id, error)
        for request_id in asked:
            self.failed.emit(request_id, error)
        self.host_died.emit(error)


def _new_id() -> str:
    return f"workbench-{uuid.uuid4().hex}"
