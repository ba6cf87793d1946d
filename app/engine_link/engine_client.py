"""The engine as the window sees it: requests are methods that answer a request id, events are signals."""

import itertools
import logging
from collections.abc import Callable

from PySide6.QtCore import QObject, Signal

from app.engine_link.host_process import HostProcess
from engine.contract.chat import ChatMessage
from engine.contract.errors import EngineError, rebuild_error
from engine.contract.hub_messages import PauseRequest, TransferProgress
from engine.contract.library_messages import (
    ImportProgress,
    ImportRequest,
    ModelImported,
    ModelRemoved,
    ModelsListed,
    ModelsRequest,
    RemoveRequest,
    VerifyProgress,
)
from engine.contract.messages import (
    AnswerNowRequest,
    CancelRequest,
    ErrorEvent,
    FinishedEvent,
    ForgetRequest,
    GenerateRequest,
    LoadProgress,
    LoadRequest,
    Message,
    ModelLoaded,
    ModelUnloaded,
    ReasoningEvent,
    Request,
    TextEvent,
    ToolCallEvent,
    UnloadRequest,
)
from engine.contract.pack_messages import EngineNotice, PackProgress, PacksListed
from engine.contract.params import GenerationLimits, LoadParams, SamplingParams
from engine.contract.place_messages import MoveProgress
from engine.contract.settings import SettingValue
from engine.contract.settings_messages import (
    ChangeLoadRequest,
    ChangeSettingRequest,
    SettingsListed,
    SettingsRequest,
    StatusListed,
    StatusRequest,
)
from engine.contract.tuning_messages import SpeedNotice, TuneProgress

log = logging.getLogger(__name__)


