"""Searches for models' fastest settings: a process for the one that runs, and what earlier ones found."""

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from msgspec import structs

from engine.contract.errors import EngineError, InvalidRequest, ProtocolError, WorkerDied
from engine.contract.messages import ErrorEvent, Event, FinishedEvent
from engine.contract.packs import WRAPPER_VERSION
from engine.contract.paths import Paths
from engine.contract.processes import child_command
from engine.contract.tuning_messages import TuneDone, TunedRequest, TunedTold, TuneProgress, TuneRequest
from engine.hardware.drivers import driver_versions
from engine.hardware.memory import usable_processors
from engine.host.asides import Asides, Post
from engine.host.child_process import ChildProcess
from engine.host.gpu_probe import gpus
from engine.host.stderr_tail import find_assertion
from engine.host.worker_process import WorkerLibrary, worker_environment
from engine.host.workers import Workers
from engine.library.places import ModelPlace
from engine.library.tuned_records import TunedRecords, devices_of, engine_build


class TuningDesk:
    """For the host's deciding thread."""

    def __init__(
        self,
        paths: Paths,
        emit: Callable[[Event], None],
        post: Post,
        asides: Asides,
        *,
        library: Callable[[], WorkerLibrary | None],
        echo_stderr: bool,
    ) -> None:
        """Nothing runs yet; `library` tells what workers run on."""
        self._emit, self._post, self._asides = emit, post, asides
        self._library, self._echo_stderr = library, echo_stderr
        self._records = TunedRecords(paths.tuned)
        self._folders = paths.job_files
        self._request: TuneRequest | None = None  # the one that runs
        self._process: ChildProcess | None = None
        self._folder = Path()
        self._last: TuneDone | ErrorEvent | None = None  # held until its process is gone

    def ask(self, request: TuneRequest | TunedRequest, place: ModelPlace | None, workers: Workers) -> None:
        """Begin a search or tell of earlier ones; raises InvalidRequest, ModelError.

        A search wants all of the computer: no model may be answering, and those in memory are unloaded.
        """
        if place is None:
            raise InvalidRequest(f"{request.model} has no file to tune")
        if isinstance(request, TunedRequest):
            self._tell(request, place.path)
            return
        if any(worker.phase != "ready" for worker in workers.status()):
            raise InvalidRequest("a model is answering or being loaded; measure once it has ended")
        self._begin(request, place)
        workers.unload_all()

    def _begin(self, request: TuneRequest, place: ModelPlace) -> None:
        """Start the process of a search."""
        if self._request is not None:
            raise InvalidRequest("another search for settings is running; wait for its end")
        place.check()
        self._folders.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._folder = Path(tempfile.mkdtemp(prefix="tuning-", dir=self._folders))
        self._request, self._last = request, None
        process = self._process = ChildProcess(
            "tuning",
            child_command("engine.tuning", "--folder", str(self._folder)),
            worker_environment(),
            echo_stderr=self._echo_stderr,
            on_event=lambda event: self._post(lambda: self._on_event(event)),
            on_end=lambda status, tail, problem: self._post(
                lambda: self._on_end(problem or WorkerDied(status, find_assertion(tail), tail))
            ),
        )
        process.send(structs.replace(request, model=str(place.path)))

    def cancel(self, request_id: str) -> None:
        """Kill a search; it ends as cancelled, and nothing of it is kept."""
        if self._request is not None and self._request.request_id == request_id and self._last is None:
            self._take_process()
            self._emit(FinishedEvent(request_id=request_id, reason="cancelled"))

    def _tell(self, request: TunedRequest, model: Path) -> None:
        """Answer what was found of a model before, and whether it still holds."""

        def work() -> Callable[[], None]:
            library = self._library()
            llama = f"{WRAPPER_VERSION} with {library.pack}" if library is not None else WRAPPER_VERSION
            devices = devices_of(gpus(library), usable_processors(), driver_versions())
            try:
                found = self._records.of(model, devices, engine_build("llama", llama))
            except OSError:  # the file is gone meanwhile
                found = None
            stale = ""
            if found is not None:
                backend = found.engine_build.partition(" ")[0]
                stale = found.stale_because(devices, engine_build(backend, llama))
            return lambda: self._emit(
                TunedTold(
                    request_id=request.request_id, model=request.model, tuned=found, stale_because=stale
                )
            )

        self._asides.start("tuned", work)

    def close(self) -> None:
        """Kill the search that runs."""
        if self._request is not None:
            self._take_process()

    def _take_process(self) -> None:
        """End the process and what it leaves."""
        process, self._process, self._request = self._process, None, None
        if process is not None:
            process.kill()
            process.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _on_event(self, event: Event) -> None:
        if self._request is None or event.request_id != self._request.request_id:
            return
        if isinstance(event, TuneDone | ErrorEvent):
            self._last = event
        elif isinstance(event, TuneProgress):
            self._emit(event)

    def _on_end(self, error: EngineError | ProtocolError) -> None:
        request, last = self._request, self._last
        if request is None:  # ended by us
            return
        self._take_process()
        self._emit(
            last
            or ErrorEvent(
                request_id=request.request_id, code=error.code, message=error.message, details=error.details
            )
        )
