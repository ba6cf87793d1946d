"""What needs the network: refused while offline, else handed to the gateway, which runs then only.

Everything here happens on the host's one deciding thread.
"""

import time
from collections.abc import Callable

from msgspec import structs

from engine.contract.component_messages import FetchWheelsRequest
from engine.contract.errors import EngineError, GatewayDied, OfflineError, ProtocolError
from engine.contract.hub_messages import HubQuestion, HubRequest, PauseRequest, PullRequest, TransferProgress
from engine.contract.messages import CancelRequest, ErrorEvent, Event
from engine.contract.pack_messages import FetchPackRequest
from engine.contract.processes import child_command, child_environment
from engine.contract.settings import EngineSettings
from engine.contract.update_messages import UpdateRequest
from engine.host.asides import Post
from engine.host.child_process import ChildProcess

IDLE_S = 30.0  # then the gateway is ended


class GatewayDesk:
    """Starts the gateway, passes requests down and events up, and ends it."""

    def __init__(self, emit: Callable[[Event], None], post: Post, *, echo_stderr: bool) -> None:
        """No process is started before one is needed."""
        self._emit, self._post, self._echo_stderr = emit, post, echo_stderr
        self._gateway: ChildProcess | None = None
        self._in_flight: dict[str, HubQuestion] = {}
        self._takers: dict[str, Callable[[Event], None]] = {}  # of requests that the host itself makes
        self._idle_since = 0.0  # monotonic seconds

    def ask(
        self, request: HubRequest, settings: EngineSettings, taker: Callable[[Event], None] | None = None
    ) -> None:
        """Hand a request down; raises OfflineError where the network is not allowed.

        With `taker` the events of the request, ErrorEvent included, go to it and are not emitted.
        """
        if isinstance(request, PauseRequest):
            if self._gateway is not None:
                self._gateway.send(request)
            return
        if settings.offline and not request.online:
            raise OfflineError(_purpose(request))
        if isinstance(request, PullRequest | FetchWheelsRequest):
            request = structs.replace(request, limit_bytes_per_s=settings.download_limit_kib_s * 1024)
        self._in_flight[request.request_id] = request
        if taker is not None:
            self._takers[request.request_id] = taker
        if self._gateway is None:
            self._gateway = self._start()
        self._gateway.send(request)

    def cancel(self, request: CancelRequest) -> None:
        """Stop a request, if it is one of these."""
        if self._gateway is not None and request.request_id in self._in_flight:
            self._gateway.send(request)

    def tick(self, settings: EngineSettings) -> None:
        """End what is no longer allowed, and the gateway where nobody has needed it for a while."""
        is_idle = not self._in_flight
        is_over = is_idle and (settings.offline or time.monotonic() - self._idle_since > IDLE_S)
        is_forbidden = settings.offline and any(not r.online for r in self._in_flight.values())
        if self._gateway is not None and (is_over or is_forbidden):
            gateway, self._gateway = self._gateway, None
            self._fail_all(lambda request: OfflineError(_purpose(request)))
            gateway.close()

    def close(self) -> None:
        """End the gateway; what has arrived stays for the next time."""
        self._in_flight.clear()
        self._takers.clear()
        if self._gateway is not None:
            gateway, self._gateway = self._gateway, None
            gateway.close()

    def _start(self) -> ChildProcess:
        gateway = ChildProcess(
            "gateway",
            child_command("engine.gateway"),
            child_environment(),
            echo_stderr=self._echo_stderr,
            on_event=lambda event: self._post(lambda: self._on_event(gateway, event)),
            on_end=lambda status, tail, problem: self._post(
                lambda: self._on_end(gateway, problem or GatewayDied(status, tail))
            ),
        )
        return gateway

    def _on_event(self, gateway: ChildProcess, event: Event) -> None:
        if gateway is not self._gateway or (event.request_id and event.request_id not in self._in_flight):
            return
        if not isinstance(event, TransferProgress) and event.request_id:
            del self._in_flight[event.request_id]
            self._idle_since = time.monotonic()
        self._deliver(event)

    def _deliver(self, event: Event) -> None:
        take = self._takers.get(event.request_id, self._emit)
        if event.request_id not in self._in_flight:
            self._takers.pop(event.request_id, None)
        take(event)

    def _on_end(self, gateway: ChildProcess, error: GatewayDied | ProtocolError) -> None:
        if gateway is self._gateway:
            self._gateway = None
            self._fail_all(lambda _request: error)

    def _fail_all(self, reason: Callable[[HubQuestion], EngineError]) -> None:
        in_flight, self._in_flight = self._in_flight, {}
        for request_id, request in in_flight.items():
            error = reason(request)
            self._deliver(
                ErrorEvent(
                    request_id=request_id, code=error.code, message=error.message, details=error.details
                )
            )


def _purpose(request: HubQuestion) -> str:
    if isinstance(request, FetchPackRequest):
        return f"fetching the engine pack {request.pack}"
    if isinstance(request, PullRequest):
        return f"fetching {request.repository}"
    if isinstance(request, FetchWheelsRequest):
        return f"fetching {request.purpose}"
    if isinstance(request, UpdateRequest):
        return "looking for a newer version"
    return "looking at the hub"
