"""Watches that models stay as fast as they were, and says so where one does not.

On a GPU a driver or an update can leave a model on the CPU without any error: after such a load a probe of a
few tokens is run, while nobody asks for anything. On CPUs only real answers are looked at, and three of them,
since other programs slow one down. Everything is called on the host's deciding thread.
"""

import logging
import statistics
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from filelock import Timeout
from msgspec.structs import replace

from engine.contract.errors import StorageFailed
from engine.contract.messages import (
    CancelRequest,
    ErrorEvent,
    Event,
    FinishedEvent,
    GenerateRequest,
    ModelLoaded,
    Request,
)
from engine.contract.params import GenerationLimits, LoadParams, SamplingParams
from engine.contract.tuning_messages import SpeedNotice
from engine.host.asides import Asides, Post
from engine.host.good_speeds import Circumstances, GoodSpeed, GoodSpeeds, circumstances_of

CLEARLY_SLOWER = 0.6  # times the good speed
LEAST_TOKENS = 16  # of an answer that tells something
ANSWERS_ON_CPU = 3
PROBE_TOKENS = 24
PROBE_PREFIX = "speed-probe-"
PROBE_PROMPT = "A ferry left the island in the morning, and on its deck"

log = logging.getLogger("retort.host")


@dataclass(slots=True)
class _Watched:
    """One model loaded one way."""

    path: Path
    load: LoadParams
    speeds: list[float] = field(default_factory=list)  # of its newest answers


class SpeedWatch:
    """Sees every load and answer pass."""

    def __init__(
        self,
        speeds: GoodSpeeds,
        *,
        emit: Callable[[Event], None],
        submit: Callable[[Request], None],
        is_idle: Callable[[], bool],
        post: Post,
        asides: Asides,
    ) -> None:
        """`submit` asks the host itself; `is_idle` tells whether no worker has anything to do."""
        self._speeds, self._emit, self._submit = speeds, emit, submit
        self._is_idle, self._post, self._asides = is_idle, post, asides
        self._asked: dict[str, tuple[Path, LoadParams]] = {}  # by request
        self._watched: dict[tuple[Path, LoadParams], _Watched] = {}
        self._probe = ""  # the one that runs
        self._num_probes = 0

    def note_asked(self, request_id: str, path: Path, load: LoadParams) -> None:
        """Somebody asks for a model, loaded this way; a probe makes way for it."""
        self._asked[request_id] = (path, load)
        if self._probe and request_id != self._probe:
            self._submit(CancelRequest(request_id=self._probe))

    def see(self, event: Event) -> bool:
        """Look at an event of a worker; true where it belongs to a probe and concerns nobody else."""
        if isinstance(event, ModelLoaded) and event.request_id in self._asked:
            if event.memory is not None:
                self._see_load(event, *self._asked[event.request_id])
            if event.memory is None:  # it was there already
                self._asked.pop(event.request_id)
        elif isinstance(event, FinishedEvent):
            asked = self._asked.pop(event.request_id, None)
            if asked is not None:
                self._see_answer(event, *asked)
        elif isinstance(event, ErrorEvent):
            self._asked.pop(event.request_id, None)
        is_ours = event.request_id.startswith(PROBE_PREFIX)
        if is_ours and isinstance(event, FinishedEvent | ErrorEvent):
            self._probe = ""
        return is_ours

    def _see_load(self, event: ModelLoaded, path: Path, load: LoadParams) -> None:
        self._watched[path, load] = _Watched(path, load)
        now, known = circumstances_of(event.loaded, load), self._speeds.of(path)
        if now.on_gpu:
            self._post(lambda: self._start_probe(path, load))
        elif known is not None and known.circumstances.on_gpu:
            self._say(path, event.loaded.info.name, known, now, decode_tps=0.0)

    def _start_probe(self, path: Path, load: LoadParams) -> None:
        if self._probe or not self._is_idle():
            return
        self._num_probes += 1
        self._probe = f"{PROBE_PREFIX}{self._num_probes}"
        self._submit(
            GenerateRequest(
                request_id=self._probe,
                model=str(path),
                load=load,
                prompt=PROBE_PROMPT,
                sampling=SamplingParams(temperature=0),
                limits=GenerationLimits(max_tokens=PROBE_TOKENS),
            )
        )

    def _see_answer(self, event: FinishedEvent, path: Path, load: LoadParams) -> None:
        usage, loaded = event.usage, event.loaded
        if loaded is None or usage.completion_tokens < LEAST_TOKENS or not usage.decode_tps:
            return
        now = circumstances_of(loaded, load)
        watched = self._watched.setdefault((path, load), _Watched(path, load))
        watched.speeds = [*watched.speeds, usage.decode_tps][-ANSWERS_ON_CPU:]
        if len(watched.speeds) < (1 if now.on_gpu else ANSWERS_ON_CPU):
            return
        decode_tps, known = statistics.median(watched.speeds), self._speeds.of(path)
        if known is None or decode_tps >= CLEARLY_SLOWER * known.decode_tps:
            self._keep_good(path, known, now, decode_tps)
        else:
            self._say(path, loaded.info.name, known, now, decode_tps)

    def _keep_good(self, path: Path, known: GoodSpeed | None, now: Circumstances, decode_tps: float) -> None:
        """The good figure follows slowly downwards, so that many small losses add up to a notice."""
        if known is not None and known.circumstances == now:
            decode_tps = max(decode_tps, 0.5 * (decode_tps + known.decode_tps))
            if abs(decode_tps / known.decode_tps - 1) < 0.02:
                return  # not worth a write
        status = path.stat()
        self._keep(
            path,
            GoodSpeed(
                size_bytes=status.st_size,
                mtime_ns=status.st_mtime_ns,
                decode_tps=decode_tps,
                circumstances=now,
            ),
        )

    def _say(self, path: Path, name: str, known: GoodSpeed, now: Circumstances, decode_tps: float) -> None:
        changes = known.circumstances.changes_to(now)
        if known.told == now or not (changes or now.on_gpu):
            return  # it was said once; or other programs slow the CPU down, which is no news
        self._keep(path, replace(known, told=now))
        self._emit(
            SpeedNotice(
                request_id="",
                model=name,
                left_gpu=known.circumstances.on_gpu and not now.on_gpu,
                good_tps=known.decode_tps,
                decode_tps=decode_tps,
                changes=changes,
            )
        )

    def _keep(self, path: Path, speed: GoodSpeed) -> None:
        def work() -> Callable[[], None]:
            try:
                self._speeds.keep(path, speed)
            except (StorageFailed, OSError, Timeout) as error:
                log.warning("the speed of %s could not be kept: %s", path, error)
            return lambda: None

        self._asides.start("good-speed", work)
