"""What a worker does with its requests: load, describe, and answer, several at a time.

One thread does it all: between two steps of the scheduler it takes what has arrived.
"""

import logging
import time
from collections.abc import Callable
from functools import partial
from typing import IO

from msgspec import structs

from engine.backends.choose import load_backend
from engine.contract.errors import EngineError, InternalError, InvalidRequest
from engine.contract.messages import (
    DescribeRequest,
    EngineDescription,
    ErrorEvent,
    Event,
    FinishedEvent,
    LoadProgress,
    LoadRequest,
    ModelLoaded,
)
from engine.contract.wire import MessageWriter
from engine.generation.backend import Backend, DecodeCancelled
from engine.generation.prefix_cache import PrefixCache
from engine.generation.scheduler import Generated, Scheduler
from engine.generation.sequence import Sequence
from engine.hardware.memory import available_bytes
from engine.worker.answer import Answer
from engine.worker.inbox import Inbox, Work
from engine.worker.pacing import TextPacing
from engine.worker.template_child import TemplateChild

PROGRESS_INTERVAL_S = 0.05
PARKING_SHARE = 0.25  # of the memory that is free after loading, for conversations that left the KV cache

log = logging.getLogger("retort.worker")


class WorkerService:
    """One model and the requests it answers."""

    def __init__(self, writer: MessageWriter, *, generation: int) -> None:
        """Nothing is loaded yet."""
        self._writer = writer
        self._generation = generation
        self._backend: Backend | None = None
        self._scheduler: Scheduler | None = None
        self._answers: dict[Sequence, Answer] = {}
        self._templates = TemplateChild()
        self._pacing = TextPacing(self._send)

    def run(self, stream: IO[bytes]) -> None:
        """Answer requests until the pipe ends; no failure of one request ends the process."""
        self._inbox = Inbox(stream)
        try:
            while not self._inbox.has_ended:
                self._take_requests()
                if self._is_answering:
                    self._step()
        finally:
            self._templates.close()
            if self._backend is not None:
                self._backend.close()

    @property
    def _is_answering(self) -> bool:
        return self._scheduler is not None and self._scheduler.has_work

    def _take_requests(self) -> None:
        """Begin with everything that has arrived; wait for something where there is nothing else to do."""
        while (request := self._inbox.take(wait=not self._is_answering)) is not None:
            if isinstance(request, EngineError):
                self._send_error("", request)
            else:
                self._try(request.request_id, partial(self._begin, request))

    def _begin(self, request: Work) -> None:
        """Do a request, or what of it can be done at once."""
        if isinstance(request, LoadRequest):
            self._load(request)
        elif isinstance(request, DescribeRequest):
            self._describe(request)
        elif self._backend is None or self._scheduler is None:
            raise InvalidRequest("this worker has no model yet")
        else:
            request_id = request.request_id
            answer = Answer(
                self._backend, self._templates, request, lambda: self._inbox.is_cancelled(request_id)
            )
            self._answers[answer.sequence] = answer
            self._scheduler.add(answer.sequence)

    def _step(self) -> None:
        """One batch of the scheduler, and what it means to those who asked."""
        assert self._scheduler is not None
        result = self._scheduler.step()
        self._pacing.send_due()
        for generated in result.generated:
            sequence = generated.sequence
            answer = self._answers.get(sequence)
            if answer is None:  # it ended at an earlier token of this step
                continue
            if not self._try(answer.request_id, partial(self._read, answer, generated)):
                del self._answers[sequence]
                self._scheduler.finish(sequence, "cancelled")
            elif answer.stopped:
                self._scheduler.finish(sequence, "stop")
                self._finish(sequence)
        for sequence in result.ended:
            if sequence in self._answers:
                self._finish(sequence)

    def _finish(self, sequence: Sequence) -> None:
        """Say how an answer ended."""
        answer = self._answers.pop(sequence)
        if self._try(answer.request_id, partial(self._close, answer)):
            self._forget(answer.request_id)

    def _load(self, request: LoadRequest) -> None:
        if self._backend is not None:
            raise InvalidRequest("this worker has a model already")
        last_sent = 0.0

        def progress(fraction: float) -> None:
            nonlocal last_sent
            now = time.monotonic()
            if fraction >= 1 or now - last_sent >= PROGRESS_INTERVAL_S:
                last_sent = now
                self._send(
                    LoadProgress(request_id=request.request_id, model=request.model, fraction=fraction)
                )

        self._backend = load_backend(
            request.model, request.load, progress, lambda: self._inbox.is_cancelled(request.request_id)
        )
        cache = PrefixCache(self._backend, parking_bytes=int(PARKING_SHARE * available_bytes()))
        self._scheduler = Scheduler(self._backend, cache)
        loaded = self._backend.loaded
        self._send(ModelLoaded(request_id=request.request_id, model=request.model, loaded=loaded))

    def _describe(self, request: DescribeRequest) -> None:
        from engine.backends.llama.native import load_native  # noqa: PLC0415  (llama_cpp is heavy)

        native = load_native()
        self._send(
            EngineDescription(
                request_id=request.request_id,
                backend="llama",
                version=native.version,
                system=native.system_info(),
                devices=native.devices(),
            )
        )

    def _try(self, request_id: str, action: Callable[[], None]) -> bool:
        """The edge of a request: a fault ends this one, is reported, and disturbs no other."""
        try:
            action()
        except DecodeCancelled:
            self._pacing.send(FinishedEvent(request_id=request_id, reason="cancelled"))
        except EngineError as error:
            self._send_error(request_id, error)
        except Exception as error:
            log.exception("request failed")
            self._send_error(request_id, InternalError(f"{type(error).__name__}: {error}"))
        else:
            return True
        self._forget(request_id)
        return False

    def _forget(self, request_id: str) -> None:
        self._pacing.forget(request_id)
        self._inbox.forget(request_id)

    def _read(self, answer: Answer, generated: Generated) -> None:
        for event in answer.take(generated):
            self._pacing.send(event)

    def _close(self, answer: Answer) -> None:
        for event in answer.finish():
            self._pacing.send(event)

    def _send_error(self, request_id: str, error: EngineError) -> None:
        self._pacing.send(
            ErrorEvent(request_id=request_id, code=error.code, message=error.message, details=error.details)
        )

    def _send(self, event: Event) -> None:
        self._writer.send(structs.replace(event, generation=self._generation))
