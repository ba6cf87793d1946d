"""Which model answers: the choice, what is in memory, and the way back from a file that cannot be used."""

from collections.abc import Iterable
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from app.engine_link.engine_client import EngineClient
from app.model_names import BUILTIN, model_name
from engine.contract.errors import EngineError
from engine.contract.model_info import LoadedModel

NUM_RECENT = 8


class ModelChoice(QObject):
    """A model is chosen by name: `builtin` or the path of a file."""

    changed = Signal()
    refused = Signal(str, object)  # model, EngineError

    def __init__(
        self,
        client: EngineClient,
        *,
        current: str = BUILTIN,
        recent: Iterable[str] = (),
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._client = client
        self._current = current or BUILTIN
        self._fallback = BUILTIN
        self._recent = list(recent)[:NUM_RECENT]
        self._loaded: dict[str, LoadedModel] = {}
        self._load_request = ""
        self._progress: dict[str, float] = {}
        client.load_progressed.connect(self._note_progress)
        client.model_loaded.connect(self._note_loaded)
        client.model_unloaded.connect(self._note_unloaded)
        client.failed.connect(self._note_failure)

    @property
    def current(self) -> str:
        """The name that requests use."""
        return self._current

    @property
    def current_name(self) -> str:
        """The current model's name for people."""
        return self.name_of(self._current)

    @property
    def loaded(self) -> LoadedModel | None:
        """What the engine has told of the current model, once it was in memory."""
        return self._loaded.get(self._current)

    @property
    def offered(self) -> list[str]:
        """Every model to choose from: the built-in one, then the files that were opened."""
        return [BUILTIN, *self._recent]

    @property
    def recent(self) -> list[str]:
        """Files that were opened before, the newest first."""
        return list(self._recent)

    @property
    def in_memory(self) -> dict[str, LoadedModel]:
        """Every model that is in memory, by name."""
        return dict(self._loaded)

    @property
    def loading(self) -> dict[str, float]:
        """Every model that is on its way into memory, and how far it is."""
        return dict(self._progress)

    def is_there(self, model: str) -> bool:
        """Whether the model can be chosen now; a file may be on a drive that is not connected."""
        return model == BUILTIN or Path(model).exists()

    def name_of(self, model: str) -> str:
        """A model's name for people: what the file calls itself, or the file's own name."""
        loaded = self._loaded.get(model)
        return (loaded.info.name if loaded and model != BUILTIN else "") or model_name(model)

    def choose(self, model: str) -> None:
        """Use this model from the next message on, and put it into memory now."""
        if model != self._current:
            self._fallback, self._current = self._current, model
            if model != BUILTIN:
                self._recent = [model, *(other for other in self._recent if other != model)][:NUM_RECENT]
        self.preload()
        self.changed.emit()

    def preload(self) -> None:
        """Put the current model into memory."""
        self._load_request = self._client.load(self._current)

    def eject(self, model: str = "") -> None:
        """Give a model's memory back, the current one's if none is named; it is loaded again when asked."""
        model = model or self._current
        if model in self._loaded:
            self._client.unload(model)

    def load_again(self) -> None:
        """Put the current model into memory anew, with the params that hold for it now."""
        self.eject()
        self.preload()

    def _note_progress(self, _request_id: str, model: str, fraction: float) -> None:
        self._progress[model] = fraction
        self.changed.emit()

    def _note_loaded(self, _request_id: str, model: str, loaded: LoadedModel) -> None:
        self._progress.pop(model, None)
        self._loaded[model] = loaded
        self.changed.emit()

    def _note_unloaded(self, _request_id: str, model: str) -> None:
        self._loaded.pop(model, None)
        self.changed.emit()

    def _note_failure(self, request_id: str, error: EngineError) -> None:
        self._progress.clear()
        if not request_id or request_id != self._load_request:
            return
        refused, self._load_request = self._current, ""
        if refused != BUILTIN:
            self._recent = [model for model in self._recent if model != refused]
            self._current, self._fallback = self._fallback, BUILTIN
        self.refused.emit(refused, error)
        self.changed.emit()
        if refused != BUILTIN:
            self.preload()  # the model before may have made room for the one that was refused
