"""The host's one thread of decisions: which worker gets a request, and what follows when one dies.

Everything that happens — a request, a worker's event, a death, a deadline — is put into one queue and handled
by one thread, so that no state here is ever shared between threads.
"""

import logging
import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from msgspec import structs

from engine.contract.errors import EngineError, InternalError, WorkerRestartLimit
from engine.contract.messages import (
    CancelRequest,
    DescribeRequest,
    ErrorEvent,
    Event,
    FinishedEvent,
    GenerateRequest,
    LoadRequest,
    ModelLoaded,
    ModelUnloaded,
    Request,
    UnloadRequest,
)
from engine.contract.params import LoadParams
from engine.host.worker_process import WorkerProcess
from engine.host.worker_slot import MAX_RESTARTS, RESTART_WINDOW_S, ModelKey, WorkerSlot
from engine.library.places import find_model

CANCEL_GRACE_S = 3.0  # then the worker is killed
_DESCRIBE_KEY = ModelKey("", LoadParams())

log = logging.getLogger("retort.host")


@dataclass(frozen=True, slots=True)
class _Died:
    worker: WorkerProcess
    error: EngineError


@dataclass(frozen=True, slots=True)
class _Came:
    worker: WorkerProcess
    event: Event


@dataclass(frozen=True, slots=True)
class _Close:
    pass


