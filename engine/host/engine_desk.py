"""Which library workers run on: installs packs, probes them, chooses, and goes back where one fails.

Requests come and go on the host's deciding thread; what reads files or starts processes is done aside, one
thing at a time. Whoever starts a worker asks `library`, which never answers a pack that was not probed as it
is now.
"""

import contextlib
import logging
from collections.abc import Callable
from functools import partial
from pathlib import Path

from engine.contract.errors import EngineError, InternalError, InvalidRequest, PackFailed
from engine.contract.hub_messages import TransferProgress
from engine.contract.messages import ErrorEvent, Event, FinishedEvent
from engine.contract.pack_messages import (
    CheckPackRequest,
    EngineNotice,
    FetchPackRequest,
    InstallPackRequest,
    PackFetched,
    PackProgress,
    PackRequest,
    PacksListed,
    PacksRequest,
    RemovePackRequest,
    RollBackPackRequest,
    UsePackRequest,
)
from engine.contract.packs import BUILTIN_ENGINE, PackReport
from engine.contract.settings import EngineSettings
from engine.hardware.drivers import driver_versions
from engine.host.asides import Asides, Post
from engine.host.gateway_desk import GatewayDesk
from engine.host.pack_probe import best_of, probe
from engine.host.worker_process import WorkerLibrary
from engine.library.engine_packs import EnginePacks
from engine.library.published_packs import published_packs

AUTO = "auto"

log = logging.getLogger("retort.host")