class EngineClient(QObject):
    """Every request ends in exactly one signal: its own below, `finished` after a cancel, or `failed`.

    For a generate request `model_loaded` may come before that as well. None of them comes before the method
    that made the request has returned.
    """

    load_progressed = Signal(str, str, float)  # request id, model, fraction
    model_loaded = Signal(str, str, object)  # request id, model, LoadedModel
    model_unloaded = Signal(str, str)  # request id (empty: nobody asked), model
    answer_requested = Signal(str)  # request id
    tokens_arrived = Signal(str, int)  # request id, tokens behind the text that comes with them
    text_arrived = Signal(str, str)  # request id, text
    reasoning_arrived = Signal(str, str)  # request id, text
    finished = Signal(str, object)  # request id, FinishedEvent
    models_listed = Signal(str, object)  # request id, tuple of InstalledModel
    import_progressed = Signal(str, float)  # request id, fraction
    model_imported = Signal(str, object)  # request id, InstalledModel
    model_removed = Signal(str, str, str)  # request id, model, entry of the bin
    settings_listed = Signal(str, object)  # request id (empty: changed elsewhere), EngineSettings
    status_listed = Signal(str, object)  # request id, StatusListed
    arrived = Signal(object)  # an event of a subject that has a class of its own, asked for by `ask`
    failed = Signal(str, object)  # request id (empty: concerns no request), EngineError
    speed_noticed = Signal(object)  # SpeedNotice
    engine_noticed = Signal(object)  # EngineNotice
    engine_failed = Signal(object)  # EngineError of a load or an answer, or of the host itself

    def __init__(self, host: HostProcess, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._host = host
        self._ids = itertools.count(1)
        self._in_flight: dict[str, Request] = {}
        host.message_arrived.connect(self._take)
        host.died.connect(self._fail_all)

    def load(self, model: str, params: LoadParams | None = None) -> str:
        """Put a model into memory."""
        return self._send(LoadRequest(request_id=self._next_id(), model=model, load=params or LoadParams()))

    def unload(self, model: str) -> str:
        """Give a model's memory back."""
        return self._send(UnloadRequest(request_id=self._next_id(), model=model))

    def generate(
        self,
        model: str,
        messages: tuple[ChatMessage, ...],
        *,
        conversation_id: str,
        load: LoadParams | None = None,
        sampling: SamplingParams | None = None,
        limits: GenerationLimits | None = None,
        reasoning_effort: str = "",
        keep_language: bool = False,
        continue_last: bool = False,
    ) -> str:
        """Answer a conversation, or go on with its last answer; the model is loaded where it is not yet."""
        request_id = self._send(
            GenerateRequest(
                request_id=self._next_id(),
                model=model,
                load=load or LoadParams(),
                conversation_id=conversation_id,
                messages=messages,
                sampling=sampling or SamplingParams(),
                limits=limits or GenerationLimits(),
                reasoning_effort=reasoning_effort,
                keep_language=keep_language,
                continue_last=continue_last,
            )
        )
        self.answer_requested.emit(request_id)
        return request_id

    def list_models(self) -> str:
        """Ask for the library; `models_listed` answers."""
        return self._send(ModelsRequest(request_id=self._next_id()))

    def import_model(self, path: str, *, copy: bool = False) -> str:
        """Take a file or folder into the library, where it lies or as a copy; `model_imported` answers."""
        return self._send(ImportRequest(request_id=self._next_id(), path=path, copy=copy))

    def remove_model(self, model: str) -> str:
        """Take a model out of the library into the bin; `model_removed` answers."""
        return self._send(RemoveRequest(request_id=self._next_id(), model=model))

    def list_settings(self) -> str:
        """Ask for the engine's settings; `settings_listed` answers, and tells every later change."""
        return self._send(SettingsRequest(request_id=self._next_id()))

    def change_setting(self, name: str, value: SettingValue | None) -> str:
        """Change one setting, None sets its default; `settings_listed` answers."""
        return self._send(ChangeSettingRequest(request_id=self._next_id(), name=name, value=value))

    def change_load(self, model: str, load: LoadParams | None) -> str:
        """Change how a model is loaded from now on, None forgets it; `settings_listed` answers."""
        return self._send(ChangeLoadRequest(request_id=self._next_id(), model=model, load=load))

    def ask_status(self) -> str:
        """Ask what is in memory; `status_listed` answers."""
        return self._send(StatusRequest(request_id=self._next_id()))

    def ask(self, make: Callable[[str], Request]) -> str:
        """Send what is made for the id it is given; progress and the answer come by `arrived`."""
        return self._send(make(self._next_id()))

    def pause(self, request_id: str, *, is_paused: bool) -> None:
        """Let a download rest, or go on; the phase of its progress tells it."""
        if request_id in self._in_flight:
            self._host.send(PauseRequest(request_id=request_id, is_paused=is_paused))

    def cancel(self, request_id: str) -> None:
        """Stop an answer, a load or a copy; it still ends with `finished`."""
        if request_id in self._in_flight:
            self._host.send(CancelRequest(request_id=request_id))

    def forget(self, conversation_id: str) -> None:
        """A conversation or a part of it was deleted: what the engine kept of it goes too."""
        self._host.send(ForgetRequest(request_id=self._next_id(), conversation_id=conversation_id))

    def answer_now(self, request_id: str) -> None:
        """End the reasoning of an answer, so that its text follows; without effect where there is none."""
        if request_id in self._in_flight:
            self._host.send(AnswerNowRequest(request_id=request_id))

    def start(self) -> None:
        """Start the host before the first request needs it."""
        self._host.start()

    def close(self) -> None:
        """End the host and everything below it; requests in flight are forgotten."""
        self._in_flight.clear()
        self._host.close()

    def _next_id(self) -> str:
        return f"window-{next(self._ids)}"

    def _send(self, request: Request) -> str:
        self._in_flight[request.request_id] = request
        self._host.send(request)
        return request.request_id

    def _take(self, message: Message) -> None:
        request_id = getattr(message, "request_id", "")
        if request_id and request_id not in self._in_flight:
            return  # it has ended for us
        match message:
            case TextEvent():
                self.tokens_arrived.emit(request_id, message.num_tokens)
                self.text_arrived.emit(request_id, message.text)
            case ReasoningEvent():
                self.tokens_arrived.emit(request_id, message.num_tokens)
                self.reasoning_arrived.emit(request_id, message.text)
            case ToolCallEvent():  # no tools are offered yet: what a model writes all the same is shown
                self.text_arrived.emit(request_id, message.call.raw)
            case LoadProgress():
                self.load_progressed.emit(request_id, message.model, message.fraction)
            case ModelLoaded():
                if isinstance(self._in_flight.get(request_id), LoadRequest):
                    del self._in_flight[request_id]
                self.model_loaded.emit(request_id, message.model, message.loaded)
            case ModelUnloaded():
                self._in_flight.pop(request_id, None)
                self.model_unloaded.emit(request_id, message.model)
            case FinishedEvent():
                del self._in_flight[request_id]
                self.finished.emit(request_id, message)
            case ImportProgress():
                self.import_progressed.emit(request_id, message.fraction)
            case ModelsListed() | ModelImported() | ModelRemoved() | SettingsListed() | StatusListed():
                self._in_flight.pop(request_id, None)
                self._take_list(message)
            case ErrorEvent():
                request = self._in_flight.pop(request_id, None)
                error = rebuild_error(message.code, message.message, message.details)
                self.failed.emit(request_id, error)
                if isinstance(request, LoadRequest | GenerateRequest | UnloadRequest):
                    self.engine_failed.emit(error)
            case SpeedNotice():
                self.speed_noticed.emit(message)
            case EngineNotice():
                self.engine_noticed.emit(message)
            case TransferProgress() | VerifyProgress() | MoveProgress() | PackProgress() | TuneProgress():
                self.arrived.emit(message)
            case _ if request_id or isinstance(message, PacksListed):
                self._in_flight.pop(request_id, None)
                self.arrived.emit(message)
            case _:
                log.warning("the host sent a %s, which nobody asked for", type(message).__name__)

    def _take_list(
        self, message: ModelsListed | ModelImported | ModelRemoved | SettingsListed | StatusListed
    ) -> None:
        """What the library, the settings and the status answer."""
        match message:
            case ModelsListed():
                self.models_listed.emit(message.request_id, message.models)
            case ModelImported():
                self.model_imported.emit(message.request_id, message.model)
            case ModelRemoved():
                self.model_removed.emit(message.request_id, message.model, message.entry)
            case SettingsListed():
                self.settings_listed.emit(message.request_id, message.settings)
            case StatusListed():
                self.status_listed.emit(message.request_id, message)

    def _fail_all(self, error: EngineError) -> None:
        requests, self._in_flight = self._in_flight, {}
        for request_id in requests:
            self.failed.emit(request_id, error)
        self.failed.emit("", error)
        self.engine_failed.emit(error)
