"""Every request that went to the network, as the host reads it from the gateway's own list."""

from PySide6.QtCore import QObject, Signal

from app.engine_link.engine_client import EngineClient
from engine.contract.catalogue_messages import NetworkEntry, NetworkLogListed, NetworkLogRequest
from engine.contract.messages import Event


class NetworkHistory(QObject):
    """`entries` is what was listed last, oldest first."""

    changed = Signal()

    def __init__(self, client: EngineClient, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._client = client
        self.entries: tuple[NetworkEntry, ...] = ()
        client.arrived.connect(self._take)

    def refresh(self) -> None:
        """Ask for the list."""
        self._client.ask(lambda request_id: NetworkLogRequest(request_id=request_id))

    def _take(self, event: Event) -> None:
        if isinstance(event, NetworkLogListed):
            self.entries = event.entries
            self.changed.emit()
