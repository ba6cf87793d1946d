"""Every download of this window: begun here by a click, going on whatever page is shown."""

from collections.abc import Callable, Iterable

from PySide6.QtCore import QObject, Signal

from app.engine_link.download import Download, Wanted
from app.engine_link.engine_client import EngineClient
from app.engine_link.leftovers import Leftovers
from engine.contract.errors import EngineError
from engine.contract.hub_messages import ModelPulled, PullRequest, TransferProgress
from engine.contract.messages import Event, FinishedEvent


class Downloads(QObject):
    """Several at once. What had arrived of one that failed or was interrupted is used when it goes on."""

    added = Signal(object)  # Download
    changed = Signal(object)  # Download
    removed = Signal(object)  # Download
    finished = Signal(object)  # Download, whose model is in the library now

    def __init__(
        self,
        client: EngineClient,
        keep: Callable[[list[str]], None] = lambda _unfinished: None,
        parent: QObject | None = None,
    ) -> None:
        """`keep` takes what is unfinished, for the next start."""
        super().__init__(parent)
        self._client = client
        self._keep = keep
        self._leftovers = Leftovers(client, self)
        self._all: list[Download] = []
        client.arrived.connect(self._take)
        client.finished.connect(self._note_end)
        client.failed.connect(self._note_failure)

    @property
    def all(self) -> tuple[Download, ...]:
        """The oldest first."""
        return tuple(self._all)

    @property
    def active(self) -> tuple[Download, ...]:
        """Those that the host is at."""
        return tuple(one for one in self._all if one.is_active)

    @property
    def fraction(self) -> float:
        """How far all that are under way are together."""
        total = sum(one.total_bytes for one in self.active)
        return sum(one.done_bytes for one in self.active) / total if total else 0.0

    def of(self, repository: str, file: str) -> Download | None:
        """The download of these files."""
        return next((one for one in self._all if one.wanted.key == (repository, file)), None)

    def start(self, wanted: Wanted, *, online: bool) -> Download:
        """Begin, or go on with one that has stopped; `online` allows the network for this download."""
        download = self.of(*wanted.key)
        if download is None:
            download = Download(wanted)
            self._all.append(download)
            self.added.emit(download)
        if not download.is_active and download.phase != "done":
            self._ask(download, online=online)
        return download

    def go_on(self, download: Download, *, online: bool) -> None:
        """Let one that rests, waits or has failed go on."""
        if download.is_active:
            download.is_pausing = False
            self._client.pause(download.request_id, is_paused=False)
            self.changed.emit(download)
        else:
            self._ask(download, online=online)

    def pause(self, download: Download) -> None:
        """Let one rest; what has arrived stays."""
        if download.is_active:
            download.is_pausing = True
            self._client.pause(download.request_id, is_paused=True)
            self.changed.emit(download)

    def cancel(self, download: Download) -> None:
        """Stop one and delete what has arrived of it; one that is in the library only leaves the list."""
        if download.is_active:
            self._client.cancel(download.request_id)
            return
        if download.phase != "done":
            self._leftovers.delete(download.wanted)
        self._remove(download)

    def remember(self, unfinished: Iterable[str]) -> None:
        """List what an earlier window left unfinished; nothing is asked before somebody lets it go on."""
        for text in unfinished:
            wanted = Wanted.from_json(text)
            if wanted is not None and self.of(*wanted.key) is None:
                download = Download(wanted, phase="kept", total_bytes=wanted.size_bytes)
                self._all.append(download)
                self.added.emit(download)

    def _ask(self, download: Download, *, online: bool) -> None:
        wanted = download.wanted
        download.phase, download.error, download.notice, download.is_pausing = "asked", None, "", False
        download.request_id = self._client.ask(
            lambda request_id: PullRequest(
                request_id=request_id,
                repository=wanted.repository,
                file=wanted.file,
                revision=wanted.revision,
                online=online,
            )
        )
        self._keep_unfinished()
        self.changed.emit(download)

    def _remove(self, download: Download) -> None:
        self._all.remove(download)
        self._keep_unfinished()
        self.removed.emit(download)

    def _keep_unfinished(self) -> None:
        self._keep([one.wanted.to_json() for one in self._all if one.phase != "done"])

    def _with(self, request_id: str) -> Download | None:
        return next((one for one in self._all if request_id and one.request_id == request_id), None)

    def _take(self, event: Event) -> None:
        if isinstance(event, TransferProgress):
            download = self._with(event.request_id)
            if download is not None:
                download.phase, download.notice = event.phase, event.notice
                download.done_bytes, download.total_bytes = event.done_bytes, event.total_bytes
                download.bytes_per_s, download.remaining_s = event.bytes_per_s, event.remaining_s
                self.changed.emit(download)
        elif isinstance(event, ModelPulled):
            download = self._with(event.request_id)
            if download is not None:
                download.request_id, download.phase, download.model = "", "done", event.model
                download.done_bytes = download.total_bytes = event.model.size_bytes
                self._keep_unfinished()
                self.changed.emit(download)
                self.finished.emit(download)

    def _note_end(self, request_id: str, _event: FinishedEvent) -> None:
        download = self._with(request_id)
        if download is not None:  # it was cancelled
            download.request_id = ""
            self._remove(download)

    def _note_failure(self, request_id: str, error: EngineError) -> None:
        download = self._with(request_id)
        if download is not None:
            download.request_id, download.phase, download.error = "", "failed", error
            download.bytes_per_s, download.remaining_s = 0.0, None
            self.changed.emit(download)
