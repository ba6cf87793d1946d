"""The workers: which of them gets a request, which has to go, and what follows when one dies.

Everything here happens on the host's one deciding thread. A model goes through: looked at (its header, on a
thread aside) → room made → loading → ready ⇄ answering → ended.
"""

import logging
import time
from collections.abc import Callable, Collection
from pathlib import Path

from msgspec import structs

from engine.contract.errors import (
    EngineError,
    ModelTooLarge,
    WorkerRestartLimit,
    WorkerUnresponsive,
    rebuild_error,
)
from engine.contract.messages import (
    AnswerNowRequest,
    CancelRequest,
    DescribeRequest,
    EngineDescription,
    ErrorEvent,
    Event,
    FinishedEvent,
    ForgetRequest,
    GenerateRequest,
    Heartbeat,
    LoadRequest,
    ModelLoaded,
    ModelUnloaded,
    UnloadReason,
    UnloadRequest,
)
from engine.contract.model_info import MemoryChange, WorkerStatus
from engine.contract.params import LoadParams
from engine.contract.settings import EngineSettings
from engine.host.asides import Asides, Post
from engine.host.pace import Pace
from engine.host.prospects import Prospect, Prospects
from engine.host.pulse import MAX_SILENCE_LOADING_S, Pulse
from engine.host.residency import make_room, overdue, resident_of
from engine.host.worker_process import WorkerLibrary, WorkerProcess
from engine.host.worker_slot import MAX_RESTARTS, RESTART_WINDOW_S, ModelKey, WorkerSlot
from engine.library.places import ModelPlace

_DESCRIBE_KEY = ModelKey("", LoadParams())
log = logging.getLogger("retort.host")


