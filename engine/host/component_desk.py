"""Components: listed, fetched by the gateway, installed on a thread aside, checked and removed."""

import threading
from collections.abc import Callable
from pathlib import Path

from engine.contract.component_messages import (
    CheckComponentsRequest,
    ComponentQuestion,
    ComponentsChecked,
    ComponentsListed,
    FetchWheelsRequest,
    InstallComponentRequest,
    RemoveComponentRequest,
    WheelsFetched,
)
from engine.contract.errors import EngineError, InternalError
from engine.contract.hub_messages import TransferPhase, TransferProgress
from engine.contract.messages import ErrorEvent, Event, FinishedEvent
from engine.contract.paths import Paths
from engine.contract.settings import EngineSettings
from engine.host.asides import Asides, Post
from engine.host.gateway_desk import GatewayDesk
from engine.library.component_install import InstallCancelled, check_component, install_component
from engine.library.component_lock import ComponentLock, find_lock, read_locks
from engine.library.components import WHEELS, list_components, remove_component
from engine.library.disk_room import check_room

PROGRESS_STEP = 0.01


class ComponentDesk:
    """Answers what is asked about components. On the deciding thread, but for the work aside."""

    def __init__(
        self, paths: Paths, emit: Callable[[Event], None], post: Post, asides: Asides, gateway: GatewayDesk
    ) -> None:
        """Nothing is read yet."""
        self._paths, self._emit, self._post, self._asides = paths, emit, post, asides
        self._gateway = gateway
        self._under_way: dict[str, threading.Event] = {}  # request id → whether it was cancelled

    def ask(self, request: ComponentQuestion, settings: EngineSettings) -> None:
        """Begin what is asked; raises InvalidRequest, OfflineError, StorageFailed."""
        match request:
            case InstallComponentRequest(folder=""):
                self._fetch(request, settings)
            case InstallComponentRequest():
                self._install(request.request_id, find_lock(request.name), Path(request.folder))
            case CheckComponentsRequest():
                self._aside(request.request_id, lambda stop: self._check(request.request_id, stop))
            case RemoveComponentRequest():
                lock = find_lock(request.name)
                self._aside(request.request_id, lambda _stop: self._remove(request.request_id, lock))
            case _:
                self._aside(request.request_id, lambda _stop: self._listed(request.request_id))

    def cancel(self, request_id: str) -> None:
        """Stop an installation or a check that is under way here."""
        if request_id in self._under_way:
            self._under_way[request_id].set()

    def close(self) -> None:
        """Stop everything."""
        for stop in self._under_way.values():
            stop.set()

    def _fetch(self, request: InstallComponentRequest, settings: EngineSettings) -> None:
        lock = find_lock(request.name)
        if lock.wheels:
            self._paths.components.mkdir(parents=True, exist_ok=True, mode=0o700)
            check_room(self._paths.components / WHEELS, lock.needed_bytes)
        fetch = FetchWheelsRequest(
            request_id=request.request_id,
            purpose=f"{lock.name} {lock.version}",
            wheels=lock.wheels,
            online=request.online,
        )

        def take(event: Event) -> None:
            if isinstance(event, WheelsFetched):
                self._install(request.request_id, lock, self._paths.components / WHEELS)
            else:
                self._emit(event)

        self._gateway.ask(fetch, settings, take)

    def _install(self, request_id: str, lock: ComponentLock, wheels: Path) -> None:
        def work(stop: threading.Event) -> Event:
            progress = self._reporter(request_id, "installing")
            install_component(self._paths, lock, wheels, progress, stop.is_set)
            return self._listed(request_id)

        self._aside(request_id, work)

    def _check(self, request_id: str, stop: threading.Event) -> Event:
        progress = self._reporter(request_id, "verifying")
        damaged = [
            str(path)
            for name in read_locks()
            for path in check_component(self._paths, name, progress, stop.is_set)
        ]
        return ComponentsChecked(request_id=request_id, damaged=tuple(damaged))

    def _remove(self, request_id: str, lock: ComponentLock) -> Event:
        remove_component(self._paths, lock)
        return self._listed(request_id)

    def _listed(self, request_id: str) -> Event:
        return ComponentsListed(request_id=request_id, components=list_components(self._paths))

    def _reporter(self, request_id: str, phase: TransferPhase) -> Callable[[int, int], None]:
        """Tells of bytes, in steps."""
        told = [-1.0]

        def report(done_bytes: int, total_bytes: int) -> None:
            fraction = done_bytes / max(1, total_bytes)
            if fraction - told[0] < PROGRESS_STEP:
                return
            told[0] = fraction
            event = TransferProgress(
                request_id=request_id, phase=phase, done_bytes=done_bytes, total_bytes=total_bytes
            )
            self._post(lambda: self._emit(event))

        return report

    def _aside(self, request_id: str, work: Callable[[threading.Event], Event]) -> None:
        """Do something slow; whatever happens, its end is told."""
        stop = self._under_way[request_id] = threading.Event()

        def run() -> Callable[[], None]:
            try:
                event = work(stop)
            except InstallCancelled:
                event = FinishedEvent(request_id=request_id, reason="cancelled")
            except EngineError as error:
                event = _as_event(request_id, error)
            except Exception as error:  # noqa: BLE001  (the edge of a request)
                event = _as_event(request_id, InternalError(f"{type(error).__name__}: {error}"))
            return lambda: self._end(request_id, event)

        self._asides.start("component", run)

    def _end(self, request_id: str, event: Event) -> None:
        self._under_way.pop(request_id, None)
        self._emit(event)


def _as_event(request_id: str, error: EngineError) -> ErrorEvent:
    return ErrorEvent(request_id=request_id, code=error.code, message=error.message, details=error.details)
