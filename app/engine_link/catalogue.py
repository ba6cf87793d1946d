"""The catalogue that ships with Retort, as the host reads it; no network is needed for it."""

from PySide6.QtCore import QObject, Signal

from app.engine_link.engine_client import EngineClient
from engine.contract.catalogue_messages import CatalogueListed, CatalogueModel, CatalogueRequest
from engine.contract.messages import Event


class Catalogue(QObject):
    """`models` is empty until the host has answered."""

    changed = Signal()

    def __init__(self, client: EngineClient, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._client = client
        self.models: tuple[CatalogueModel, ...] = ()
        self.checked = ""  # the day on which its facts were looked up
        client.arrived.connect(self._take)

    def refresh(self) -> None:
        """Ask for it."""
        self._client.ask(lambda request_id: CatalogueRequest(request_id=request_id))

    def find(self, model_id: str) -> CatalogueModel | None:
        """The model of this id."""
        return next((model for model in self.models if model.id == model_id), None)

    def _take(self, event: Event) -> None:
        if isinstance(event, CatalogueListed):
            self.models, self.checked = event.models, event.checked
            self.changed.emit()
