"""A real engine host whose events a test can wait for."""

import contextlib
import queue
import time
from collections.abc import Callable

import psutil

from engine.contract.messages import (
    ErrorEvent,
    Event,
    FinishedEvent,
    GenerateRequest,
    Request,
    TextEvent,
    TokenLogprob,
)
from engine.contract.params import GenerationLimits, LoadParams, SamplingParams
from engine.contract.paths import Paths
from engine.host.pace import Pace
from engine.host.router import EngineHost

WAIT_S = 60.0


class HostRecorder:
    """Starts a host and keeps everything it emits, in order."""

    def __init__(self, pace: Pace | None = None, *, keeps_jobs: bool = False) -> None:
        self._queue: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self.events: list[Event] = []
        self.host = EngineHost(
            self._queue.put, Paths.from_environment(), echo_stderr=False, pace=pace, keeps_jobs=keeps_jobs
        )

    def submit(self, request: Request) -> None:
        self.host.submit(request)

    def ask(
        self,
        request_id: str,
        model: str,
        prompt: str = "Once upon a time",
        *,
        max_tokens: int | None = None,
        load: LoadParams | None = None,
        temperature: float = 0.0,
        conversation_id: str = "",
        logprobs: int | None = None,
    ) -> None:
        self.host.submit(
            GenerateRequest(
                request_id=request_id,
                model=model,
                load=load or LoadParams(),
                conversation_id=conversation_id,
                logprobs=logprobs,
                prompt=prompt,
                sampling=SamplingParams(temperature=temperature),
                limits=GenerationLimits(max_tokens=max_tokens),
            )
        )

    def wait_for(self, matches: Callable[[Event], bool]) -> Event:
        """The first event, of those already seen or to come, for which `matches` holds."""
        for event in self.events:
            if matches(event):
                return event
        deadline = time.monotonic() + WAIT_S
        while (left_s := deadline - time.monotonic()) > 0:
            event = self._queue.get(timeout=left_s)
            self.events.append(event)
            if matches(event):
                return event
        raise TimeoutError

    def end_of(self, request_id: str) -> FinishedEvent | ErrorEvent:
        event = self.wait_for(
            lambda e: isinstance(e, FinishedEvent | ErrorEvent) and e.request_id == request_id
        )
        assert isinstance(event, FinishedEvent | ErrorEvent)
        return event

    def finished(self, request_id: str) -> FinishedEvent:
        event = self.end_of(request_id)
        assert isinstance(event, FinishedEvent), event
        return event

    def first_text_of(self, request_id: str) -> None:
        self.wait_for(lambda e: isinstance(e, TextEvent) and e.request_id == request_id)

    def text_of(self, request_id: str) -> str:
        texts = (e.text for e in self.events if isinstance(e, TextEvent) and e.request_id == request_id)
        return "".join(texts)

    def logprobs_of(self, request_id: str) -> list[TokenLogprob]:
        texts = (e for e in self.events if isinstance(e, TextEvent) and e.request_id == request_id)
        return [logprob for event in texts for logprob in event.logprobs]

    def close(self) -> None:
        self.host.close()


def worker_processes(host: psutil.Process | None = None) -> list[psutil.Process]:
    """The worker processes below this one, or below another host, that have not ended."""
    found = []
    for child in (host or psutil.Process()).children():
        with contextlib.suppress(psutil.NoSuchProcess):  # ended while we looked, a zombie included
            if "engine.worker" in child.cmdline():
                found.append(child)
    return found


def wait_until_no_worker_is_left() -> None:
    """Raises TimeoutError where one stays."""
    deadline = time.monotonic() + WAIT_S
    while worker_processes():
        if time.monotonic() > deadline:
            raise TimeoutError
        time.sleep(0.01)
