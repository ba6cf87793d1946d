"""The memory ledger of a model that is not here: its header is read from the hub, then the host reckons."""

from PySide6.QtCore import QObject, Signal

from app.engine_link.download import Wanted
from app.engine_link.engine_client import EngineClient
from engine.contract.errors import EngineError
from engine.contract.fit_messages import FitRequest, FitTold
from engine.contract.hub_messages import RemoteHeaderRead, RemoteHeaderRequest
from engine.contract.messages import Event


class RemoteLedger(QObject):
    """One model at a time; a newer question makes the older one's answer worthless."""

    changed = Signal()

    def __init__(self, client: EngineClient, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._client = client
        self._request_id = ""
        self.wanted: Wanted | None = None  # that was asked about last
        self.told: FitTold | None = None
        self.error: EngineError | None = None
        client.arrived.connect(self._take)
        client.failed.connect(self._note_failure)

    @property
    def is_asking(self) -> bool:
        """Whether an answer is still to come."""
        return bool(self._request_id)

    def ask(self, wanted: Wanted, *, online: bool) -> None:
        """Read the header, some MB at most, and reckon; `online` allows the network for this once."""
        self.wanted, self.told, self.error = wanted, None, None
        self._request_id = self._client.ask(
            lambda request_id: RemoteHeaderRequest(
                request_id=request_id,
                repository=wanted.repository,
                file=wanted.file,
                revision=wanted.revision,
                online=online,
            )
        )
        self.changed.emit()

    def _take(self, event: Event) -> None:
        if not self._request_id or event.request_id != self._request_id:
            return
        if isinstance(event, RemoteHeaderRead):
            name, shape = event.info.name, event.shape
            self._request_id = self._client.ask(
                lambda request_id: FitRequest(request_id=request_id, model=name, shape=shape)
            )
        elif isinstance(event, FitTold):
            self._request_id, self.told = "", event
            self.changed.emit()

    def _note_failure(self, request_id: str, error: EngineError) -> None:
        if request_id and request_id == self._request_id:
            self._request_id, self.error = "", error
            self.changed.emit()
