"""What the host knows of one model: its worker, what it is asked, and how often its worker has died."""

import time
from collections import deque
from dataclasses import dataclass, field

from engine.contract.messages import GenerateRequest, LoadRequest
from engine.contract.model_info import LoadedModel
from engine.contract.params import LoadParams
from engine.host.worker_process import WorkerProcess

MAX_RESTARTS = 3
RESTART_WINDOW_S = 300.0


@dataclass(frozen=True, slots=True)
class ModelKey:
    """A model file loaded one way. Two ways of loading are two models in memory."""

    model: str  # as the worker takes it: a path, or `fake…`
    load: LoadParams


@dataclass(slots=True)
class WorkerSlot:
    """One model's worker, present or to come."""

    key: ModelKey
    name: str  # as the user named the model
    worker: WorkerProcess | None = None
    loaded: LoadedModel | None = None
    loading_id: str = ""  # the request whose id the load carries
    waiting: list[GenerateRequest | LoadRequest] = field(default_factory=list)  # until it is loaded
    in_flight: dict[str, GenerateRequest] = field(default_factory=dict)
    deaths: deque[float] = field(default_factory=deque)  # monotonic seconds

    @property
    def is_idle(self) -> bool:
        """Nobody waits for anything of it."""
        return not self.waiting and not self.in_flight

    def holds(self, request_id: str) -> bool:
        """Whether this request is in its hands."""
        return request_id in self.in_flight or any(r.request_id == request_id for r in self.waiting)

    def take_all(self) -> list[str]:
        """Give up every request; returns their ids."""
        ids = [request.request_id for request in self.waiting] + list(self.in_flight)
        self.waiting.clear()
        self.in_flight.clear()
        return ids

    def note_death(self) -> None:
        """Count a death."""
        self.deaths.append(time.monotonic())

    def died_too_often(self) -> bool:
        """Whether another restart by itself would be one too many within the window."""
        while self.deaths and time.monotonic() - self.deaths[0] > RESTART_WINDOW_S:
            self.deaths.popleft()
        return len(self.deaths) > MAX_RESTARTS