class Workers:
    """One worker for each model in memory."""

    def __init__(
        self,
        emit: Callable[[Event], None],
        post: Post,
        asides: Asides,
        prospects: Prospects,
        pace: Pace,
        *,
        library: Callable[[], WorkerLibrary | None],
        echo_stderr: bool,
    ) -> None:
        """No worker is started before one is needed; `library` tells what the next one runs on."""
        self._emit, self._post, self._asides, self._pace = emit, post, asides, pace
        self._prospects, self._library = prospects, library
        self._settings, self._echo_stderr = EngineSettings(), echo_stderr  # settings of the newest request
        self._slots: dict[ModelKey, WorkerSlot] = {}
        self._generation = 0
        self._deadlines: dict[str, float] = {}  # request id → when its worker is killed, monotonic seconds

    # requests

    def ask(
        self, request: LoadRequest | GenerateRequest, place: ModelPlace | None, settings: EngineSettings
    ) -> None:
        """Answer a request with the model at a place, None for the fake one; loads it where needed."""
        self._settings = settings
        model, name = (str(place.path), place.name) if place is not None else (request.model, request.model)
        key = ModelKey(model, settings.load_params(name, request.load))
        slot = self._slots.setdefault(key, WorkerSlot(key, request.model))
        if isinstance(request, LoadRequest):
            slot.deaths.clear()  # somebody asked for it by hand
            if slot.loaded is not None:
                slot.used_at = time.monotonic()
                self._emit(
                    ModelLoaded(request_id=request.request_id, model=request.model, loaded=slot.loaded)
                )
                return
        if slot.worker is None and slot.died_too_often():
            self.fail(request.request_id, WorkerRestartLimit(MAX_RESTARTS + 1, RESTART_WINDOW_S / 60))
            return
        if slot.loaded is not None and isinstance(request, GenerateRequest):
            self._forward(slot, request)
            return
        slot.waiting.append(request)
        if not slot.loading_id:
            slot.loading_id, slot.tried = request.request_id, ()
            request_id = slot.loading_id
            self._prospects.look_at(
                place,
                key.load,
                settings,
                lambda found: self._start_loading(slot, request_id, found, settings),
            )

    def describe(self, request: DescribeRequest) -> None:
        """Ask a worker without a model, which ends with its answer."""
        slot = self._slots.setdefault(_DESCRIBE_KEY, WorkerSlot(_DESCRIBE_KEY, ""))
        slot.in_flight[request.request_id] = request
        self._worker_of(slot).send(request)

    def answer_now(self, request: AnswerNowRequest) -> None:
        """Hand it to the worker that answers."""
        for slot in self._slots.values():
            if request.request_id in slot.in_flight and slot.worker is not None:
                slot.worker.send(request)

    def forget(self, request: ForgetRequest) -> None:
        """Let every worker forget a conversation."""
        for slot in self._residents():
            if slot.worker is not None and slot.loaded is not None:
                slot.worker.send(request)

    def cancel(self, request: CancelRequest) -> None:
        """Stop a request; its worker is killed where it does not listen in time."""
        for slot in self._slots.values():
            if request.request_id in slot.in_flight and slot.worker is not None:
                slot.worker.send(request)
                deadline = time.monotonic() + slot.pulse.cancel_grace_s
                self._deadlines.setdefault(request.request_id, deadline)
            elif slot.holds(request.request_id):  # its model is not loaded yet
                slot.waiting = [r for r in slot.waiting if r.request_id != request.request_id]
                self._emit(FinishedEvent(request_id=request.request_id, reason="cancelled"))
                if not slot.waiting:
                    self._give_up_loading(slot)

    def unload(self, request: UnloadRequest, model: str) -> None:
        """End every worker of a model; answered in any case."""
        answered = False
        for slot in self._slots.values():
            if model in (slot.key.model, slot.name) and (slot.worker is not None or slot.loading_id):
                is_answer = slot.name == request.model and slot.loaded is not None and not answered
                self._end_worker(slot, request_id=request.request_id if is_answer else "")
                answered = answered or is_answer
        if not answered:
            self._emit(ModelUnloaded(request_id=request.request_id, model=request.model))

    def unload_all(self) -> None:
        """End every worker with a model: their memory is wanted."""
        for slot in self._residents():
            self._end_worker(slot, reason="room")

    def loaded_paths(self) -> Collection[Path]:
        """The files that workers hold or are about to."""
        slots = (slot for slot in self._slots.values() if slot.worker is not None or slot.loading_id)
        return frozenset(Path(slot.key.model) for slot in slots)

    def status(self) -> tuple[WorkerStatus, ...]:
        """Every worker with a model as it is now."""
        return tuple(slot.status() for slot in self._residents())

    def fail(self, request_id: str, error: EngineError) -> None:
        """End a request with an error."""
        self._emit(
            ErrorEvent(request_id=request_id, code=error.code, message=error.message, details=error.details)
        )

    # time

    @property
    def are_there(self) -> bool:
        """Whether any worker runs."""
        return any(slot.worker is not None for slot in self._slots.values())

    def next_deadline(self) -> float | None:
        """When the next worker is to be killed for a cancel, in monotonic seconds."""
        return min(self._deadlines.values(), default=None)

    def kill_overdue(self) -> None:
        """Kill the workers that did not hear a cancel in time."""
        now = time.monotonic()
        for request_id in [r for r, deadline in self._deadlines.items() if deadline <= now]:
            slot = next((slot for slot in self._slots.values() if slot.holds(request_id)), None)
            if slot is None or slot.worker is None:
                self._deadlines.pop(request_id)
            else:
                self._deadlines[request_id] = now + slot.pulse.cancel_grace_s
                slot.worker.kill()

    def tick(self, passed_s: float, settings: EngineSettings) -> None:
        """Time has passed: kill workers that show no sign of life, unload those idle for too long."""
        for slot in self._slots.values():
            if slot.worker is None:
                continue
            slot.pulse.silent_s += passed_s
            patience_s = MAX_SILENCE_LOADING_S if slot.loaded is None else self._pace.max_silence_s
            if slot.pulse.silent_s > patience_s and slot.kill_reason is None:
                slot.kill_reason = WorkerUnresponsive(round(slot.pulse.silent_s))
                slot.worker.kill()
        residents = [resident_of(slot) for slot in self._residents()]
        for key in overdue(residents, time.monotonic(), settings, self._pace.minute_s):
            self._end_worker(self._slots[key], reason="idle")
        self.leave_library()

    def close(self) -> None:
        """End every worker and wait for it."""
        for slot in self._slots.values():
            if slot.worker is not None:
                slot.worker.close()

    def leave_library(self) -> None:
        """Unload idle models that run on another library than the next ones will."""
        for slot in self._residents():
            if slot.is_idle and slot.library != self._library():
                self._end_worker(slot, reason="engine")

    # loading

    def _start_loading(
        self, slot: WorkerSlot, request_id: str, found: Prospect | EngineError, settings: EngineSettings
    ) -> None:
        if slot.loading_id != request_id or not slot.waiting:
            return  # cancelled meanwhile
        try:
            if isinstance(found, EngineError):
                raise found
            residents = [resident_of(other) for other in self._residents() if other is not slot]
            free_bytes = self._pace.available_bytes()
            leaving = make_room(residents, slot.key, found.needed_bytes, free_bytes, settings)
        except EngineError as error:
            slot.loading_id = ""
            for waiting_id in slot.take_all():
                self.fail(waiting_id, error)
            return
        for key in leaving:
            self._end_worker(self._slots[key], reason="room")
        slot.needed_bytes, slot.forecast, slot.packages = found.needed_bytes, found.forecast, found.packages
        slot.prefix_cache_mib = settings.prefix_cache_mib
        self._send_load(slot)

    def _send_load(self, slot: WorkerSlot) -> None:
        slot.memory_before = slot.read_memory()
        load = slot.forecast.load if slot.forecast is not None else slot.key.load
        self._worker_of(slot).send(
            LoadRequest(
                request_id=slot.loading_id,
                model=slot.key.model,
                load=load,
                prefix_cache_mib=slot.prefix_cache_mib,
            )
        )

    def _give_up_loading(self, slot: WorkerSlot) -> None:
        """Nobody waits for the model any more; there is nothing in its worker to wait for either."""
        if slot.worker is not None:
            slot.worker.kill()
        self._end_worker(slot)

    def _on_loaded(self, slot: WorkerSlot, event: ModelLoaded) -> None:
        slot.loaded, slot.loading_id = event.loaded, ""
        if slot.forecast is not None:
            self._prospects.note_taken(slot.key, slot.forecast, event.loaded)
        slot.used_at = time.monotonic()
        slot.pulse.note_loaded()
        before = slot.memory_before
        memory = MemoryChange(before=before, after=slot.read_memory()) if before is not None else None
        waiting, slot.waiting = slot.waiting, []
        if not waiting:  # started again by itself
            self._emit(structs.replace(event, request_id="", model=slot.name, memory=memory))
        for request in waiting:
            self._emit(
                structs.replace(event, request_id=request.request_id, model=request.model, memory=memory)
            )
            if isinstance(request, GenerateRequest):
                self._forward(slot, request)

    def _try_elsewhere(self, slot: WorkerSlot, error: EngineError) -> bool:
        """Load a model that did not fit with less of it on GPUs; false where no GPU is to blame.

        `error` is what those who wait are told where nothing is left to try.
        """
        failed, request_id = slot.forecast, slot.loading_id
        if failed is None or not failed.plan.uses_gpu or not slot.waiting:
            return False
        worker, slot.worker = slot.worker, None
        if worker is not None:
            worker.close()
        slot.tried += (failed.load,)
        log.warning("%s did not load with %s; it is tried otherwise", slot.name, failed.load.placement)
        settings = self._settings

        def then(found: Prospect | EngineError) -> None:
            self._start_loading(slot, request_id, found, settings)

        self._prospects.look_again(slot.key, settings, then, tried=slot.tried, error=error)
        return True

    # what workers say

    def _on_event(self, worker: WorkerProcess, event: Event) -> None:
        slot = self._slot_of(worker)
        if slot is None or event.generation != worker.generation:
            return
        slot.pulse.note_sign_of_life()
        if isinstance(event, Heartbeat):
            slot.pulse.note_beat(event.call_s)
            return
        if isinstance(event, ModelLoaded):
            self._on_loaded(slot, event)
            return
        ends = isinstance(event, FinishedEvent | ErrorEvent | EngineDescription)
        if ends and slot.loading_id and event.request_id == slot.loading_id:  # the load has failed
            if isinstance(event, ErrorEvent) and event.code == ModelTooLarge.code:
                error = rebuild_error(event.code, event.message, event.details)
                if self._try_elsewhere(slot, error):
                    return
            for request_id in slot.take_all():
                self._emit(structs.replace(event, request_id=request_id))
            self._end_worker(slot)
            return
        if ends:
            slot.in_flight.pop(event.request_id, None)
            slot.used_at = time.monotonic()
            self._finish(event.request_id)
        self._emit(event)
        if slot.key == _DESCRIBE_KEY and slot.is_idle:
            self._end_worker(slot)

    def _on_death(self, worker: WorkerProcess, error: EngineError) -> None:
        slot = self._slot_of(worker)
        if slot is None:  # ended by us
            return
        error, slot.kill_reason = slot.kill_reason or error, None
        if slot.loaded is None and slot.loading_id and self._try_elsewhere(slot, error):
            return
        was_loaded = slot.loaded is not None
        slot.worker, slot.loaded, slot.loading_id = None, None, ""
        slot.note_death()
        was_deaf = False
        for request_id in slot.take_all():
            if self._finish(request_id):  # killed because it did not hear the cancel
                was_deaf = True
                self._emit(FinishedEvent(request_id=request_id, reason="cancelled"))
            else:
                self.fail(request_id, error)
        if was_loaded:
            self._emit(ModelUnloaded(request_id="", model=slot.name, reason="ended"))
        if was_deaf and not slot.died_too_often():
            slot.loading_id = f"again-{self._generation}"
            self._send_load(slot)

    def _forward(self, slot: WorkerSlot, request: GenerateRequest) -> None:
        slot.in_flight[request.request_id] = request
        self._worker_of(slot).send(structs.replace(request, model=slot.key.model, load=slot.key.load))

    def _slot_of(self, worker: WorkerProcess) -> WorkerSlot | None:
        return next((slot for slot in self._slots.values() if slot.worker is worker), None)

    def _residents(self) -> list[WorkerSlot]:
        return [
            slot for slot in self._slots.values() if slot.worker is not None and slot.key != _DESCRIBE_KEY
        ]

    def _worker_of(self, slot: WorkerSlot) -> WorkerProcess:
        if slot.worker is None:
            self._generation += 1
            slot.pulse, slot.library = Pulse(), self._library()
            slot.worker = WorkerProcess(
                self._generation,
                library=slot.library,
                arguments=("--packages", str(slot.packages)) if slot.packages else (),
                echo_stderr=self._echo_stderr,
                on_event=lambda worker, event: self._post(lambda: self._on_event(worker, event)),
                on_death=lambda worker, error: self._post(lambda: self._on_death(worker, error)),
            )
        return slot.worker

    def _end_worker(self, slot: WorkerSlot, *, request_id: str = "", reason: UnloadReason = "asked") -> None:
        before = slot.read_memory()
        worker, slot.worker = slot.worker, None
        was_loaded, slot.loaded = slot.loaded is not None, None
        slot.loading_id = ""
        for left in slot.take_all():
            self._finish(left)
            self._emit(FinishedEvent(request_id=left, reason="cancelled"))
        if worker is not None:
            worker.close()
        if was_loaded:
            memory = MemoryChange(before=before, after=slot.read_memory())
            self._emit(ModelUnloaded(request_id=request_id, model=slot.name, reason=reason, memory=memory))

    def _finish(self, request_id: str) -> bool:
        """The request is over; true where a cancel was waiting for it."""
        return self._deadlines.pop(request_id, None) is not None
