"""Checking models against their hashes, and taking them out of the library."""

from dataclasses import dataclass

from PySide6.QtCore import QObject, Signal

from app.engine_link.engine_client import EngineClient
from engine.contract.errors import EngineError
from engine.contract.library_messages import ModelsVerified, VerifyProgress, VerifyRequest
from engine.contract.messages import Event, FinishedEvent
from engine.contract.model_info import VerifiedModel


@dataclass(frozen=True, slots=True)
class Check:
    """A check of one model."""

    fraction: float = 0.0
    result: VerifiedModel | None = None  # None while it runs
    error: EngineError | None = None


class LibraryCare(QObject):
    """One check per model at a time; what came of it stays until the next one."""

    changed = Signal(str)  # model, whose check has gone on or ended
    removed = Signal(str, str)  # model, entry of the bin that brings it back
    refused = Signal(str, object)  # model that was to be removed, EngineError

    def __init__(self, client: EngineClient, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._client = client
        self._checks: dict[str, Check] = {}
        self._checking: dict[str, str] = {}  # model by request id
        self._removing: dict[str, str] = {}
        client.arrived.connect(self._take)
        client.finished.connect(self._note_end)
        client.model_removed.connect(self._note_removed)
        client.failed.connect(self._note_failure)

    def check_of(self, model: str) -> Check | None:
        """The check that runs or ran last."""
        return self._checks.get(model)

    def is_checking(self, model: str) -> bool:
        """Whether its files are being read now."""
        return model in self._checking.values()

    def verify(self, model: str) -> None:
        """Read its files and compare their hashes."""
        if not self.is_checking(model):
            request_id = self._client.ask(lambda one: VerifyRequest(request_id=one, model=model))
            self._checking[request_id] = model
            self._put(model, Check())

    def stop(self, model: str) -> None:
        """Stop reading; nothing is known then."""
        for request_id, checked in self._checking.items():
            if checked == model:
                self._client.cancel(request_id)

    def remove(self, model: str) -> None:
        """Take it out of the library into the bin."""
        self._removing[self._client.remove_model(model)] = model

    def _put(self, model: str, check: Check | None) -> None:
        if check is None:
            self._checks.pop(model, None)
        else:
            self._checks[model] = check
        self.changed.emit(model)

    def _take(self, event: Event) -> None:
        if isinstance(event, VerifyProgress) and event.request_id in self._checking:
            self._put(self._checking[event.request_id], Check(event.fraction))
        elif isinstance(event, ModelsVerified) and event.request_id in self._checking:
            model = self._checking.pop(event.request_id)
            result = next((one for one in event.models if one.name == model), None)
            self._put(model, Check(1.0, result))

    def _note_end(self, request_id: str, _event: FinishedEvent) -> None:
        model = self._checking.pop(request_id, None)
        if model is not None:
            self._put(model, None)

    def _note_removed(self, request_id: str, model: str, entry: str) -> None:
        if self._removing.pop(request_id, None) is not None:
            self._checks.pop(model, None)
            self.removed.emit(model, entry)

    def _note_failure(self, request_id: str, error: EngineError) -> None:
        if request_id in self._checking:
            self._put(self._checking.pop(request_id), Check(error=error))
        elif request_id in self._removing:
            self.refused.emit(self._removing.pop(request_id), error)
