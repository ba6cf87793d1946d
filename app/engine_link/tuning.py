"""Searches for models' fastest settings: the one that runs, and what is known of each model."""

from dataclasses import dataclass, replace

from PySide6.QtCore import QObject, Signal

from app.engine_link.engine_client import EngineClient
from engine.contract.errors import EngineError
from engine.contract.messages import Event, FinishedEvent
from engine.contract.tuned import TunedModel
from engine.contract.tuning_messages import TuneDone, TunedRequest, TunedTold, TuneProgress, TuneRequest


@dataclass(frozen=True, slots=True)
class Tuned:
    """What is known of one model's settings."""

    found: TunedModel | None = None
    stale_because: str = ""  # why it no longer holds; empty where it does
    error: EngineError | None = None  # of the last search
    is_running: bool = False
    step: TuneProgress | None = None  # the newest of the search that runs
    best: TuneProgress | None = None  # the newest of its steps that brought something


class Tuning(QObject):
    """One search at a time; asks the host what earlier ones found."""

    changed = Signal(str)  # model

    def __init__(self, client: EngineClient, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._client = client
        self._known: dict[str, Tuned] = {}
        self._searching: dict[str, str] = {}  # model by request id
        self._asking: dict[str, str] = {}
        client.arrived.connect(self._take)
        client.finished.connect(self._note_end)
        client.failed.connect(self._note_failure)

    @property
    def is_running(self) -> bool:
        """Whether any model is being searched for."""
        return bool(self._searching)

    def of(self, model: str) -> Tuned:
        """What is known of a model."""
        return self._known.get(model, Tuned())

    def look(self, model: str) -> None:
        """Ask what an earlier search found, and whether that still holds."""
        self._asking[self._client.ask(lambda one: TunedRequest(request_id=one, model=model))] = model

    def look_again(self) -> None:
        """The engine is another: ask whether what is known still holds."""
        for model, known in self._known.items():
            if known.found is not None and not known.is_running:
                self.look(model)

    def start(self, model: str) -> None:
        """Begin a search."""
        if not self.is_running:
            request_id = self._client.ask(lambda one: TuneRequest(request_id=one, model=model))
            self._searching[request_id] = model
            self.show(model, replace(self.of(model), is_running=True, error=None, step=None, best=None))

    def stop(self) -> None:
        """Stop the search that runs; nothing of it is kept."""
        for request_id in self._searching:
            self._client.cancel(request_id)

    def show(self, model: str, known: Tuned) -> None:
        """Know this of a model from now on."""
        self._known[model] = known
        self.changed.emit(model)

    def _take(self, event: Event) -> None:
        if isinstance(event, TuneProgress) and event.request_id in self._searching:
            model = self._searching[event.request_id]
            known = self.of(model)
            self.show(model, replace(known, step=event, best=event if event.is_best else known.best))
        elif isinstance(event, TuneDone) and event.request_id in self._searching:
            self.show(self._searching.pop(event.request_id), Tuned(event.tuned))
        elif isinstance(event, TunedTold) and event.request_id in self._asking:
            model = self._asking.pop(event.request_id)
            self.show(model, replace(self.of(model), found=event.tuned, stale_because=event.stale_because))

    def _note_end(self, request_id: str, _event: FinishedEvent) -> None:
        model = self._searching.pop(request_id, None)
        if model is not None:
            self.show(model, replace(self.of(model), is_running=False, step=None, best=None))

    def _note_failure(self, request_id: str, error: EngineError) -> None:
        self._asking.pop(request_id, None)  # a model that is gone: nothing is known of it
        model = self._searching.pop(request_id, None)
        if model is not None:
            self.show(model, replace(self.of(model), is_running=False, error=error, step=None, best=None))
