"""The engine host inside this process, asked one thing at a time and waited for."""

import queue
import sys
import uuid
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import TypeVar

from engine.cli.speed_words import speed_words
from engine.contract.bin_messages import BinEmptied, BinListed, ModelRestored
from engine.contract.component_messages import ComponentsChecked, ComponentsListed
from engine.contract.elsewhere_messages import ElsewhereFound, ModelsAdopted
from engine.contract.errors import rebuild_error
from engine.contract.fit_messages import FitTold
from engine.contract.hub_messages import (
    HubFilesListed,
    HubModelsFound,
    ModelCardRead,
    ModelPulled,
    RemoteHeaderRead,
)
from engine.contract.job_messages import JobDone
from engine.contract.library_messages import ModelImported, ModelRemoved, ModelsListed, ModelsVerified
from engine.contract.messages import (
    AnswerEvent,
    CancelRequest,
    DescribeRequest,
    EngineDescription,
    ErrorEvent,
    Event,
    FinishedEvent,
    GenerateRequest,
    Request,
)
from engine.contract.pack_messages import EngineNotice, PacksListed
from engine.contract.paths import Paths
from engine.contract.place_messages import LibraryMoved, LibraryPlaceTold
from engine.contract.provenance_messages import ProvenanceTold
from engine.contract.settings_messages import SettingsListed, SettingsRequest, StatusListed
from engine.contract.tuning_messages import SpeedNotice
from engine.contract.unfinished_messages import UnfinishedDropped, UnfinishedListed
from engine.contract.update_messages import UpdateTold
from engine.host.router import EngineHost
from engine.library.places import ModelPlace, find_model

_Last = TypeVar("_Last", bound=Event)
_LAST_EVENTS = (
    FinishedEvent
    | EngineDescription
    | ModelsListed
    | ModelImported
    | ModelRemoved
    | LibraryPlaceTold
    | LibraryMoved
    | BinListed
    | ModelRestored
    | BinEmptied
    | ModelsVerified
    | HubModelsFound
    | HubFilesListed
    | RemoteHeaderRead
    | UnfinishedListed
    | ElsewhereFound
    | ModelsAdopted
    | UnfinishedDropped
    | ModelCardRead
    | ModelPulled
    | FitTold
    | ProvenanceTold
    | SettingsListed
    | StatusListed
    | JobDone
    | PacksListed
    | ComponentsListed
    | ComponentsChecked
    | UpdateTold
)


class EngineSession:
    """A host for the time of a `with` block. For one thread."""

    def __init__(self, *, verbose: bool = False) -> None:
        """`verbose` shows what the native library logs."""
        self._events: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self._paths = Paths.from_environment()
        self._host = EngineHost(self._events.put, self._paths, echo_stderr=verbose)

    def __enter__(self) -> "EngineSession":
        """Ready at once; the worker starts with the first request."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the host and every worker."""
        self._host.close()

    def events(self, request: Request) -> Iterator[Event]:
        """Yield what comes of a request, up to and including its last event.

        Raises the EngineError that the request ends with.
        """
        self._host.submit(request)
        yield from self._events_of(request.request_id)

    def answer(self, request: GenerateRequest) -> Iterator[AnswerEvent | FinishedEvent]:
        """Yield an answer's parts in pieces and at last how it ended, also after Ctrl+C, which cancels it."""
        events = self.events(request)
        while True:
            try:
                event = next(events)
            except KeyboardInterrupt:
                self._host.submit(CancelRequest(request_id=request.request_id))
                events = self._events_of(request.request_id)
                continue
            except StopIteration:
                return
            if isinstance(event, AnswerEvent):
                yield event
            elif isinstance(event, FinishedEvent):
                yield event
                return

    def ask(
        self, request: Request, answer: type[_Last], on_event: Callable[[Event], None] = lambda _event: None
    ) -> _Last:
        """The one event that ends a request; `on_event` hears those before it. Ctrl+C cancels the request.

        Raises the EngineError that the request ends with, KeyboardInterrupt where it was cancelled.
        """
        try:
            for event in self.events(request):
                if isinstance(event, answer):
                    return event
                on_event(event)
        except KeyboardInterrupt:
            self._host.submit(CancelRequest(request_id=request.request_id))
            raise
        raise KeyboardInterrupt  # it ended as cancelled

    def describe(self) -> EngineDescription:
        """Which native library there is; raises EngineMissing where there is none."""
        return self.ask(DescribeRequest(request_id=new_request_id()), EngineDescription)

    def find(self, model: str) -> ModelPlace:
        """The model that a user means; raises ModelNotFound or ModelAmbiguous."""
        listed = self.ask(SettingsRequest(request_id=new_request_id()), SettingsListed)
        return find_model(model, self._paths, listed.settings.model_folders)

    def _events_of(self, request_id: str) -> Iterator[Event]:
        while True:
            event = self._events.get()
            if isinstance(event, ErrorEvent):
                raise rebuild_error(event.code, event.message, event.details)
            if isinstance(event, SpeedNotice):
                print(f"retort: {speed_words(event)}", file=sys.stderr)
            if isinstance(event, EngineNotice):
                print(f"retort: the engine pack {event.pack} failed: {event.reason}", file=sys.stderr)
                print(f"retort: {event.now} is used in its place from now on", file=sys.stderr)
            if event.request_id == request_id:
                yield event
                if isinstance(event, _LAST_EVENTS):
                    return


def new_request_id() -> str:
    """An id that no other request has."""
    return uuid.uuid4().hex
