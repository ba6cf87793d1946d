"""What there is beside the library: the bin, unfinished downloads, other applications' models."""

from collections.abc import Callable

from PySide6.QtCore import QObject, Signal

from app.engine_link.engine_client import EngineClient
from engine.contract.bin_messages import (
    BinEmptied,
    BinListed,
    BinnedModel,
    BinRequest,
    EmptyBinRequest,
    ModelRestored,
    RestoreRequest,
)
from engine.contract.elsewhere_messages import (
    AdoptRequest,
    ElsewhereFound,
    ElsewhereModel,
    ElsewhereRequest,
    ModelsAdopted,
)
from engine.contract.errors import EngineError
from engine.contract.messages import Event, Request
from engine.contract.unfinished_messages import (
    DropUnfinishedRequest,
    UnfinishedDownload,
    UnfinishedDropped,
    UnfinishedListed,
    UnfinishedRequest,
)


class LibraryStock(QObject):
    """Lists are what the host told last; whatever changes them is followed by asking anew."""

    changed = Signal()
    restored = Signal(object)  # InstalledModel
    adopted = Signal(object)  # ModelsAdopted
    freed = Signal(int)  # bytes that were given back
    refused = Signal(object)  # EngineError

    def __init__(self, client: EngineClient, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._client = client
        self._asked: set[str] = set()  # ids of requests of this one
        self.binned: tuple[BinnedModel, ...] = ()
        self.unfinished: tuple[UnfinishedDownload, ...] = ()
        self.elsewhere: tuple[ElsewhereModel, ...] = ()  # that are not in the library
        client.arrived.connect(self._take)
        client.failed.connect(self._note_failure)

    def refresh(self) -> None:
        """Ask for all three lists."""
        self._ask(lambda one: BinRequest(request_id=one))
        self._ask(lambda one: UnfinishedRequest(request_id=one))
        self._ask(lambda one: ElsewhereRequest(request_id=one))

    def restore(self, entry: str) -> None:
        """Bring a removed model back."""
        self._ask(lambda one: RestoreRequest(request_id=one, entry=entry))

    def empty_bin(self, entries: tuple[str, ...]) -> None:
        """Delete removed models for good; the user was asked."""
        self._ask(lambda one: EmptyBinRequest(request_id=one, entries=entries))

    def drop(self, files: tuple[str, ...]) -> None:
        """Delete what arrived of downloads; the user was asked."""
        self._ask(lambda one: DropUnfinishedRequest(request_id=one, files=files))

    def adopt(self, paths: tuple[str, ...]) -> None:
        """List other applications' models here; their files stay where they are."""
        self._ask(lambda one: AdoptRequest(request_id=one, paths=paths))

    def _ask(self, make: Callable[[str], Request]) -> None:
        self._asked.add(self._client.ask(make))

    def _take(self, event: Event) -> None:
        if event.request_id not in self._asked:
            return
        self._asked.discard(event.request_id)
        match event:
            case BinListed():
                self.binned = event.models
            case UnfinishedListed():
                self.unfinished = tuple(one for one in event.downloads if not one.is_active)
            case ElsewhereFound():
                self.elsewhere = tuple(one for one in event.models if not one.is_here)
            case ModelRestored():
                self.restored.emit(event.model)
            case ModelsAdopted():
                self.adopted.emit(event)
            case BinEmptied() | UnfinishedDropped():
                self.freed.emit(event.freed_bytes)
        if isinstance(event, BinListed | UnfinishedListed | ElsewhereFound):
            self.changed.emit()
        else:
            self.refresh()

    def _note_failure(self, request_id: str, error: EngineError) -> None:
        if request_id in self._asked:
            self._asked.discard(request_id)
            self.refused.emit(error)
