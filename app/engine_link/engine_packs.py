"""The engine packs as the host tells them, and what can be done about them."""

from collections.abc import Callable

from PySide6.QtCore import QObject, Signal

from app.engine_link.engine_client import EngineClient
from engine.contract.errors import EngineError
from engine.contract.messages import Event, FinishedEvent, Request
from engine.contract.pack_messages import (
    CheckPackRequest,
    EngineNotice,
    FetchPackRequest,
    InstallPackRequest,
    PackProgress,
    PacksListed,
    PacksRequest,
    RemovePackRequest,
    RollBackPackRequest,
    UsePackRequest,
)
from engine.contract.packs import EnginePack


class EnginePacks(QObject):
    """Follows the host; one thing is done at a time."""

    changed = Signal()
    switched = Signal()  # models run on another engine from now on
    failed = Signal(object)  # EngineError; things are as they were
    noticed = Signal(object)  # EngineNotice: a pack failed and another engine took its place

    def __init__(self, client: EngineClient, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._client = client
        self._asked = ""  # the request that runs
        self.listed = PacksListed(request_id="", packs=(), before="")
        self.progress: PackProgress | None = None
        client.arrived.connect(self._take)
        client.engine_noticed.connect(self._take_notice)
        client.failed.connect(self._note_failure)
        client.finished.connect(self._note_end)

    @property
    def is_busy(self) -> bool:
        """Whether something is being done."""
        return bool(self._asked)

    @property
    def used(self) -> EnginePack | None:
        """The one that models run on; None before the host has told it."""
        return next((pack for pack in self.listed.packs if pack.is_used), None)

    def refresh(self) -> None:
        """Ask which packs there are."""
        self._client.ask(lambda one: PacksRequest(request_id=one))

    def install(self, path: str) -> None:
        """Take a pack in from a file and use it if it passes its probe."""
        self._do(lambda one: InstallPackRequest(request_id=one, path=path))

    def fetch(self, pack: str) -> None:
        """Fetch a published pack and install it."""
        self._do(lambda one: FetchPackRequest(request_id=one, pack=pack))

    def use(self, pack: str) -> None:
        """Probe a pack and use it from then on; `auto` takes the best that passes."""
        self._do(lambda one: UsePackRequest(request_id=one, pack=pack))

    def check(self, pack: str) -> None:
        """Compare a pack's files with their hashes and probe it."""
        self._do(lambda one: CheckPackRequest(request_id=one, pack=pack))

    def roll_back(self) -> None:
        """Use what was used before."""
        self._do(lambda one: RollBackPackRequest(request_id=one))

    def remove(self, pack: str) -> None:
        """Delete a pack."""
        self._do(lambda one: RemovePackRequest(request_id=one, pack=pack))

    def _do(self, make: Callable[[str], Request]) -> None:
        if not self.is_busy:
            self._asked = self._client.ask(make)
            self.changed.emit()

    def _take(self, event: Event) -> None:
        if isinstance(event, PacksListed):
            before, self.listed = self.used, event
            if before is not None and self.used is not None and self.used.id != before.id:
                self.switched.emit()
            self._end(event.request_id)
            self.changed.emit()
        elif isinstance(event, PackProgress) and event.request_id == self._asked:
            self.progress = event
            self.changed.emit()

    def _take_notice(self, notice: EngineNotice) -> None:
        self.refresh()
        self.noticed.emit(notice)

    def _note_failure(self, request_id: str, error: EngineError) -> None:
        if request_id and request_id == self._asked:
            self._end(request_id)
            self.changed.emit()
            self.failed.emit(error)

    def _note_end(self, request_id: str, _event: FinishedEvent) -> None:
        if request_id and request_id == self._asked:
            self._end(request_id)
            self.changed.emit()

    def _end(self, request_id: str) -> None:
        if request_id == self._asked:
            self._asked, self.progress = "", None
