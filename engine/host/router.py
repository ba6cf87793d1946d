"""The host's one thread of decisions: every request, event, death and deadline is handled on it, in turn.

What happens is put into one queue as something to do, so that no state here is ever shared between threads.
Slow work (reading headers, copying files) is done aside and comes back through the same queue.
"""

import logging
import queue
import threading
import time
from collections.abc import Callable
from dataclasses import replace

from msgspec import structs

from engine.contract.bin_messages import BinRequest, EmptyBinRequest, RestoreRequest
from engine.contract.catalogue_messages import CatalogueRequest, NetworkLogRequest
from engine.contract.component_messages import ComponentQuestion
from engine.contract.elsewhere_messages import AdoptRequest, ElsewhereRequest
from engine.contract.errors import (
    EngineError,
    EngineMissing,
    InternalError,
    InvalidRequest,
    ModelError,
    WorkerDied,
)
from engine.contract.fit_messages import FitRequest
from engine.contract.hub_messages import HubRequest
from engine.contract.job_messages import JobRequest, JobsRequest
from engine.contract.library_messages import ImportRequest, ModelsRequest, RemoveRequest, VerifyRequest
from engine.contract.messages import (
    AnswerNowRequest,
    CancelRequest,
    DescribeRequest,
    ErrorEvent,
    Event,
    FinishedEvent,
    ForgetRequest,
    GenerateRequest,
    LoadRequest,
    ModelLoaded,
    Request,
    UnloadRequest,
)
from engine.contract.pack_messages import PackRequest
from engine.contract.paths import Paths
from engine.contract.place_messages import LibraryPlaceRequest, MoveLibraryRequest
from engine.contract.provenance_messages import ProvenanceRequest
from engine.contract.settings import EngineSettings
from engine.contract.settings_messages import (
    ChangeLoadRequest,
    ChangeSettingRequest,
    SettingsChange,
    SettingsListed,
    SettingsRequest,
    StatusListed,
    StatusRequest,
)
from engine.contract.tuning_messages import TunedRequest, TuneRequest
from engine.contract.unfinished_messages import DropUnfinishedRequest, UnfinishedRequest
from engine.contract.workbench_messages import (
    ForgetJobsRequest,
    MoveJobRequest,
    QualityCardsRequest,
    TensorMapRequest,
)
from engine.hardware.memory import available_bytes, total_bytes
from engine.host.asides import Asides
from engine.host.component_desk import ComponentDesk
from engine.host.engine_desk import EngineDesk
from engine.host.fit_adviser import FitAdviser
from engine.host.fit_desk import FitDesk
from engine.host.gateway_desk import GatewayDesk
from engine.host.good_speeds import GoodSpeeds
from engine.host.gpu_probe import gpus
from engine.host.jobs import Jobs
from engine.host.library_desk import LibraryDesk
from engine.host.pace import Pace
from engine.host.prospects import Prospects
from engine.host.pulse import TICK_S, RunningTime
from engine.host.settings_file import SettingsFile
from engine.host.speed_watch import SpeedWatch
from engine.host.tuning_desk import TuningDesk
from engine.host.workbench_desk import WorkbenchDesk
from engine.host.workers import Workers
from engine.library.engine_packs import EnginePacks
from engine.library.places import ModelPlace
from engine.library.state_folder import forget_conversation

IDLE_TICK_S = 5.0  # without workers there is only the file of settings to look after
ASIDE_GRACE_S = 5.0

log = logging.getLogger("retort.host")


