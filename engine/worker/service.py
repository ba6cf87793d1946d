"""What a worker does with its requests: load, answer, describe; one after the other."""

import logging
import time
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
    GenerateRequest,
    LoadProgress,
    LoadRequest,
    ModelLoaded,
    answer_event,
)
from engine.contract.wire import MessageWriter
from engine.generation.backend import Backend, DecodeCancelled
from engine.generation.prefix_cache import PrefixCache
from engine.worker.answer import Answer
from engine.worker.inbox import Inbox, Work
from engine.worker.template_child import TemplateChild

PROGRESS_INTERVAL_S = 0.05

log = logging.getLogger("retort.worker")


class WorkerService:
    """One model, one request at a time."""

    def __init__(self, writer: MessageWriter, *, generation: int) -> None:
        """Nothing is loaded yet."""
        self._writer = writer
        self._generation = generation
        self._backend: Backend | None = None
        self._prefix_cache = PrefixCache()
        self._templates = TemplateChild()

    def run(self, stream: IO[bytes]) -> None:
        """Answer requests until the pipe ends; no failure of one request ends the process."""
        inbox = Inbox(stream)
        try:
            while (request := inbox.take()) is not None:
                if isinstance(request, EngineError):
                    self._send_error("", request)
                    continue
                try:
                    self._handle(request, inbox)
                except EngineError as error:
                    self._send_error(request.request_id, error)
                except DecodeCancelled:
                    self._send(FinishedEvent(request_id=request.request_id, reason="cancelled"))
                except Exception as error:  # the process edge: logged and reported
                    log.exception("request failed")
                    self._send_error(request.request_id, InternalError(f"{type(error).__name__}: {error}"))
                inbox.forget(request.request_id)
        finally:
            self._templates.close()
            if self._backend is not None:
                self._backend.close()

    def _handle(self, request: Work, inbox: Inbox) -> None:
        if isinstance(request, LoadRequest):
            self._load(request, inbox)
        elif isinstance(request, GenerateRequest):
            self._generate(request, inbox)
        else:
            self._describe(request)

    def _load(self, request: LoadRequest, inbox: Inbox) -> None:
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
            request.model, request.load, progress, lambda: inbox.is_cancelled(request.request_id)
        )
        loaded = self._backend.loaded
        self._send(ModelLoaded(request_id=request.request_id, model=request.model, loaded=loaded))

    def _generate(self, request: GenerateRequest, inbox: Inbox) -> None:
        if self._backend is None:
            raise InvalidRequest("this worker has no model yet")
        answer = Answer(self._backend, self._prefix_cache, self._templates, request)
        for part in answer.parts(lambda: inbox.is_cancelled(request.request_id)):
            self._send(answer_event(request.request_id, part))
        self._send(answer.finished())

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

    def _send_error(self, request_id: str, error: EngineError) -> None:
        self._send(
            ErrorEvent(request_id=request_id, code=error.code, message=error.message, details=error.details)
        )

    def _send(self, event: Event) -> None:
        self._writer.send(structs.replace(event, generation=self._generation))
