"""Between the host's thread and the server's event loop: one queue per request."""

import asyncio
import uuid
from collections.abc import AsyncIterator

from engine.contract.errors import rebuild_error
from engine.contract.messages import (
    CancelRequest,
    ErrorEvent,
    Event,
    FinishedEvent,
    GenerateRequest,
    TextEvent,
)
from engine.contract.paths import Paths
from engine.host.router import EngineHost


class HostBridge:
    """An engine host whose answers can be awaited."""

    def __init__(self, *, verbose: bool = False) -> None:
        """Start the host; call from the event loop's thread."""
        self._loop = asyncio.get_running_loop()
        self._queues: dict[str, asyncio.Queue[Event]] = {}
        self._host = EngineHost(self._emit, Paths.from_environment(), echo_stderr=verbose)

    async def answer(self, request: GenerateRequest) -> AsyncIterator[TextEvent | FinishedEvent]:
        """Yield an answer's text in pieces and at last how it ended; leaving early cancels it.

        Raises the EngineError that the request ends with.
        """
        events = self._queues[request.request_id] = asyncio.Queue()
        self._host.submit(request)
        has_ended = False
        try:
            while not has_ended:
                event = await events.get()
                if isinstance(event, TextEvent):
                    yield event
                elif isinstance(event, ErrorEvent):
                    has_ended = True
                    raise rebuild_error(event.code, event.message, event.details)
                elif isinstance(event, FinishedEvent):
                    has_ended = True
                    yield event
        finally:
            del self._queues[request.request_id]
            if not has_ended:
                self._host.submit(CancelRequest(request_id=request.request_id))

    def close(self) -> None:
        """End the host and its workers."""
        self._host.close()

    def _emit(self, event: Event) -> None:
        """Called on the host's thread."""
        self._loop.call_soon_threadsafe(self._deliver, event)

    def _deliver(self, event: Event) -> None:
        if (queue := self._queues.get(event.request_id)) is not None:
            queue.put_nowait(event)


def new_request_id() -> str:
    """An id that no other request has."""
    return f"http-{uuid.uuid4().hex}"
