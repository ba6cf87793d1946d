"""What is known of the workbench's jobs, on the disk where they have to survive the host: one JSON file each.

A window's host keeps them, so that quantizations and conversions that it did not finish start over with the
next window. A command's host forgets them with itself: whoever typed the command sees how it ended.
"""

import hashlib
import logging
import time
from pathlib import Path

import msgspec

from engine.contract.errors import EngineError, StorageFailed
from engine.contract.jobs import Job, JobRecord, JobResult, JobState
from engine.library.atomic_file import write_atomically

MAX_ENDED = 50  # the newest are kept

log = logging.getLogger("retort.host")


class JobRecords:
    """Every job of this host, and of those before it where they were kept."""

    def __init__(self, folder: Path | None) -> None:
        """Read what earlier hosts kept in `folder`; None keeps nothing on the disk."""
        self._folder = folder
        self._records = {record.request_id: record for record in _read(folder)} if folder else {}

    def all(self) -> tuple[JobRecord, ...]:
        """The oldest first."""
        return tuple(sorted(self._records.values(), key=lambda record: record.started_at))

    def unfinished(self) -> tuple[JobRecord, ...]:
        """Those that wait or run, or did when their host ended."""
        return tuple(record for record in self.all() if record.state in ("waiting", "running"))

    def begin(self, request_id: str, job: Job, state: JobState) -> None:
        """A job is taken on."""
        self._put(JobRecord(request_id=request_id, job=job, state=state, started_at=time.time()))

    def change(self, request_id: str, state: JobState) -> None:
        """A job that waited runs."""
        if record := self._records.get(request_id):
            self._put(msgspec.structs.replace(record, state=state))

    def note_start_over(self, before: JobRecord) -> None:
        """A job that an earlier host did not finish was taken on once more."""
        if record := self._records.get(before.request_id):
            self._put(msgspec.structs.replace(record, starts=before.starts + 1))

    def forget(self, request_id: str) -> None:
        """Forget a job that is over, or with an empty id all that are."""
        for record in self.all():
            if record.ended_at and request_id in ("", record.request_id):
                self._drop(record.request_id)

    def end(
        self,
        request_id: str,
        state: JobState,
        *,
        result: JobResult | None = None,
        error: EngineError | None = None,
    ) -> None:
        """A job is over; the oldest of those that are over are forgotten."""
        record = self._records.get(request_id)
        if record is None:
            return
        changes: dict[str, object] = {"state": state, "ended_at": time.time(), "result": result}
        if error is not None:
            changes |= {"error_code": error.code, "error_message": error.message}
            changes |= {"error_details": error.details}
        self._put(msgspec.structs.replace(record, **changes))
        ended = sorted((r for r in self._records.values() if r.ended_at), key=lambda r: r.ended_at)
        for old in ended[:-MAX_ENDED]:
            self._drop(old.request_id)

    def _drop(self, request_id: str) -> None:
        del self._records[request_id]
        if self._folder:
            _path(self._folder, request_id).unlink(missing_ok=True)

    def _put(self, record: JobRecord) -> None:
        self._records[record.request_id] = record
        if self._folder is None:
            return
        try:
            content = msgspec.json.format(msgspec.json.encode(record))
            write_atomically(_path(self._folder, record.request_id), content)
        except StorageFailed as error:  # the job itself may well go on elsewhere
            log.warning("a job's record was not kept: %s", error)


def _read(folder: Path) -> list[JobRecord]:
    found = []
    for path in folder.glob("*.json"):
        try:
            found.append(msgspec.json.decode(path.read_bytes(), type=JobRecord))
        except (OSError, msgspec.DecodeError) as error:
            log.warning("the job's record %s cannot be read and is passed over: %s", path, error)
    return found


def _path(folder: Path, request_id: str) -> Path:
    return folder / f"{hashlib.sha256(request_id.encode()).hexdigest()[:32]}.json"
