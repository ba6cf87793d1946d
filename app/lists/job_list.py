"""The workbench's jobs as a Qt list: what runs, what waits in its order, what is over, the newest first."""

import time
from dataclasses import dataclass, field, replace

from msgspec import structs
from PySide6.QtCore import QAbstractListModel, QModelIndex, QPersistentModelIndex, Qt, QTimer, Signal

from app.engine_link.workbench_client import WorkbenchClient
from app.translation import tr
from app.workbench.job_words import end_words, job_title, progress_words
from app.workbench.pace import Pace
from engine.contract.errors import EngineError, HostDied
from engine.contract.job_messages import JobProgress
from engine.contract.jobs import ConvertJob, Job, JobRecord, JobResult, QuantizeJob

Index = QModelIndex | QPersistentModelIndex
MAX_HOST_STARTS = 3  # after deaths, within STARTS_WITHIN_S
STARTS_WITHIN_S = 300.0
_NOWHERE = QModelIndex()


@dataclass(frozen=True, slots=True)
class JobEntry:
    """A job as it is shown."""

    record: JobRecord
    progress: JobProgress | None = None
    pace: Pace = field(default_factory=Pace)

    @property
    def title(self) -> str:
        """What is to be done."""
        return job_title(self.record.job)

    @property
    def is_over(self) -> bool:
        """Whether nothing more comes of it."""
        return self.record.state not in ("waiting", "running")

    @property
    def words(self) -> str:
        """Where it stands, or how it ended."""
        if self.is_over:
            return end_words(self.record)
        words = progress_words(self.progress, self.pace, self.record.job)
        return f"{tr('Started over')} · {words}" if self.record.starts > 1 else words

    @property
    def fraction(self) -> float:
        """Of the whole job, 0 to 1."""
        return self.progress.fraction if self.progress is not None else 0.0


