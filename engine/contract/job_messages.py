"""The messages about the workbench's jobs: convert, quantize, measure."""

from engine.contract.jobs import Job, JobRecord, JobResult, JobStep
from engine.contract.message_base import EventBase, MessageBase


class JobRequest(MessageBase, tag="job", frozen=True, kw_only=True):
    """Do a job of the workbench; answered by JobProgress and JobDone.

    A cancelled one ends with FinishedEvent and leaves nothing.
    """

    request_id: str
    job: Job


class JobsRequest(MessageBase, tag="jobs", frozen=True, kw_only=True):
    """Which jobs there are and were; answered by JobsListed."""

    request_id: str


class JobProgress(EventBase, tag="job_progress", frozen=True, kw_only=True):
    """How far a job is; sent at least once a second while it runs."""

    fraction: float  # of the whole job, 0 to 1
    words: JobStep
    done: int = 0  # of this step: tensors, chunks or trials
    total: int = 0  # 0 where it is not known
    remaining_s: float | None = None  # None before there is anything to tell it from


class JobDone(EventBase, tag="job_done", frozen=True, kw_only=True):
    """The job has been done, and its process is gone."""

    result: JobResult


class JobsListed(EventBase, tag="jobs_listed", frozen=True, kw_only=True):
    """Every job, the oldest first and those that wait in their order.

    Those of an earlier window that start over have their old request ids.
    """

    jobs: tuple[JobRecord, ...]


JobRequests = JobRequest | JobsRequest
JobEvent = JobProgress | JobDone | JobsListed
