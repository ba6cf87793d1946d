"""Text leaves a worker at most thirty times a second per answer: nobody reads faster, and every event costs
the worker, the host and the window a thread's wakening.
"""

import time
from collections.abc import Callable

from msgspec import structs

from engine.contract.messages import Event, ReasoningEvent, TextEvent

INTERVAL_S = 1 / 30


class TextPacing:
    """Holds text back that follows too soon on the last of its answer, and sends it with the next."""

    def __init__(self, send: Callable[[Event], None]) -> None:
        self._send = send
        self._sent_s: dict[str, float] = {}  # request id → when text of it was sent last
        self._held: dict[str, TextEvent | ReasoningEvent] = {}

    def send(self, event: Event) -> None:
        """Send an event of an answer, or hold it back if it is text; the order stays."""
        held = self._held.pop(event.request_id, None)
        if not isinstance(event, TextEvent | ReasoningEvent):
            if held is not None:
                self._send(held)
            self._send(event)
            return
        if held is not None:
            if type(held) is type(event):
                text, logprobs = held.text + event.text, held.logprobs + event.logprobs
                event = structs.replace(event, text=text, logprobs=logprobs)
            else:
                self._send(held)
        now = time.monotonic()
        if now - self._sent_s.get(event.request_id, 0.0) >= INTERVAL_S:
            self._sent_s[event.request_id] = now
            self._send(event)
        else:
            self._held[event.request_id] = event

    def send_due(self) -> None:
        """Send what has been held for long enough."""
        if not self._held:
            return
        now = time.monotonic()
        for request_id in [r for r in self._held if now - self._sent_s[r] >= INTERVAL_S]:
            self._sent_s[request_id] = now
            self._send(self._held.pop(request_id))

    def forget(self, request_id: str) -> None:
        """The answer has ended; what was held of it is sent."""
        if (held := self._held.pop(request_id, None)) is not None:
            self._send(held)
        self._sent_s.pop(request_id, None)
