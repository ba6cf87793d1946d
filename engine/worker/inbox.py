"""Where a worker's requests arrive: one thread reads the pipe, the main thread takes what it has read.

A cancel takes effect the moment it is read, whatever the main thread is busy with. The end of the pipe means
that whoever started this process is gone: everything is cancelled, and a main thread that does not come back
from native code in time is ended with the process.
"""

import os
import queue
import threading
from typing import IO

from engine.contract.errors import ProtocolError
from engine.contract.messages import (
    AnswerNowRequest,
    CancelRequest,
    DescribeRequest,
    ForgetRequest,
    GenerateRequest,
    LoadRequest,
    UnloadRequest,
)
from engine.contract.pack_messages import ProbeRequest
from engine.contract.wire import decode, read_lines

EXIT_GRACE_S = 3.0

Work = LoadRequest | GenerateRequest | DescribeRequest | ProbeRequest | AnswerNowRequest | ForgetRequest


class Inbox:
    """Requests in the order they came, and which of them have been cancelled."""

    def __init__(self, stream: IO[bytes]) -> None:
        """Start reading."""
        self._waiting: queue.SimpleQueue[Work | ProtocolError | None] = queue.SimpleQueue()
        self._cancelled: set[str] = set()
        self._closed = threading.Event()
        self.has_ended = False  # everything has been taken that came before the pipe's end
        self._thread = threading.Thread(target=self._read, args=(stream,), name="worker-reader", daemon=True)
        self._thread.start()

    def take(self, wait_s: float | None) -> Work | ProtocolError | None:
        """The next request, waited for as long as it takes where `wait_s` is None.

        None where none came in time, or once the pipe has ended.
        """
        if wait_s == 0 and self._waiting.empty():
            return None
        try:
            item = self._waiting.get(timeout=wait_s)
        except queue.Empty:
            return None
        self.has_ended = item is None
        return item

    @property
    def has_waiting(self) -> bool:
        """Whether something has arrived that nobody has taken; may be asked from within a call."""
        return not self._waiting.empty()

    def is_cancelled(self, request_id: str) -> bool:
        """Whether this request should stop."""
        return self._closed.is_set() or request_id in self._cancelled

    def forget(self, request_id: str) -> None:
        """The request has ended; its cancel mark is no longer needed."""
        self._cancelled.discard(request_id)

    def _read(self, stream: IO[bytes]) -> None:
        try:
            for line in read_lines(stream):
                if not self._accept(line):
                    break
        except ProtocolError as error:
            self._waiting.put(error)
        finally:
            self._closed.set()
            self._waiting.put(None)
            overdue = threading.Timer(EXIT_GRACE_S, os._exit, args=(0,))
            overdue.daemon = True
            overdue.start()

    def _accept(self, line: bytes) -> bool:
        """Take one line; false where it is the last one to take."""
        try:
            message = decode(line)
        except ProtocolError as error:  # one bad line is reported, the next may be good
            self._waiting.put(error)
            return True
        if isinstance(message, UnloadRequest):
            return False  # the process is the model: giving its memory back is ending it
        if isinstance(message, CancelRequest):
            self._cancelled.add(message.request_id)
        elif isinstance(message, Work):
            self._waiting.put(message)
        else:
            self._waiting.put(ProtocolError(f"a worker takes no {type(message).__name__}"))
        return True
