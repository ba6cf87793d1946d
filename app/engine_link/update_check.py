"""Whether there is a newer version: asked when somebody clicks, and at no other time."""

from PySide6.QtCore import QObject, Signal

from app.engine_link.engine_client import EngineClient
from engine.contract.errors import EngineError
from engine.contract.messages import Event
from engine.contract.update_messages import UpdateRequest, UpdateTold


class UpdateCheck(QObject):
    """Keeps the last answer."""

    changed = Signal()

    def __init__(self, client: EngineClient, parent: QObject | None = None) -> None:
        """Nothing is asked."""
        super().__init__(parent)
        self._client = client
        self._request_id = ""
        self.told: UpdateTold | None = None
        self.error: EngineError | None = None
        client.arrived.connect(self._take)
        client.failed.connect(self._note_failure)

    @property
    def is_asking(self) -> bool:
        """Whether an answer is on its way."""
        return bool(self._request_id)

    def ask(self) -> None:
        """Ask; the click is the leave to use the network for it."""
        if self.is_asking:
            return
        self.told = self.error = None
        self._request_id = self._client.ask(
            lambda request_id: UpdateRequest(request_id=request_id, online=True)
        )
        self.changed.emit()

    def _take(self, event: Event) -> None:
        if isinstance(event, UpdateTold) and event.request_id == self._request_id:
            self._request_id, self.told = "", event
            self.changed.emit()

    def _note_failure(self, request_id: str, error: EngineError) -> None:
        if request_id and request_id == self._request_id:
            self._request_id, self.error = "", error
            self.changed.emit()