class EngineHost:
    """Takes requests from any thread and emits events on its own."""

    def __init__(self, emit: Callable[[Event], None], *, echo_stderr: bool = True) -> None:
        """Start the deciding thread; no worker is started before one is needed.

        `echo_stderr` passes what workers write to stderr on to this process's own.
        """
        self._emit = emit
        self._echo_stderr = echo_stderr
        self._inbox: queue.SimpleQueue[Request | _Came | _Died | _Close] = queue.SimpleQueue()
        self._slots: dict[ModelKey, WorkerSlot] = {}
        self._generation = 0
        self._deadlines: dict[str, float] = {}  # request id → when its worker is killed, monotonic seconds
        self._thread = threading.Thread(target=self._run, name="engine-host", daemon=True)
        self._thread.start()

    def submit(self, request: Request) -> None:
        """Hand a request over; whatever comes of it is emitted."""
        self._inbox.put(request)

    def close(self) -> None:
        """End every worker and wait for it."""
        self._inbox.put(_Close())
        self._thread.join()

    # the deciding thread

    def _run(self) -> None:
        while True:
            try:
                item = self._inbox.get(timeout=self._next_deadline_s())
            except queue.Empty:
                self._kill_overdue()
                continue
            if isinstance(item, _Close):
                break
            try:
                self._handle(item)
            except EngineError as error:
                self._fail(getattr(item, "request_id", ""), error)
            except Exception as error:  # the thread edge: logged, and said to whoever asked
                log.exception("request failed")
                request_id = getattr(item, "request_id", "")
                self._fail(request_id, InternalError(f"{type(error).__name__}: {error}"))
        for slot in self._slots.values():
            if slot.worker is not None:
                slot.worker.close()

    def _handle(self, item: Request | _Came | _Died) -> None:
        match item:
            case _Came():
                self._on_event(item.worker, item.event)
            case _Died():
                self._on_death(item.worker, item.error)
            case LoadRequest() | GenerateRequest():
                self._ask(item)
            case CancelRequest():
                self._cancel(item)
            case UnloadRequest():
                self._unload(item)
            case DescribeRequest():
                self._worker_of(self._slot(_DESCRIBE_KEY, "")).send(item)

    def _ask(self, request: LoadRequest | GenerateRequest) -> None:
        key = ModelKey(_worker_name(request.model), request.load)
        slot = self._slot(key, request.model)
        if isinstance(request, LoadRequest):
            slot.deaths.clear()  # somebody asked for it by hand
            if slot.loaded is not None:
                self._emit(
                    ModelLoaded(request_id=request.request_id, model=request.model, loaded=slot.loaded)
                )
                return
        if slot.worker is None and slot.died_too_often():
            self._fail(request.request_id, WorkerRestartLimit(MAX_RESTARTS + 1, RESTART_WINDOW_S / 60))
            return
        if slot.loaded is not None and isinstance(request, GenerateRequest):
            self._forward(slot, request)
            return
        slot.waiting.append(request)
        if not slot.loading_id:
            self._unload_idle(besides=slot)
            slot.loading_id = request.request_id
            self._worker_of(slot).send(
                LoadRequest(request_id=request.request_id, model=key.model, load=request.load)
            )

    def _cancel(self, request: CancelRequest) -> None:
        for slot in self._slots.values():
            if slot.holds(request.request_id) and slot.worker is not None:
                slot.worker.send(request)
                self._deadlines.setdefault(request.request_id, time.monotonic() + CANCEL_GRACE_S)

    def _unload(self, request: UnloadRequest) -> None:
        for slot in self._slots.values():
            if slot.key.model == _worker_name(request.model) and slot.worker is not None:
                self._end_worker(slot, request.request_id)

    # what workers say

    def _on_event(self, worker: WorkerProcess, event: Event) -> None:
        slot = self._slot_of(worker)
        if slot is None or event.generation != worker.generation:
            return
        ends = isinstance(event, FinishedEvent | ErrorEvent)
        if isinstance(event, ModelLoaded):
            self._on_loaded(slot, event)
            return
        if ends and event.request_id == slot.loading_id:  # the load failed or was cancelled
            slot.loading_id = ""
            for request_id in slot.take_all():
                self._finish(request_id)
                self._emit(_with_id(event, request_id))
            self._end_worker(slot)
            return
        if ends:
            slot.in_flight.pop(event.request_id, None)
            self._finish(event.request_id)
        self._emit(event)

    def _on_loaded(self, slot: WorkerSlot, event: ModelLoaded) -> None:
        slot.loaded, slot.loading_id = event.loaded, ""
        waiting, slot.waiting = slot.waiting, []
        for request in waiting:
            self._emit(
                ModelLoaded(
                    request_id=request.request_id,
                    model=request.model,
                    loaded=event.loaded,
                    generation=event.generation,
                )
            )
            if isinstance(request, GenerateRequest):
                self._forward(slot, request)

    def _on_death(self, worker: WorkerProcess, error: EngineError) -> None:
        slot = self._slot_of(worker)
        if slot is None:  # ended by us
            return
        was_loaded = slot.loaded is not None
        slot.worker, slot.loaded, slot.loading_id = None, None, ""
        slot.note_death()
        for request_id in slot.take_all():
            if self._finish(request_id):  # killed because it did not hear the cancel
                self._emit(FinishedEvent(request_id=request_id, reason="cancelled"))
            else:
                self._fail(request_id, error)
        if was_loaded:
            self._emit(ModelUnloaded(request_id="", model=slot.name))

    # the parts

    def _forward(self, slot: WorkerSlot, request: GenerateRequest) -> None:
        slot.in_flight[request.request_id] = request
        self._worker_of(slot).send(request)

    def _slot(self, key: ModelKey, name: str) -> WorkerSlot:
        return self._slots.setdefault(key, WorkerSlot(key, name))

    def _slot_of(self, worker: WorkerProcess) -> WorkerSlot | None:
        return next((slot for slot in self._slots.values() if slot.worker is worker), None)

    def _worker_of(self, slot: WorkerSlot) -> WorkerProcess:
        if slot.worker is None:
            self._generation += 1
            slot.worker = WorkerProcess(
                self._generation,
                echo_stderr=self._echo_stderr,
                on_event=lambda worker, event: self._inbox.put(_Came(worker, event)),
                on_death=lambda worker, error: self._inbox.put(_Died(worker, error)),
            )
        return slot.worker

    def _unload_idle(self, besides: WorkerSlot) -> None:
        """Give the memory of models back that nobody is using, before another one takes its own."""
        for slot in self._slots.values():
            if slot is not besides and slot.worker is not None and slot.is_idle:
                self._end_worker(slot)

    def _end_worker(self, slot: WorkerSlot, request_id: str = "") -> None:
        worker, slot.worker = slot.worker, None
        was_loaded, slot.loaded = slot.loaded is not None, None
        slot.loading_id = ""
        for left in slot.take_all():
            self._finish(left)
            self._emit(FinishedEvent(request_id=left, reason="cancelled"))
        if worker is not None:
            worker.close()
        if was_loaded:
            self._emit(ModelUnloaded(request_id=request_id, model=slot.name))

    def _fail(self, request_id: str, error: EngineError) -> None:
        self._emit(
            ErrorEvent(request_id=request_id, code=error.code, message=error.message, details=error.details)
        )

    def _finish(self, request_id: str) -> bool:
        """The request is over; true where a cancel was waiting for it."""
        return self._deadlines.pop(request_id, None) is not None

    def _next_deadline_s(self) -> float | None:
        if not self._deadlines:
            return None
        return max(0.0, min(self._deadlines.values()) - time.monotonic())

    def _kill_overdue(self) -> None:
        now = time.monotonic()
        for request_id in [r for r, deadline in self._deadlines.items() if deadline <= now]:
            slot = next((slot for slot in self._slots.values() if slot.holds(request_id)), None)
            if slot is None or slot.worker is None:
                self._deadlines.pop(request_id)
            else:
                self._deadlines[request_id] = now + CANCEL_GRACE_S
                slot.worker.kill()


def _worker_name(model: str) -> str:
    """The name a worker takes: a path for everything but the fake model."""
    return model if model.partition(":")[0] == "fake" else str(find_model(model).path)


def _with_id(event: Event, request_id: str) -> Event:
    """The same event for another request that waited for the same thing."""
    return structs.replace(event, request_id=request_id)
