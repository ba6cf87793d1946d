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

from engine.contract.errors import EngineError, InternalError, ModelError
from engine.contract.hub_messages import HubFilesRequest, PauseRequest, PullRequest, SearchRequest
from engine.contract.messages import (
    CancelRequest,
    ChangeLoadRequest,
    ChangeSettingRequest,
    DescribeRequest,
    Event,
    GenerateRequest,
    ImportRequest,
    JobRequest,
    JobsRequest,
    LoadRequest,
    ModelsRequest,
    RemoveRequest,
    Request,
    SettingsChange,
    SettingsListed,
    SettingsRequest,
    StatusListed,
    StatusRequest,
    UnloadRequest,
)
from engine.contract.paths import Paths
from engine.contract.verify_messages import VerifyRequest
from engine.hardware.memory import available_bytes, total_bytes
from engine.host.asides import Asides
from engine.host.gateway_desk import GatewayDesk
from engine.host.jobs import Jobs
from engine.host.library_desk import LibraryDesk
from engine.host.pulse import TICK_S, RunningTime
from engine.host.settings_file import SettingsFile
from engine.host.workers import Pace, Workers
from engine.library.places import ModelPlace

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
    ) -> None:
        """Start the deciding thread; no worker is started before one is needed.

        `echo_stderr` passes what workers write to stderr on to this process's own; with `keeps_jobs` the
        quantizations and conversions that this host does not finish start over with the next such host.
        """
        self._emit = emit
        self._to_do: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._asides = Asides(self._to_do.put)
        self._settings = SettingsFile(paths.settings)
        self._library = LibraryDesk(paths, emit, self._to_do.put, self._asides)
        self._gateway = GatewayDesk(emit, self._to_do.put, echo_stderr=echo_stderr)
        self._workers = Workers(emit, self._to_do.put, self._asides, pace or Pace(), echo_stderr=echo_stderr)
        self._jobs = Jobs(
            emit, self._to_do.put, paths, self._find, echo_stderr=echo_stderr, keeps_records=keeps_jobs
        )
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
        self._do(self._jobs.start_over)
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
        self._jobs.close()
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
                self._workers.ask(self._with_draft_model(request, place), place, settings)
            case CancelRequest():
                self._workers.cancel(request)
                self._library.cancel(request.request_id)
                self._gateway.cancel(request)
                self._jobs.cancel(request.request_id)
            case UnloadRequest():
                self._unload(request)
            case DescribeRequest():
                self._workers.describe(request)
            case SearchRequest() | HubFilesRequest() | PullRequest() | PauseRequest():
                self._gateway.ask(request, settings)
            case ModelsRequest() | ImportRequest() | RemoveRequest() | VerifyRequest():
                self._library.ask(request, settings.model_folders, self._workers.loaded_paths())
            case JobRequest() | JobsRequest():
                self._jobs.ask(request)
            case SettingsRequest() | ChangeSettingRequest() | ChangeLoadRequest():
                self._change_settings(request)
            case StatusRequest():
                self._emit(
                    StatusListed(
                        request_id=request.request_id,
                        workers=self._workers.status(),
                        available_bytes=available_bytes(),
                        total_bytes=total_bytes(),
                    )
                )

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
