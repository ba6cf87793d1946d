"""The queue: a row for each job, kept while it moves so that the focus stays where it is."""

from PySide6.QtCore import QModelIndex, Qt, Signal
from PySide6.QtWidgets import QApplication, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from app.lists.job_list import JobList
from app.theme.theme import Theme
from app.translation import tr, tr_count
from app.views.workbench.job_row import JobRow

MOST_OVER = 4  # of those that are over, as long as not all are wanted


class JobsBox(QWidget):
    """Follows the list of jobs; knows which buttons mean what."""

    again_requested = Signal(object)  # Job
    show_requested = Signal(object)  # JobResult

    def __init__(self, jobs: JobList, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._jobs = jobs
        self._theme = theme
        self._rows: dict[str, JobRow] = {}
        self.empty = QLabel(tr("Nothing runs. What is begun above stands here, one after the other."), self)
        self.empty.setTextFormat(Qt.TextFormat.PlainText)
        self.empty.setWordWrap(True)
        self.empty.setProperty("tone", "secondary")
        words = tr("Clear what is over")
        self.tidy = QPushButton(words, self)
        self.tidy.setProperty("shape", "link")
        self.tidy.setAccessibleName(words)
        self.tidy.clicked.connect(jobs.forget_all)
        self.all = QPushButton(self)
        self.all.setProperty("shape", "link")
        self.all.setCheckable(True)
        self.all.toggled.connect(self._arrange)
        self._column = QVBoxLayout()
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(8)
        below = QHBoxLayout()
        below.addWidget(self.all)
        below.addStretch()
        below.addWidget(self.tidy)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        layout.addWidget(self.empty)
        layout.addLayout(self._column)
        layout.addLayout(below)
        for signal in (jobs.modelReset, jobs.rowsInserted, jobs.rowsRemoved):
            signal.connect(self._arrange)
        jobs.dataChanged.connect(self._show_rows)
        self._arrange()

    @property
    def in_order(self) -> tuple[QWidget, ...]:
        """Its parts as they are read."""
        ids = (self._jobs.entry(row).record.request_id for row in range(self._jobs.rowCount()))
        return (*(self._rows[job_id] for job_id in ids if job_id in self._rows), self.all, self.tidy)

    def row(self, job_id: str) -> JobRow | None:
        """The row of a job."""
        return self._rows.get(job_id)

    def _arrange(self) -> None:
        """Make rows for new jobs, drop those of forgotten ones, and put all in their order."""
        ids = [self._jobs.entry(row).record.request_id for row in range(self._jobs.rowCount())]
        for job_id in set(self._rows) - set(ids):
            self._drop(self._rows.pop(job_id))
        for place, job_id in enumerate(ids):
            row = self._rows.get(job_id) or self._make(job_id)
            if self._column.indexOf(row) != place:
                self._column.insertWidget(place, row)
        self._show(range(len(ids)))
        self.empty.setVisible(not ids)

    def _show_rows(self, first: QModelIndex, last: QModelIndex) -> None:
        self._show(range(first.row(), last.row() + 1))

    def _show(self, rows: range) -> None:
        entries = [self._jobs.entry(row) for row in range(self._jobs.rowCount())]
        waiting = [row for row, entry in enumerate(entries) if entry.record.state == "waiting"]
        for row in rows:
            entry = entries[row]
            self._rows[entry.record.request_id].show_entry(
                entry,
                can_rise=row in waiting and row != waiting[0],
                can_sink=row in waiting and row != waiting[-1],
            )
        over = [entry.record.request_id for entry in entries if entry.is_over]
        self.tidy.setVisible(len(over) > 1)
        self._leave_out(over[MOST_OVER:])

    def _leave_out(self, older: list[str]) -> None:
        """Show the newest of those that are over, or all of them."""
        for job_id, row in self._rows.items():
            row.setVisible(self.all.isChecked() or job_id not in older)
        words = (
            tr("Show the newest only")
            if self.all.isChecked()
            else tr_count(len(older), "Show {count} older job", "Show {count} older jobs")
        )
        self.all.setText(words)
        self.all.setAccessibleName(words)
        self.all.setVisible(bool(older))

    def _make(self, job_id: str) -> JobRow:
        row = JobRow(job_id, self._theme, self)
        row.cancel_requested.connect(self._jobs.cancel)
        row.move_requested.connect(self._jobs.move)
        row.dismiss_requested.connect(self._jobs.forget)
        row.again_requested.connect(self._repeat)
        row.show_requested.connect(self._show_result)
        self._rows[job_id] = row
        return row

    def _drop(self, row: JobRow) -> None:
        """Take a row away; the focus that was in it goes to a row that stays."""
        focus = QApplication.focusWidget()
        had_focus = focus is not None and row.isAncestorOf(focus)
        self._column.removeWidget(row)
        row.hide()
        row.deleteLater()
        if had_focus:
            following = next(iter(self._rows.values()), None)
            if following is not None:
                following.dismiss.setFocus()

    def _repeat(self, job_id: str) -> None:
        at = self._jobs.row_of(job_id)
        if at >= 0:
            job = self._jobs.entry(at).record.job
            self._jobs.forget(job_id)
            self.again_requested.emit(job)

    def _show_result(self, job_id: str) -> None:
        at = self._jobs.row_of(job_id)
        result = self._jobs.entry(at).record.result if at >= 0 else None
        if result is not None:
            self.show_requested.emit(result)
