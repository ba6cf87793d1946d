"""Parts of the engine that are installed on demand: what there is, what is done with it, how far it is."""

from collections.abc import Callable

from PySide6.QtCore import QObject, Signal

from app.engine_link.engine_client import EngineClient
from engine.contract.component_messages import (
    CheckComponentsRequest,
    ComponentQuestion,
    ComponentsChecked,
    ComponentsListed,
    ComponentsRequest,
    ComponentStatus,
    InstallComponentRequest,
    RemoveComponentRequest,
)
from engine.contract.errors import EngineError
from engine.contract.hub_messages import TransferProgress
from engine.contract.messages import Event, FinishedEvent


class Components(QObject):
    """One thing is done at a time."""

    changed = Signal()
    installed = Signal(str)  # the component's name

    def __init__(self, client: EngineClient, parent: QObject | None = None) -> None:
        """Nothing is asked yet."""
        super().__init__(parent)
        self._client = client
        self._request: ComponentQuestion | None = None  # what is under way
        self.listed: tuple[ComponentStatus, ...] = ()
        self.progress: TransferProgress | None = None
        self.error: EngineError | None = None  # of the last request
        self.checked: ComponentsChecked | None = None  # the last check, until something changes
        client.arrived.connect(self._take)
        client.finished.connect(self._note_cancelled)
        client.failed.connect(self._note_failure)

    @property
    def is_busy(self) -> bool:
        """Whether something is being installed, checked or removed."""
        return self._request is not None and not isinstance(self._request, ComponentsRequest)

    @property
    def can_cancel(self) -> bool:
        """Whether it can be stopped."""
        return isinstance(self._request, InstallComponentRequest | CheckComponentsRequest)

    def refresh(self) -> None:
        """Ask what there is, unless an answer is on its way."""
        if self._request is None:
            self._ask(lambda request_id: ComponentsRequest(request_id=request_id))

    def install(self, name: str, *, folder: str = "") -> None:
        """Fetch and install; a click on it is the leave to use the network for it."""
        self._ask(
            lambda request_id: InstallComponentRequest(
                request_id=request_id, name=name, folder=folder, online=not folder
            )
        )

    def check(self) -> None:
        """Read every installed file and compare."""
        self._ask(lambda request_id: CheckComponentsRequest(request_id=request_id))

    def remove(self, name: str) -> None:
        """Delete it."""
        self._ask(lambda request_id: RemoveComponentRequest(request_id=request_id, name=name))

    def cancel(self) -> None:
        """Stop what is under way; what has arrived stays for the next time."""
        if self._request is not None:
            self._client.cancel(self._request.request_id)

    def _ask(self, make: Callable[[str], ComponentQuestion]) -> None:
        if self.is_busy:
            return

        def keep(request_id: str) -> ComponentQuestion:
            self._request = make(request_id)
            return self._request

        self.error = self.progress = None
        self._client.ask(keep)
        self.changed.emit()

    def _take(self, event: Event) -> None:
        if self._request is None or event.request_id != self._request.request_id:
            return
        if isinstance(event, TransferProgress):
            self.progress = event
            self.changed.emit()
            return
        asked, self._request, self.progress = self._request, None, None
        if isinstance(event, ComponentsListed):
            self.listed = event.components
            self.checked = self.checked if isinstance(asked, ComponentsRequest) else None
        elif isinstance(event, ComponentsChecked):
            self.checked = event
        self.changed.emit()
        if isinstance(asked, InstallComponentRequest):
            self.installed.emit(asked.name)

    def _note_cancelled(self, request_id: str, _event: FinishedEvent) -> None:
        if self._request is not None and request_id == self._request.request_id:
            self._request = self.progress = None
            self.refresh()

    def _note_failure(self, request_id: str, error: EngineError) -> None:
        if self._request is not None and request_id == self._request.request_id:
            self._request = self.progress = None
            self.refresh()
            self.error = error
            self.changed.emit()
