"""The models there are, as the host lists them; asked anew whenever one was loaded, unloaded or imported."""

from PySide6.QtCore import QObject, Signal

from app.engine_link.engine_client import EngineClient
from engine.contract.errors import EngineError
from engine.contract.model_info import InstalledModel


class ModelLibrary(QObject):
    """Follows the host; `models` is what was listed last."""

    changed = Signal()
    imported = Signal(object)  # InstalledModel
    refused = Signal(str, object)  # path that was to be imported, EngineError

    def __init__(self, client: EngineClient, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._client = client
        self._imports: dict[str, str] = {}  # path by request id
        self.models: tuple[InstalledModel, ...] = ()
        client.models_listed.connect(self._take)
        client.model_imported.connect(self._note_imported)
        client.model_removed.connect(self.refresh)
        client.model_loaded.connect(self.refresh)
        client.model_unloaded.connect(self.refresh)
        client.failed.connect(self._note_failure)

    def refresh(self) -> None:
        """Ask for the list."""
        self._client.list_models()

    def find(self, model: str) -> InstalledModel | None:
        """The model with this name or at this path."""
        return next((one for one in self.models if model in (one.name, one.path)), None)

    @property
    def is_importing(self) -> bool:
        """Whether the end of an import is still to be told."""
        return bool(self._imports)

    def import_file(self, path: str) -> None:
        """Take a file into the library where it lies; `imported` or `refused` tells the end."""
        self._imports[self._client.import_model(path)] = path

    def _take(self, _request_id: str, models: tuple[InstalledModel, ...]) -> None:
        if models != self.models:
            self.models = models
            self.changed.emit()

    def _note_imported(self, request_id: str, model: InstalledModel) -> None:
        if self._imports.pop(request_id, None) is not None:
            self.models = (*(one for one in self.models if one.name != model.name), model)
            self.changed.emit()
            self.imported.emit(model)
        self.refresh()

    def _note_failure(self, request_id: str, error: EngineError) -> None:
        path = self._imports.pop(request_id, None)
        if path is not None:
            self.refused.emit(path, error)
