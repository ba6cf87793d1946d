"""What the gateway does with its requests: each on a thread of its own, all of them switched from here."""

import logging
import threading
from collections.abc import Callable
from typing import IO

from engine.contract.component_messages import FetchWheelsRequest
from engine.contract.errors import EngineError, InternalError, ProtocolError
from engine.contract.hub_messages import (
    HubFilesListed,
    HubFilesRequest,
    HubModelsFound,
    HubQuestion,
    ModelCardRequest,
    PauseRequest,
    PullRequest,
    RemoteHeaderRequest,
    SearchRequest,
)
from engine.contract.messages import CancelRequest, ErrorEvent, Event, FinishedEvent
from engine.contract.pack_messages import FetchPackRequest
from engine.contract.paths import Paths
from engine.contract.update_messages import UpdateRequest
from engine.contract.wire import decode, read_lines
from engine.gateway.control import Cancelled, Control, Interrupted
from engine.gateway.hub import Hub
from engine.gateway.pace import SpeedLimit
from engine.gateway.packs import PackFetcher
from engine.gateway.patience import Patience
from engine.gateway.pull import Puller
from engine.gateway.remote_reading import RemoteReader
from engine.gateway.repository import CARD, PICKLES, group_files
from engine.gateway.search import search
from engine.gateway.updates import UpdateCheck
from engine.gateway.wheels import WheelFetcher
from engine.library.network_log import NetworkLog
from engine.library.published_packs import published_packs

END_GRACE_S = 3.0

log = logging.getLogger("retort.gateway")


class GatewayService:
    """Takes requests until the pipe ends."""

    def __init__(self, paths: Paths, send: Callable[[Event], None], patience: Patience | None = None) -> None:
        """Nothing is asked yet."""
        patience = patience or Patience()
        self._send = send
        self._hub = Hub(NetworkLog(paths.network_log), patience)
        self._speed_limit = SpeedLimit()
        self._reader = RemoteReader(self._hub, patience)
        self._puller = Puller(paths, self._hub, patience, self._speed_limit)
        self._packs = PackFetcher(paths, patience, self._speed_limit, published_packs())
        self._wheels = WheelFetcher(paths, self._hub, patience, self._speed_limit)
        self._updates = UpdateCheck(paths, patience)
        self._controls: dict[str, Control] = {}
        self._threads: list[threading.Thread] = []

    def run(self, stream: IO[bytes]) -> None:
        """Answer requests until the pipe ends; what is under way then is interrupted, what has come stays."""
        try:
            for line in read_lines(stream):
                try:
                    self._take(line)
                except ProtocolError as error:
                    self._send_error("", error)
        finally:
            for control in list(self._controls.values()):
                control.end()
            for thread in self._threads:
                thread.join(END_GRACE_S)
            self._hub.close()

    def _take(self, line: bytes) -> None:
        message = decode(line)
        if isinstance(message, CancelRequest | PauseRequest):
            control = self._controls.get(message.request_id)
            if control is not None and isinstance(message, PauseRequest):
                control.pause(message.is_paused)
            elif control is not None:
                control.cancel()
        elif isinstance(message, HubQuestion):
            if isinstance(message, PullRequest | FetchWheelsRequest):
                self._speed_limit.set(message.limit_bytes_per_s)
            control = self._controls[message.request_id] = Control()
            thread = threading.Thread(
                target=self._answer, args=(message, control), name="hub-request", daemon=True
            )
            self._threads = [other for other in self._threads if other.is_alive()] + [thread]
            thread.start()
        else:
            raise ProtocolError(f"a gateway takes no {type(message).__name__}")

    def _answer(self, request: HubQuestion, control: Control) -> None:
        """The edge of a request: whatever happens, its end is said."""
        try:
            self._send(self._ask(request, control))
        except Cancelled:
            self._send(FinishedEvent(request_id=request.request_id, reason="cancelled"))
        except Interrupted:
            pass  # nobody listens any more
        except EngineError as error:
            self._send_error(request.request_id, error)
        except Exception as error:
            log.exception("a request failed")
            self._send_error(request.request_id, InternalError(f"{type(error).__name__}: {error}"))
        finally:
            self._controls.pop(request.request_id, None)

    def _ask(self, request: HubQuestion, control: Control) -> Event:
        if isinstance(request, SearchRequest):
            return HubModelsFound(request_id=request.request_id, models=search(self._hub, request, control))
        if isinstance(request, PullRequest):
            return self._puller.pull(request, control, self._send)
        if isinstance(request, FetchPackRequest):
            return self._packs.fetch(request, control, self._send)
        if isinstance(request, RemoteHeaderRequest):
            return self._reader.header(request, control)
        if isinstance(request, ModelCardRequest):
            return self._reader.card(request, control)
        if isinstance(request, FetchWheelsRequest):
            return self._wheels.fetch(request, control, self._send)
        if isinstance(request, UpdateRequest):
            return self._updates.check(request, control)
        assert isinstance(request, HubFilesRequest)
        listing = self._hub.list(request.repository, request.revision, control)
        return HubFilesListed(
            request_id=request.request_id,
            repository=listing.repository,
            commit=listing.commit,
            author=listing.author,
            license=listing.license,
            groups=group_files(listing.files),
            is_gated=listing.is_gated,
            has_card=any(file.path == CARD for file in listing.files),
            has_pickles=any(file.path.lower().endswith(PICKLES) for file in listing.files),
            base_models=listing.base_models,
        )

    def _send_error(self, request_id: str, error: EngineError) -> None:
        self._send(
            ErrorEvent(request_id=request_id, code=error.code, message=error.message, details=error.details)
        )
