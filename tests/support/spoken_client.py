"""A workbench client whose host is the test."""

from PySide6.QtCore import QObject, Signal

from engine.contract.jobs import Job


class SpokenClient(QObject):
    """Says what a test lets it say, in orders no real host can be made to keep; notes what it is asked."""

    jobs_listed = Signal(object)
    job_progressed = Signal(str, object)
    job_done = Signal(str, object)
    job_cancelled = Signal(str)
    job_failed = Signal(str, object)
    host_died = Signal(object)

    def __init__(self) -> None:
        """Nothing was asked yet."""
        super().__init__()
        self.num_listed = 0
        self.begun: list[Job] = []
        self.cancelled: list[str] = []

    def begin(self, job: Job) -> str:
        """Give the job an id: job-1, job-2 …"""
        self.begun.append(job)
        return f"job-{len(self.begun)}"

    def list_jobs(self) -> None:
        """Count it."""
        self.num_listed += 1

    def cancel(self, job_id: str) -> None:
        """Note it."""
        self.cancelled.append(job_id)

    def forget(self, job_id: str = "") -> None:
        """Nothing: what comes of it the test says."""
