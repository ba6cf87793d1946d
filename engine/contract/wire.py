"""The wire: one JSON object per line over a pipe, a blocking reader and one writer thread per pipe.

Knows nothing of what the messages mean. A line is at most 16 MiB. The writer's queue merges the text of one
request while it waits, so a reader that falls behind costs memory for text only, and nobody waits for it.
"""

import contextlib
import os
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator
from typing import IO, Literal

import msgspec

from engine.contract.errors import ProtocolError
from engine.contract.hub_messages import TransferProgress
from engine.contract.job_messages import JobProgress
from engine.contract.library_messages import ImportProgress, VerifyProgress
from engine.contract.messages import Heartbeat, Hello, LoadProgress, Message, ReasoningEvent, TextEvent
from engine.contract.pack_messages import PackProgress
from engine.contract.place_messages import MoveProgress
from engine.contract.tuning_messages import TuneProgress
from engine.contract.version import PROTOCOL_VERSION, engine_fingerprint

# of these the newest says it all
_Newest = (
    LoadProgress
    | ImportProgress
    | VerifyProgress
    | TransferProgress
    | JobProgress
    | MoveProgress
    | PackProgress
    | TuneProgress
    | Heartbeat
)
Mergeable = TextEvent | ReasoningEvent | _Newest

MAX_LINE_BYTES = 16 * 2**20
MAX_WAITING_MESSAGES = 10_000  # what cannot be merged; more than this and the reader is gone for good
WRITTEN_TOGETHER = 16  # messages

_encoder = msgspec.json.Encoder()
_decoder: msgspec.json.Decoder[Message] = msgspec.json.Decoder(Message)


def encode(message: Message) -> bytes:
    """One message as one line, with its newline."""
    line = _encoder.encode(message) + b"\n"
    if len(line) > MAX_LINE_BYTES:
        raise ProtocolError(f"a message of {len(line)} bytes is over the {MAX_LINE_BYTES} of a line")
    return line


def decode(line: bytes) -> Message:
    """The message in a line; raises ProtocolError with the reason and the line's beginning."""
    try:
        return _decoder.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ProtocolError(f"not a message ({error}): {line[:80]!r}") from error


def read_lines(stream: IO[bytes]) -> Iterator[bytes]:
    """Yield whole lines until the other side closes the pipe; raises ProtocolError on one too long."""
    while line := stream.readline(MAX_LINE_BYTES + 1):
        if len(line) > MAX_LINE_BYTES:
            raise ProtocolError(f"a line is longer than {MAX_LINE_BYTES} bytes")
        if not line.endswith(b"\n"):
            return  # the other side died in the middle of a line
        yield line


