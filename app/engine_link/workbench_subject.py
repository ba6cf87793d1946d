"""The model on the workbench: which it is, and what the host has told of it."""

from pathlib import Path

from PySide6.QtCore import QObject, Signal

from app.engine_link.model_library import ModelLibrary
from app.engine_link.workbench_client import WorkbenchClient
from engine.contract.errors import EngineError
from engine.contract.jobs import QualityCard
from engine.contract.workbench_messages import TensorMapListed


class WorkbenchSubject(QObject):
    """One model at a time; `map` and `path` are those of the chosen model, once they are known."""

    chosen = Signal()  # another model; nothing is known of it yet
    mapped = Signal()
    refused = Signal(object)  # EngineError: it cannot be read
    cards_changed = Signal()

    def __init__(self, client: WorkbenchClient, library: ModelLibrary, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._client = client
        self._library = library
        self._asked = ""
        self.model = ""
        self.map: TensorMapListed | None = None
        self.cards: tuple[QualityCard, ...] = ()
        client.map_listed.connect(self._take_map)
        client.cards_listed.connect(self._take_cards)
        client.failed.connect(self._note_failure)

    @property
    def path(self) -> Path | None:
        """Where the model lies; None before the host has read it."""
        return Path(self.map.model) if self.map is not None else None

    @property
    def is_checkpoint(self) -> bool:
        """Whether it is a folder of safetensors, which is converted before anything else."""
        return self.map is not None and self.map.format == "checkpoint"

    def choose(self, model: str) -> None:
        """Put a model on the bench: a name of the library, or a path."""
        self.model, self.map = model, None
        self._asked = self._client.map_model(model)
        self.chosen.emit()
        self.refresh_cards()

    def refresh_cards(self) -> None:
        """Ask what was measured."""
        self._client.list_cards()

    def _take_map(self, request_id: str, found: TensorMapListed) -> None:
        if request_id == self._asked:
            self.map = found
            self.mapped.emit()

    def _take_cards(self, cards: tuple[QualityCard, ...]) -> None:
        if cards != self.cards:
            self.cards = cards
            self.cards_changed.emit()

    def _note_failure(self, request_id: str, error: EngineError) -> None:
        if request_id == self._asked:
            self.refused.emit(error)
