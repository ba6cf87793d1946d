"""What the host knows of one model: its worker, what it is asked, and how often its worker has died."""

import time
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path

from engine.contract.errors import EngineError
from engine.contract.messages import DescribeRequest, GenerateRequest, LoadRequest
from engine.contract.model_info import LoadedModel, MemoryReading, WorkerStatus
from engine.contract.params import LoadParams
from engine.hardware.fit_ledger import Forecast
from engine.hardware.memory import available_bytes, private_bytes, resident_bytes
from engine.host.pulse import Pulse
from engine.host.worker_process import WorkerLibrary, WorkerProcess

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
    library: WorkerLibrary | None = None  # that the worker runs on; None is the built-in one
    loaded: LoadedModel | None = None
    loading_id: str = ""  # the request whose id the load carries
    waiting: list[GenerateRequest | LoadRequest] = field(default_factory=list)  # until it is loaded
    in_flight: dict[str, GenerateRequest | DescribeRequest] = field(default_factory=dict)
    deaths: deque[float] = field(default_factory=deque)  # monotonic seconds
    needed_bytes: int = 0  # that room was made for
    prefix_cache_mib: int = 0  # of the disk, for what its workers keep of conversations
    forecast: Forecast | None = None  # by which it is loaded
    packages: Path | None = None  # of a component that its worker imports from
    tried: tuple[LoadParams, ...] = ()  # placements with which it did not load
    memory_before: MemoryReading | None = None  # the load began
    used_at: float = 0.0  # monotonic seconds of the last thing that ended here
    pulse: Pulse = field(default_factory=Pulse)
    kill_reason: EngineError | None = None  # why the host killed the worker, where it did

    @property
    def is_idle(self) -> bool:
        """Nobody waits for anything of it."""
        return not self.waiting and not self.in_flight and not self.loading_id

    @property
    def private_bytes(self) -> int:
        """Memory that the worker has taken for itself."""
        return private_bytes(self.worker.pid) if self.worker is not None else 0

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
        return self.recent_deaths() > MAX_RESTARTS

    def recent_deaths(self) -> int:
        """Deaths within the window."""
        while self.deaths and time.monotonic() - self.deaths[0] > RESTART_WINDOW_S:
            self.deaths.popleft()
        return len(self.deaths)

    def read_memory(self) -> MemoryReading:
        """Memory as it is now."""
        worker_bytes = resident_bytes(self.worker.pid) if self.worker is not None else 0
        return MemoryReading(available_bytes=available_bytes(), worker_bytes=worker_bytes)

    def status(self) -> WorkerStatus:
        """The slot of a worker as it is now."""
        assert self.worker is not None
        is_idle = self.is_idle
        return WorkerStatus(
            model=self.name,
            phase="loading" if self.loading_id else "ready" if is_idle else "answering",
            pid=self.worker.pid,
            memory_bytes=resident_bytes(self.worker.pid),
            idle_s=time.monotonic() - self.used_at if is_idle else 0.0,
            call_s=0.0 if is_idle else self.pulse.call_s,
            restarts=self.recent_deaths(),
            loaded=self.loaded,
        )
