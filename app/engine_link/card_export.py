"""Quality cards to a file of the user's: JSON, or a picture where its name ends in .svg."""

from PySide6.QtCore import QObject, Signal

from app.engine_link.workbench_client import WorkbenchClient
from engine.contract.errors import EngineError
from engine.contract.jobs import ExportCardJob, JobResult, QualityCard


class CardExport(QObject):
    """Waits for no other job and stands in no list."""

    exported = Signal(str)  # path
    refused = Signal(object)  # EngineError

    def __init__(self, client: WorkbenchClient, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._client = client
        self._asked: dict[str, str] = {}  # path by job id
        client.job_done.connect(self._take)
        client.job_failed.connect(self._note_failure)

    def export(self, cards: tuple[QualityCard, ...], path: str) -> None:
        """Write the cards; `exported` or `refused` tells the end."""
        self._asked[self._client.begin(ExportCardJob(cards=cards, target=path))] = path

    def _take(self, job_id: str, _result: JobResult) -> None:
        path = self._asked.pop(job_id, None)
        if path is not None:
            self.exported.emit(path)

    def _note_failure(self, job_id: str, error: EngineError) -> None:
        if self._asked.pop(job_id, None) is not None:
            self.refused.emit(error)
