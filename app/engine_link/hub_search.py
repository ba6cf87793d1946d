"""A search of the hub: what was asked last, and what came of it."""

from typing import Literal

from PySide6.QtCore import QObject, Signal

from app.engine_link.engine_client import EngineClient
from engine.contract.errors import EngineError
from engine.contract.hub_messages import HubModel, HubModelsFound, SearchOrder, SearchRequest
from engine.contract.messages import Event

LIMIT = 60  # repositories

SearchPhase = Literal["idle", "asking", "found", "failed"]


class HubSearch(QObject):
    """One search at a time; a newer one makes the older one's answer worthless."""

    changed = Signal()

    def __init__(self, client: EngineClient, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._client = client
        self._request_id = ""
        self.phase: SearchPhase = "idle"
        self.words = ""
        self.models: tuple[HubModel, ...] = ()
        self.error: EngineError | None = None
        client.arrived.connect(self._take)
        client.failed.connect(self._note_failure)

    def ask(self, words: str, order: SearchOrder, *, online: bool) -> None:
        """Search; `online` allows the network for this once."""
        self._cancel()
        self.words, self.models, self.error, self.phase = words, (), None, "asking"
        self._request_id = self._client.ask(
            lambda request_id: SearchRequest(
                request_id=request_id, words=words, limit=LIMIT, order=order, online=online
            )
        )
        self.changed.emit()

    def clear(self) -> None:
        """Go back to no search at all."""
        self._cancel()
        if self.phase != "idle":
            self.words, self.models, self.error, self.phase = "", (), None, "idle"
            self.changed.emit()

    def _cancel(self) -> None:
        if self._request_id:
            self._client.cancel(self._request_id)
            self._request_id = ""

    def _take(self, event: Event) -> None:
        if isinstance(event, HubModelsFound) and event.request_id == self._request_id:
            self._request_id = ""
            self.models, self.phase = event.models, "found"
            self.changed.emit()

    def _note_failure(self, request_id: str, error: EngineError) -> None:
        if request_id and request_id == self._request_id:
            self._request_id = ""
            self.error, self.phase = error, "failed"
            self.changed.emit()