class EngineHost:
    """Takes requests from any thread and emits events on its own."""

    def __init__(
        self,
        emit: Callable[[Event], None],
        paths: Paths,
        *,
        echo_stderr: bool = True,
        pace: Pace | None = None,
        keeps_jobs: bool = False,
        watches_speed: bool = True,
    ) -> None:
        """Start the deciding thread; no worker is started before one is needed.

        `echo_stderr` passes what workers write to stderr on to this process's own; with `keeps_jobs` the
        quantizations and conversions that this host does not finish start over with the next such host.
        Without `watches_speed` nobody is told of models that became slow.
        """
        self._emit, self._prefix_cache = emit, paths.prefix_cache
        self._to_do: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._asides = Asides(self._to_do.put)
        self._settings = SettingsFile(paths.settings)
        self._library = LibraryDesk(paths, emit, self._to_do.put, self._asides)
        self._gateway = GatewayDesk(emit, self._to_do.put, echo_stderr=echo_stderr)
        self._components = ComponentDesk(paths, emit, self._to_do.put, self._asides, self._gateway)
        self._engines = EngineDesk(
            EnginePacks(paths.packs),
            emit,
            self._to_do.put,
            self._asides,
            self._gateway,
            switched=self._leave_engine,
        )
        library, pace = self._engines.library, pace or Pace()
        adviser = FitAdviser(
            paths, available_bytes=pace.available_bytes, gpus=pace.gpus or (lambda: gpus(library()))
        )
        self._fit = FitDesk(adviser, emit, self._asides)
        self._workers = Workers(
            self._emit_of_worker,
            self._to_do.put,
            self._asides,
            Prospects(adviser, self._asides, paths),
            pace,
            library=library,
            echo_stderr=echo_stderr,
        )
        self._jobs = Jobs(
            emit,
            self._to_do.put,
            paths,
            self._find,
            library=library,
            echo_stderr=echo_stderr,
            keeps_records=keeps_jobs,
        )
        self._tuning = TuningDesk(
            paths, emit, self._to_do.put, self._asides, library=library, echo_stderr=echo_stderr
        )
        self._watches_speed = watches_speed
        self._speed_watch = SpeedWatch(
            GoodSpeeds(paths.good_speeds),
            emit=emit,
            submit=self.submit,
            is_idle=lambda: all(worker.phase == "ready" for worker in self._workers.status()),
            post=self._to_do.put,
            asides=self._asides,
        )
        self._workbench = WorkbenchDesk(paths, emit, self._asides)
        self._known_places: dict[str, ModelPlace] = {}  # by what requests call them
        self._running_time = RunningTime()
        self._next_tick = 0.0  # monotonic seconds
        self._thread = threading.Thread(target=self._run, name="engine-host", daemon=True)
        self._thread.start()

    def submit(self, request: Request) -> None:
        """Hand a request over; whatever comes of it is emitted."""
        self._to_do.put(lambda: self._take(request))

    def close(self) -> None:
        """End every worker and job and wait for them."""
        self._to_do.put(None)
        self._thread.join()

    # the deciding thread

    def _run(self) -> None:
        self._settings.refresh()
        self._do(self._engines.start)
        self._do(self._jobs.start_over)
        self._do(self._library.start)
        while True:
            try:
                to_do = self._to_do.get(timeout=self._time_to_wait_s())
            except queue.Empty:
                pass
            else:
                if to_do is None:
                    break
                self._do(to_do)
            self._do(self._look_at_the_clock)
        self._library.close()
        self._gateway.close()
        self._components.close()
        self._jobs.close()
        self._tuning.close()
        self._asides.join(ASIDE_GRACE_S)
        self._workers.close()

    def _do(self, to_do: Callable[[], None]) -> None:
        try:
            to_do()
        except Exception:  # the thread's edge
            log.exception("the host failed at something")

    def _take(self, request: Request) -> None:
        try:
            self._handle(request)
        except EngineError as error:
            self._workers.fail(request.request_id, error)
        except Exception as error:  # the edge of a request: logged, and said to whoever asked
            log.exception("a request failed")
            self._workers.fail(request.request_id, InternalError(f"{type(error).__name__}: {error}"))

    def _handle(self, request: Request) -> None:
        self._refresh_settings()
        settings = self._settings.settings
        match request:
            case LoadRequest() | GenerateRequest():
                place = self._find(request.model)
                if place is not None and self._watches_speed:
                    load = settings.load_params(place.name, request.load)
                    self._speed_watch.note_asked(request.request_id, place.path, load)
                self._workers.ask(self._with_draft_model(request, place), place, settings)
            case CancelRequest():
                self._workers.cancel(request)
                self._library.cancel(request.request_id)
                self._gateway.cancel(request)
                self._components.cancel(request.request_id)
                self._jobs.cancel(request.request_id)
                self._tuning.cancel(request.request_id)
            case AnswerNowRequest():
                self._workers.answer_now(request)
            case ForgetRequest():
                forget_conversation(self._prefix_cache, request.conversation_id)
                self._workers.forget(request)
            case UnloadRequest():
                self._unload(request)
            case DescribeRequest():
                self._workers.describe(request)
            case _ if isinstance(request, HubRequest):
                self._gateway.ask(request, settings)
            case _ if isinstance(request, ComponentQuestion):
                self._components.ask(request, settings)
            case UnfinishedRequest() | DropUnfinishedRequest() | ElsewhereRequest() | AdoptRequest():
                self._library.ask(request, settings.model_folders, ())
            case (
                ModelsRequest()
                | ImportRequest()
                | RemoveRequest()
                | VerifyRequest()
                | CatalogueRequest()
                | NetworkLogRequest()
                | ProvenanceRequest()
                | LibraryPlaceRequest()
                | MoveLibraryRequest()
                | BinRequest()
                | RestoreRequest()
                | EmptyBinRequest()
            ):
                self._library.ask(request, settings.model_folders, self._workers.loaded_paths())
            case JobRequest() | JobsRequest() | MoveJobRequest() | ForgetJobsRequest():
                self._jobs.ask(request)
            case TensorMapRequest():
                self._map(request)
            case QualityCardsRequest():
                self._workbench.list_cards(request)
            case SettingsRequest() | ChangeSettingRequest() | ChangeLoadRequest():
                self._change_settings(request)
            case FitRequest():
                self._ask_fit(request, settings)
            case TuneRequest() | TunedRequest():
                self._tuning.ask(request, self._find(request.model), self._workers)
            case _ if isinstance(request, PackRequest):
                self._engines.ask(request, settings)
            case StatusRequest():
                self._emit(
                    StatusListed(
                        request_id=request.request_id,
                        workers=self._workers.status(),
                        available_bytes=available_bytes(),
                        total_bytes=total_bytes(),
                    )
                )

    def _emit_of_worker(self, event: Event) -> None:
        if self._speed_watch.see(event):
            return
        if isinstance(event, ModelLoaded):
            self._library.note_loaded(event.loaded.info.path)
        elif isinstance(event, FinishedEvent):
            self._library.note_answer(event)
        elif isinstance(event, ErrorEvent) and event.code in (WorkerDied.code, EngineMissing.code):
            self._engines.suspect()
        self._emit(event)

    def _leave_engine(self) -> None:
        """Another library may be used from now on."""
        self._workers.leave_library()

    def _find(self, model: str) -> ModelPlace | None:
        """Where a model lies; None for the fake one, which lies nowhere."""
        if model.partition(":")[0] == "fake":
            return None
        known = self._known_places.get(model)
        if known is None or known.path not in self._workers.loaded_paths():  # of those no name changes
            known = self._library.find(model, self._settings.settings.model_folders)
            self._known_places[model] = known
        return known

    def _with_draft_model(
        self, request: LoadRequest | GenerateRequest, place: ModelPlace | None
    ) -> LoadRequest | GenerateRequest:
        """The same request with the path of its draft model, if it names one."""
        name = place.name if place is not None else request.model
        load = self._settings.settings.load_params(name, request.load)
        drafting = self._find(load.draft_model) if load.draft_model else None
        if drafting is None:
            return request
        return structs.replace(request, load=replace(load, draft_model=str(drafting.path)))

    def _map(self, request: TensorMapRequest) -> None:
        place = self._find(request.model)
        if place is None:
            raise InvalidRequest(f"{request.model} has no file")
        self._workbench.map(request, place.path)

    def _ask_fit(self, request: FitRequest, settings: EngineSettings) -> None:
        place = self._find(request.model) if request.shape is None else None
        if place is None and request.shape is None:
            raise InvalidRequest(f"{request.model} takes no memory worth a ledger")
        name = place.name if place is not None else request.model
        load = settings.load_params(name, request.load)
        drafting = self._find(load.draft_model) if load.draft_model else None
        if drafting is not None:
            load = replace(load, draft_model=str(drafting.path))
        self._fit.ask(structs.replace(request, load=load), place.path if place else None, settings)

    def _unload(self, request: UnloadRequest) -> None:
        try:
            place = self._find(request.model)
        except ModelError:  # its file may be gone while it is in memory
            place = None
        self._workers.unload(request, str(place.path) if place is not None else request.model)

    # settings

    def _change_settings(self, request: SettingsChange) -> None:
        if isinstance(request, ChangeSettingRequest):
            self._settings.change(request.name, request.value)
        elif isinstance(request, ChangeLoadRequest):
            place = self._find(request.model)
            self._settings.change_load(place.name if place is not None else request.model, request.load)
        self._tell_settings(request.request_id)

    def _refresh_settings(self) -> None:
        if self._settings.refresh():
            self._tell_settings("")  # another host has changed them

    def _tell_settings(self, request_id: str) -> None:
        self._gateway.tick(self._settings.settings)  # going offline takes effect at once
        self._emit(
            SettingsListed(
                request_id=request_id, settings=self._settings.settings, notice=self._settings.notice
            )
        )

    # time

    def _time_to_wait_s(self) -> float:
        deadline = self._workers.next_deadline()
        until = self._next_tick if deadline is None else min(deadline, self._next_tick)
        return max(0.0, until - time.monotonic())

    def _look_at_the_clock(self) -> None:
        self._workers.kill_overdue()
        now = time.monotonic()
        if now >= self._next_tick:
            self._workers.tick(self._running_time.passed_s(), self._settings.settings)
            self._refresh_settings()
            self._gateway.tick(self._settings.settings)
            self._next_tick = now + IDLE_TICK_S
        if self._workers.are_there:
            self._next_tick = min(self._next_tick, now + TICK_S)