class EngineDesk:
    """The packs of this host."""

    def __init__(
        self,
        packs: EnginePacks,
        emit: Callable[[Event], None],
        post: Post,
        asides: Asides,
        gateway: GatewayDesk,
        *,
        switched: Callable[[], None],
    ) -> None:
        """Nothing is read yet; `switched` is called whenever another library may be used."""
        self._packs, self._emit, self._post, self._asides = packs, emit, post, asides
        self._gateway, self._switched = gateway, switched
        self._is_busy = False

    def library(self) -> WorkerLibrary | None:
        """What the next worker runs on, None the built-in library; for any thread.

        A pack whose files are gone or changed gives way at once to what worked before, which is said.
        """
        state = self._packs.state()
        while state.used != BUILTIN_ENGINE:
            report = state.reports.get(state.used)
            if report is not None and not report.problem and self._packs.is_as_probed(state.used, report):
                return WorkerLibrary(state.used, self._packs.folder_of(state.used))
            if not self._give_up(state.used, "its files have changed since they were checked"):
                break
            state = self._packs.state()
        return None

    def start(self) -> None:
        """Probe the pack in use anew where the drivers are others than when it was probed."""
        state = self._packs.state()
        report = state.reports.get(state.used)
        if report is not None and report.drivers != driver_versions():
            self.suspect()

    def suspect(self) -> None:
        """Something died or did not load: if that is the fault of the pack in use, it gives way."""
        pack = self._packs.state().used
        if pack == BUILTIN_ENGINE or self._is_busy:
            return

        def work() -> None:
            report = self._report(pack)
            if report.problem:
                self._give_up(pack, report.problem)

        self._start("", work)

    def ask(self, request: PackRequest, settings: EngineSettings) -> None:
        """Answer a request; raises EngineError."""
        request_id = request.request_id
        match request:
            case PacksRequest():
                self._list(request_id)
            case InstallPackRequest():
                self._start(request_id, partial(self._install, request_id, Path(request.path)))
            case FetchPackRequest():
                self._fetch(request, settings)
            case UsePackRequest():
                self._start(request_id, partial(self._use, request_id, request.pack))
            case CheckPackRequest():
                self._start(request_id, partial(self._check, request_id, request.pack))
            case RollBackPackRequest():
                self._packs.roll_back()
                self._tell_switched(request_id)
            case RemovePackRequest():
                if self._packs.state().used == request.pack:
                    self._packs.roll_back()
                self._switched()
                self._packs.remove(request.pack)
                self._tell_switched(request_id)

    # what is done aside

    def _install(self, request_id: str, archive: Path) -> None:
        def tell(fraction: float) -> None:
            self._tell(PackProgress(request_id=request_id, step="unpacking", fraction=fraction))

        self._tell(PackProgress(request_id=request_id, step="reading"))
        pack = self._packs.install(archive, tell)
        self._use(request_id, pack)

    def _use(self, request_id: str, pack: str) -> None:
        if pack == AUTO:
            pack = self._best(request_id)
        elif pack != BUILTIN_ENGINE:
            report = self._report(pack, request_id)
            if report.problem:
                raise PackFailed(pack, report.problem)
        if pack != self._packs.state().used:
            self._packs.use(pack)

    def _check(self, request_id: str, pack: str) -> None:
        pack = pack or self._packs.state().used
        if pack == BUILTIN_ENGINE:
            return
        report = self._report(pack, request_id)
        if report.problem:
            self._give_up(pack, report.problem)
            raise PackFailed(pack, report.problem)

    def _best(self, request_id: str) -> str:
        """The best of the packs that pass; the built-in library where none has a GPU."""
        installed = [pack for pack in self._packs.all() if pack.id != BUILTIN_ENGINE]
        reports = {pack.id: self._report(pack.id, request_id) for pack in installed}
        return best_of(reports, {pack.id: pack.kind for pack in installed}) or BUILTIN_ENGINE

    def _report(self, pack: str, request_id: str = "") -> PackReport:
        """Compare a pack's files with their hashes, probe it, and keep what came of it."""
        if request_id:
            self._tell(PackProgress(request_id=request_id, step="probing", pack=pack))
        problem = self._packs.check_files(pack)
        if problem:
            report = PackReport(problem=problem)
        else:
            stamps = self._packs.stamps(pack)
            report = probe(WorkerLibrary(pack, self._packs.folder_of(pack)), stamps)
        self._packs.note_report(pack, report)
        return report

    def _give_up(self, pack: str, reason: str) -> bool:
        """Go back from a pack in use; says so. False where that cannot be kept."""
        try:
            now = self._packs.give_up(pack, reason)
        except (EngineError, OSError) as error:
            log.warning("the engine pack %s cannot be left: %s", pack, error)
            return False
        if now:
            log.info("the engine pack %s failed: %s; %s is used", pack, reason, now)
            self._tell(EngineNotice(request_id="", pack=pack, reason=reason, now=now))
        return True

    # the deciding thread

    def _start(self, request_id: str, work: Callable[[], None]) -> None:
        """Do `work` aside, then tell how things stand, or what went wrong to whoever asked."""
        if self._is_busy:
            raise InvalidRequest("an engine pack is being installed or checked; wait for its end")
        self._is_busy = True

        def run() -> Callable[[], None]:
            error: EngineError | None = None
            try:
                work()
            except EngineError as failure:
                error = failure
            except Exception as failure:  # the thread's edge: logged, and said to whoever asked
                log.exception("an engine pack could not be handled")
                error = InternalError(f"{type(failure).__name__}: {failure}")
            return lambda: self._finish(request_id, error)

        self._asides.start("engine-pack", run)

    def _finish(self, request_id: str, error: EngineError | None) -> None:
        self._is_busy = False
        if error is None:
            self._tell_switched(request_id)
            return
        self._switched()
        if request_id:
            self._emit(_failed(request_id, error))
        self._list("")

    def _fetch(self, request: FetchPackRequest, settings: EngineSettings) -> None:
        def take(event: Event) -> None:
            if isinstance(event, PackFetched):
                self._install_fetched(request.request_id, Path(event.path))
            elif isinstance(event, TransferProgress):
                fraction = event.done_bytes / max(1, event.total_bytes)
                self._emit(PackProgress(request_id=event.request_id, step="fetching", fraction=fraction))
            elif isinstance(event, ErrorEvent | FinishedEvent):
                self._emit(event)

        self._gateway.ask(request, settings, take)

    def _install_fetched(self, request_id: str, archive: Path) -> None:
        def work() -> None:
            try:
                self._install(request_id, archive)
            finally:
                with contextlib.suppress(OSError):
                    archive.unlink()

        try:
            self._start(request_id, work)
        except InvalidRequest as error:
            self._emit(_failed(request_id, error))

    def _list(self, request_id: str) -> None:
        self._emit(
            PacksListed(
                request_id=request_id,
                packs=self._packs.all(),
                before=self._packs.before(),
                published=published_packs(),
            )
        )

    def _tell_switched(self, request_id: str) -> None:
        self._switched()
        self._list(request_id)

    def _tell(self, event: Event) -> None:
        self._post(lambda: self._emit(event))


def _failed(request_id: str, error: EngineError) -> ErrorEvent:
    return ErrorEvent(request_id=request_id, code=error.code, message=error.message, details=error.details)
