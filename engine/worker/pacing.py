"""Text leaves a worker at most thirty times a second: nobody reads faster, and every event costs the worker,
the host and the window a thread's wakening. What several answers have to say leaves at the same moment.
"""

import time
from collections.abc import Callable

from msgspec import structs

from engine.contract.messages import Event, ReasoningEvent, TextEvent

INTERVAL_S = 1 / 30


class TextPacing:
    """Holds text back until the next moment at which text is sent; the first of an answer leaves at once."""

    def __init__(self, send: Callable[[Event], None]) -> None:
        self._send = send
        self._sent_s = 0.0  # when text was sent last
        self._begun: set[str] = set()  # request ids
        self._held: dict[str, TextEvent | ReasoningEvent] = {}

    def send(self, event: Event) -> None:
        """Send an event of an answer, or hold it back if it is text; the order stays."""
        held = self._held.pop(event.request_id, None)
        if not isinstance(event, TextEvent | ReasoningEvent):
            if held is not None:
                self._send(held)
            self._send(event)
            return
        if held is None:
            if event.request_id not in self._begun:
                self._begun.add(event.request_id)
                self._send(event)
                return
        elif type(held) is type(event):
            event = structs.replace(
                event,
                text=held.text + event.text,
                num_tokens=held.num_tokens + event.num_tokens,
                logprobs=held.logprobs + event.logprobs,
            )
        else:
            self._send(held)
        self._held[event.request_id] = event

    def send_due(self) -> None:
        """Send what is held, if it is time; to be called after every step."""
        if not self._held:
            return
        now = time.monotonic()
        if now - self._sent_s >= INTERVAL_S:
            self._sent_s = now
            for event in self._held.values():
                self._send(event)
            self._held.clear()

    def forget(self, request_id: str) -> None:
        """The answer has ended; what was held of it is sent."""
        if (held := self._held.pop(request_id, None)) is not None:
            self._send(held)
        self._begun.discard(request_id)