class LineSplitter:
    """Cuts a stream that arrives in pieces into lines; for readers that are told when bytes are there."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._waiting_bytes = 0

    def feed(self, data: bytes) -> list[bytes]:
        """The lines that are complete now, without their newlines."""
        *lines, rest = data.split(b"\n")
        if lines:
            lines[0] = b"".join([*self._pieces, lines[0]])
            self._pieces, self._waiting_bytes = [], 0
        if rest:
            self._pieces.append(rest)
            self._waiting_bytes += len(rest)
        if self._waiting_bytes > MAX_LINE_BYTES:
            raise ProtocolError(f"a line is longer than {MAX_LINE_BYTES} bytes")
        return lines


class MessageWriter:
    """Sends messages from any thread without ever waiting for the pipe.

    Sequence numbers are given here, in the order in which the lines leave.
    """

    def __init__(self, stream: IO[bytes], *, name: str, on_broken: Callable[[], None] = lambda: None) -> None:
        """Start the writer thread; `on_broken` is called once, on it, when the other side is gone."""
        self._stream = stream
        self._on_broken = on_broken
        self._waiting: deque[Message] = deque()
        self._changed = threading.Condition()
        self._closing = False
        self._thread = threading.Thread(target=self._run, name=f"{name}-writer", daemon=True)
        self._thread.start()

    def send(self, message: Message) -> None:
        """Queue a message; text of one kind and progress of one request merge with what still waits."""
        with self._changed:
            if self._closing:
                return
            if self._merge_with_waiting(message):
                return
            if len(self._waiting) >= MAX_WAITING_MESSAGES:
                self._closing = True
                self._waiting.clear()
            else:
                self._waiting.append(message)
            self._changed.notify()

    def close(self, timeout_s: float = 2.0) -> None:
        """Send what waits, then close the pipe; a reader that no longer reads is given up."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        if threading.current_thread() is not self._thread:
            self._thread.join(timeout_s)

    def _merge_with_waiting(self, message: Message) -> bool:
        """Merge with the newest waiting message of the same request, if the two can be one."""
        if not isinstance(message, Mergeable):
            return False
        for index in range(len(self._waiting) - 1, -1, -1):
            waiting = self._waiting[index]
            if getattr(waiting, "request_id", None) == message.request_id:
                merged = _merge(waiting, message)
                if merged is not None:
                    self._waiting[index] = merged
                return merged is not None
        return False

    def _run(self) -> None:
        sequence = 0
        try:
            while messages := self._take_waiting():
                for message in messages:
                    if not isinstance(message, Hello) and hasattr(message, "sequence"):
                        sequence += 1
                        message = msgspec.structs.replace(message, sequence=sequence)  # noqa: PLW2901
                    self._stream.write(encode(message))
                self._stream.flush()  # once for all that had gathered: the reader wakes once
            self._stream.close()
        except (OSError, ValueError):  # the pipe broke, or was closed under our hands
            with self._changed:
                self._closing = True
                self._waiting.clear()
            with contextlib.suppress(OSError, ValueError):
                self._stream.close()
            self._on_broken()

    def _take_waiting(self) -> list[Message]:
        """What waits, up to as many as are quickly written: those behind them may still merge."""
        with self._changed:
            while not self._waiting and not self._closing:
                self._changed.wait()
            return [self._waiting.popleft() for _ in range(min(len(self._waiting), WRITTEN_TOGETHER))]


def _merge(waiting: Message, new: Mergeable) -> Message | None:
    """One message that says what both of a request say, or None where they have to stay apart."""
    if isinstance(new, _Newest):
        return new if type(waiting) is type(new) else None
    if (
        isinstance(waiting, TextEvent | ReasoningEvent)
        and type(waiting) is type(new)
        and waiting.generation == new.generation
    ):
        text, logprobs = waiting.text + new.text, waiting.logprobs + new.logprobs
        return msgspec.structs.replace(waiting, text=text, logprobs=logprobs)
    return None


def take_stdout() -> IO[bytes]:
    """Keep a private copy of stdout for the wire and point fd 1 at stderr.

    From here on whatever native code prints lands in the log and cannot damage a line.
    """
    sys.stdout.flush()
    private = os.dup(1)
    os.set_inheritable(private, False)
    os.dup2(2, 1)
    return os.fdopen(private, "wb")


def hello(process: Literal["host", "worker", "gateway"]) -> Hello:
    """This process's first line."""
    return Hello(
        process=process,
        protocol=PROTOCOL_VERSION,
        fingerprint=engine_fingerprint(),
        pid=os.getpid(),
    )


def check_hello(message: Message) -> Hello:
    """The first message of the other side, if it is a Hello of the same protocol and code."""
    if not isinstance(message, Hello):
        raise ProtocolError(f"the first line is {type(message).__name__}, not Hello")
    if (message.protocol, message.fingerprint) != (PROTOCOL_VERSION, engine_fingerprint()):
        raise ProtocolError(
            f"the {message.process} speaks protocol {message.protocol} of {message.fingerprint}, "
            f"this side {PROTOCOL_VERSION} of {engine_fingerprint()}"
        )
    return message
