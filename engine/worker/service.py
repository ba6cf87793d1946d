"""What a worker does with its requests: load, describe, and answer, several at a time.

One thread does it all: between two steps of the scheduler it takes what has arrived.
"""

import logging
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import IO

from msgspec import structs

from engine.backends.choose import load_backend
from engine.contract.errors import EngineError, InternalError, InvalidRequest
from engine.contract.messages import (
    AnswerNowRequest,
    DescribeRequest,
    EngineDescription,
    ErrorEvent,
    Event,
    FinishedEvent,
    ForgetRequest,
    LoadProgress,
    LoadRequest,
    ModelLoaded,
)
from engine.contract.model_info import LoadedModel
from engine.contract.pack_messages import ProbeRequest, ProbeTold
from engine.contract.paths import Paths
from engine.contract.wire import MessageWriter
from engine.generation.backend import Backend, DecodeCancelled
from engine.generation.kept_states import KeptStates, model_key
from engine.generation.prefix_cache import PrefixCache
from engine.generation.scheduler import Generated, Scheduler
from engine.generation.sequence import Sequence
from engine.hardware.memory import available_bytes
from engine.library.backend_choice import FAKE
from engine.worker.answer import Answer
from engine.worker.inbox import Inbox, Work
from engine.worker.pacing import TextPacing
from engine.worker.template_child import TemplateChild

PROGRESS_INTERVAL_S = 0.05
PARKING_SHARE = 0.25  # of the memory that is free after loading, for conversations that left the KV cache
KEEP_AFTER_S = 10.0  # without a request: then conversations' states go to the disk
KEEP_AT_END_S = 1.0  # what was not kept by then is read again another time

log = logging.getLogger("retort.worker")


class WorkerService:
    """One model and the requests it answers."""

    def __init__(self, writer: MessageWriter, *, generation: int) -> None:
        """Nothing is loaded yet."""
        self._writer = writer
        self._generation = generation
        self._backend: Backend | None = None
        self._scheduler: Scheduler | None = None
        self._cache: PrefixCache | None = None
        self._keep_at_s: float | None = None  # when to keep what has changed; None where nothing has
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
                elif self._patience_s == 0:
                    self._keep_one()
        finally:
            self._templates.close()
            self._close_model()

    def _close_model(self) -> None:
        if self._cache is not None:
            deadline = time.monotonic() + KEEP_AT_END_S
            while self._keep_at_s is not None and time.monotonic() < deadline:
                self._keep_one()
            self._cache.close()
        if self._backend is not None:
            self._backend.close()

    @property
    def _is_answering(self) -> bool:
        return self._scheduler is not None and self._scheduler.has_work

    @property
    def _patience_s(self) -> float | None:
        """How long to wait for a request before something else is to be done; None for ever."""
        if self._is_answering:
            return 0
        return None if self._keep_at_s is None else max(0, self._keep_at_s - time.monotonic())

    def _keep_one(self) -> None:
        """Keep the state of one conversation; between two of them requests are looked for."""
        if self._cache is None or not self._cache.keep_one():
            self._keep_at_s = None

    def _take_requests(self) -> None:
        """Begin with everything that has arrived; wait for something where there is nothing else to do."""
        while (request := self._inbox.take(self._patience_s)) is not None:
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
        elif isinstance(request, ProbeRequest):
            self._probe(request)
        elif isinstance(request, AnswerNowRequest):
            for answer in self._answers.values():
                if answer.request_id == request.request_id:
                    answer.end_reasoning()
        elif isinstance(request, ForgetRequest):
            if self._cache is not None:
                self._cache.forget(request.conversation_id)
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
        self._pacing.send_due()

    def _finish(self, sequence: Sequence) -> None:
        """Say how an answer ended."""
        self._keep_at_s = time.monotonic() + KEEP_AFTER_S
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

        if request.model.partition(":")[0] != FAKE:
            self._templates.start()  # while the model loads; the first answer would wait for it
        self._backend = load_backend(
            request.model, request.load, progress, lambda: self._inbox.is_cancelled(request.request_id)
        )
        loaded = self._backend.loaded
        parking_bytes = int(PARKING_SHARE * available_bytes())
        kept = _kept_states(loaded, request.prefix_cache_mib)
        self._cache = PrefixCache(self._backend, parking_bytes=parking_bytes, kept=kept)
        inbox = self._inbox
        self._scheduler = Scheduler(self._backend, self._cache, has_arrivals=lambda: inbox.has_waiting)
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
                memory=native.device_memory(),
                modules=native.modules,
            )
        )

    def _probe(self, request: ProbeRequest) -> None:
        from engine.backends.llama.probe import native_facts  # noqa: PLC0415  (llama_cpp is heavy)

        facts = native_facts(Path(request.model), request.tokens)
        self._send(ProbeTold(request_id=request.request_id, facts=facts))

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


def _kept_states(loaded: LoadedModel, limit_mib: int) -> KeptStates | None:
    """What the disk holds of a model's conversations; None where nothing is to be kept."""
    if not limit_mib:
        return None
    key = model_key(
        (
            loaded.backend,
            loaded.backend_version,
            loaded.device,
            loaded.kv_bytes_per_token,
            loaded.weights_bytes,
            loaded.info.architecture,
            loaded.info.size_bytes,
            loaded.info.vocabulary_size,
        ),
        Path(loaded.info.path) if loaded.backend != "fake" else None,
    )
    return KeptStates(Paths.from_environment().prefix_cache, key, limit_bytes=limit_mib * 2**20)
