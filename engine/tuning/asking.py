"""An engine host in this process, asked one thing at a time."""

import queue
from typing import TypeVar

from engine.contract.errors import rebuild_error
from engine.contract.messages import ErrorEvent, Event, Request
from engine.contract.paths import Paths
from engine.host.router import EngineHost

_Last = TypeVar("_Last", bound=Event)


class AskedHost:
    """A host whose answers are waited for. For one thread."""

    def __init__(self, paths: Paths) -> None:
        """Nothing is asked yet; nobody is told of models that became slow."""
        self._events: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self._host = EngineHost(self._events.put, paths, echo_stderr=False, watches_speed=False)

    def ask(self, request: Request, last: type[_Last]) -> _Last:
        """The event that answers a request; raises the EngineError that it ends with."""
        self._host.submit(request)
        while True:
            event = self._events.get()
            if event.request_id != request.request_id:
                continue
            if isinstance(event, ErrorEvent):
                raise rebuild_error(event.code, event.message, event.details)
            if isinstance(event, last):
                return event

    def close(self) -> None:
        """End the host and its workers."""
        self._host.close()
