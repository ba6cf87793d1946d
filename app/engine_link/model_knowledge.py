"""What the host knows of one model beyond the list: its memory ledger and where it comes from."""

from PySide6.QtCore import QObject, Signal

from app.engine_link.engine_client import EngineClient
from engine.contract.errors import EngineError
from engine.contract.fit_messages import FitRequest, FitTold
from engine.contract.messages import Event
from engine.contract.model_shape import ModelShape
from engine.contract.params import LoadParams
from engine.contract.provenance_messages import ProvenanceRequest, ProvenanceTold


class ModelKnowledge(QObject):
    """Asks for one model at a time; answers about an earlier one are passed over."""

    fit_told = Signal(object)  # FitTold
    provenance_told = Signal(object)  # Provenance
    failed = Signal(object)  # EngineError

    def __init__(self, client: EngineClient, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._client = client
        self._asked: set[str] = set()  # request ids
        self.model = ""
        client.arrived.connect(self._take)
        client.failed.connect(self._note_failure)

    def ask(self, model: str) -> None:
        """Ask about a model of this computer; figures of free memory are as old as the answer."""
        self.model = model
        self._asked = {
            self._client.ask(lambda one: FitRequest(request_id=one, model=model)),
            self._client.ask(lambda one: ProvenanceRequest(request_id=one, model=model)),
        }

    def ask_fit(self, model: str, *, shape: ModelShape | None = None, load: LoadParams | None = None) -> None:
        """Ask for the ledger alone; of a model that is not here with the shape that its header gave."""
        self.model = model
        self._asked = {
            self._client.ask(
                lambda one: FitRequest(request_id=one, model=model, load=load or LoadParams(), shape=shape)
            )
        }

    def forget(self) -> None:
        """Nobody waits for an answer any more."""
        self.model = ""
        self._asked = set()

    def _take(self, event: Event) -> None:
        if event.request_id not in self._asked:
            return
        self._asked.discard(event.request_id)
        if isinstance(event, FitTold):
            self.fit_told.emit(event)
        elif isinstance(event, ProvenanceTold):
            self.provenance_told.emit(event.provenance)

    def _note_failure(self, request_id: str, error: EngineError) -> None:
        if request_id in self._asked:
            self._asked.discard(request_id)
            self.failed.emit(error)