class JobList(QAbstractListModel):
    """Follows the client; whoever begins a job tells it here."""

    result_arrived = Signal(str, object)  # job id, JobResult
    ended_badly = Signal(str)  # job id
    busy_changed = Signal(bool)

    def __init__(self, client: WorkbenchClient) -> None:
        """Nothing is known before `refresh`."""
        super().__init__()
        self._client = client
        self._entries: list[JobEntry] = []
        self._host_deaths: list[float] = []  # monotonic seconds
        self._was_busy = False
        self._untold: set[str] = set()  # begun, and not in a list of the host yet
        self._forgotten: set[str] = set()  # taken off, and in the host's lists until it has heard of it
        client.jobs_listed.connect(self._take_list)
        client.job_progressed.connect(self._note_progress)
        client.job_done.connect(self._note_done)
        client.job_cancelled.connect(self._note_cancelled)
        client.job_failed.connect(self._note_failed)
        client.host_died.connect(self._start_again)

    @property
    def is_busy(self) -> bool:
        """Whether a job runs or waits."""
        return any(not entry.is_over for entry in self._entries)

    def refresh(self) -> None:
        """Ask the host which jobs there are."""
        self._client.list_jobs()

    def begin(self, job: Job) -> str:
        """Begin a job; it stands in the list at once."""
        job_id = self._client.begin(job)
        self._untold.add(job_id)
        record = JobRecord(request_id=job_id, job=job, state="waiting", started_at=time.time())
        row = sum(not entry.is_over for entry in self._entries)
        self.beginInsertRows(QModelIndex(), row, row)
        self._entries.insert(row, JobEntry(record))
        self.endInsertRows()
        self.refresh()
        self._tell_busy()
        return job_id

    def cancel(self, job_id: str) -> None:
        """Stop a job."""
        self._client.cancel(job_id)

    def move(self, job_id: str, places: int) -> None:
        """Let a waiting job go up the queue, or down."""
        self._client.move(job_id, places)

    def forget(self, job_id: str) -> None:
        """Take a job that is over off the list."""
        self._drop(job_id)
        self._client.forget(job_id)

    def forget_all(self) -> None:
        """Take every job that is over off the list."""
        for entry in list(self._entries):
            if entry.is_over:
                self._drop(entry.record.request_id)
        self._client.forget()

    def cancel_all(self) -> None:
        """Stop every job, those that wait first so that none of them starts."""
        unfinished = [entry.record for entry in self._entries if not entry.is_over]
        for record in sorted(unfinished, key=lambda record: record.state == "running"):
            self._client.cancel(record.request_id)

    def entry(self, row: int) -> JobEntry:
        """What stands in a row."""
        return self._entries[row]

    def row_of(self, job_id: str) -> int:
        """Where a job stands; -1 where it does not."""
        ids = [entry.record.request_id for entry in self._entries]
        return ids.index(job_id) if job_id in ids else -1

    def rowCount(self, parent: Index = _NOWHERE) -> int:
        """How many jobs are known."""
        return 0 if parent.isValid() else len(self._entries)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        """A job's title, and as a tip where it stands."""
        if not index.isValid():
            return None
        entry = self._entries[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            return entry.title
        return entry.words if role == Qt.ItemDataRole.ToolTipRole else None

    def _take_list(self, records: tuple[JobRecord, ...]) -> None:
        """What the host knows, and what it never took on because it refused it."""
        known = {entry.record.request_id: entry for entry in self._entries}
        told = {record.request_id for record in records}
        self._forgotten &= told
        records = tuple(record for record in records if record.request_id not in self._forgotten)
        fresh = [
            replace(known[record.request_id], record=record)
            if record.request_id in known
            else JobEntry(record)
            for record in records
        ]
        self._untold -= told
        own = [e for e in known.values() if e.record.request_id not in told and self._is_own(e)]
        going_on = [entry for entry in [*fresh, *own] if not entry.is_over]
        over = sorted(
            (entry for entry in [*fresh, *own] if entry.is_over),
            key=lambda entry: -entry.record.ended_at,
        )
        entries = [*going_on, *over]
        if [e.record.request_id for e in entries] != [e.record.request_id for e in self._entries]:
            self.beginResetModel()
            self._entries = entries
            self.endResetModel()
        else:
            self._entries = entries
            if entries:
                self.dataChanged.emit(self.index(0), self.index(len(entries) - 1))
        self._tell_busy()

    def _is_own(self, entry: JobEntry) -> bool:
        """Whether the host does not list a job because it refused it, or has not heard of it yet."""
        return entry.is_over or entry.record.request_id in self._untold

    def _note_progress(self, job_id: str, progress: JobProgress) -> None:
        row = self.row_of(job_id)
        if row < 0:
            return
        entry = self._entries[row]
        entry.pace.note(progress, time.monotonic())
        state = "waiting" if progress.words == "waiting" else "running"
        record = structs.replace(entry.record, state=state)
        self._put(row, replace(entry, record=record, progress=progress))

    def _note_done(self, job_id: str, result: JobResult) -> None:
        if self._end(job_id, state="done", result=result):
            self.result_arrived.emit(job_id, result)  # which may begin the next
            self.refresh()
            self._tell_busy()

    def _note_cancelled(self, job_id: str) -> None:
        if self._end(job_id, state="cancelled"):
            self.ended_badly.emit(job_id)
            self.refresh()
            self._tell_busy()

    def _note_failed(self, job_id: str, error: EngineError) -> None:
        ended = self._end(
            job_id,
            state="failed",
            error_code=error.code,
            error_message=error.message,
            error_details=error.details,
        )
        begins_again = error.code == HostDied.code and isinstance(self._job(job_id), QuantizeJob | ConvertJob)
        if ended and not begins_again:
            self.ended_badly.emit(job_id)
        if ended and error.code != HostDied.code:
            self.refresh()
        self._tell_busy()

    def _job(self, job_id: str) -> Job | None:
        row = self.row_of(job_id)
        return self._entries[row].record.job if row >= 0 else None

    def _end(self, job_id: str, **changes: object) -> bool:
        """Note how a job ended; False for a dry run, which is in no list."""
        row = self.row_of(job_id)
        if row < 0:
            return False
        entry = self._entries[row]
        record = structs.replace(entry.record, ended_at=time.time(), **changes)
        self._put(row, replace(entry, record=record))
        self._untold.discard(job_id)
        return True

    def _start_again(self, _error: EngineError) -> None:
        """The next host takes up what can be done over; one that keeps dying is left alone."""
        now = time.monotonic()
        self._host_deaths = [at for at in self._host_deaths if now - at < STARTS_WITHIN_S] + [now]
        if self._entries and len(self._host_deaths) <= MAX_HOST_STARTS:
            QTimer.singleShot(0, self, self.refresh)

    def _put(self, row: int, entry: JobEntry) -> None:
        self._entries[row] = entry
        self.dataChanged.emit(self.index(row), self.index(row))

    def _drop(self, job_id: str) -> None:
        row = self.row_of(job_id)
        if row >= 0:
            self._forgotten.add(job_id)
            self.beginRemoveRows(QModelIndex(), row, row)
            del self._entries[row]
            self.endRemoveRows()

    def _tell_busy(self) -> None:
        if self.is_busy != self._was_busy:
            self._was_busy = self.is_busy
            self.busy_changed.emit(self.is_busy)
