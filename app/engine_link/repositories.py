"""What is known of repositories on the hub: their files and their cards, asked for once and kept."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from PySide6.QtCore import QObject, Signal

from app.engine_link.engine_client import EngineClient
from engine.contract.errors import EngineError
from engine.contract.hub_messages import (
    HubFilesListed,
    HubFilesRequest,
    ModelCardRead,
    ModelCardRequest,
)
from engine.contract.messages import Event, Request

_What = Literal["files", "card"]


@dataclass(slots=True)
class Repository:
    """One repository, as far as it was asked for."""

    files: HubFilesListed | None = None
    card: ModelCardRead | None = None
    files_error: EngineError | None = None
    card_error: EngineError | None = None
    asked: set[_What] = field(default_factory=set)  # while no answer has come

    def note_error(self, what: _What, error: EngineError | None) -> None:
        """What came of a question in place of an answer."""
        if what == "files":
            self.files_error = error
        else:
            self.card_error = error


class Repositories(QObject):
    """Asks the hub; nothing is asked twice at a time."""

    changed = Signal(str)  # repository

    def __init__(self, client: EngineClient, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._client = client
        self._known: dict[str, Repository] = {}
        self._requests: dict[str, tuple[str, _What]] = {}  # repository and what was asked, by request id
        client.arrived.connect(self._take)
        client.failed.connect(self._note_failure)

    def get(self, repository: str) -> Repository:
        """What is known now."""
        return self._known.setdefault(repository, Repository())

    def ask_files(self, repository: str, *, online: bool) -> None:
        """List the models in it; `online` allows the network for this once."""
        self._ask(
            repository,
            "files",
            lambda request_id: HubFilesRequest(request_id=request_id, repository=repository, online=online),
        )

    def ask_card(self, repository: str, *, online: bool) -> None:
        """Read what it says of itself."""
        self._ask(
            repository,
            "card",
            lambda request_id: ModelCardRequest(request_id=request_id, repository=repository, online=online),
        )

    def _ask(self, repository: str, what: _What, make: Callable[[str], Request]) -> None:
        known = self.get(repository)
        if what in known.asked:
            return
        known.asked.add(what)
        known.note_error(what, None)
        self._requests[self._client.ask(make)] = repository, what
        self.changed.emit(repository)

    def _take(self, event: Event) -> None:
        if isinstance(event, HubFilesListed | ModelCardRead):
            asked = self._requests.pop(event.request_id, None)
            if asked is None:
                return
            repository, what = asked
            known = self.get(repository)
            known.asked.discard(what)
            if isinstance(event, HubFilesListed):
                known.files = event
            else:
                known.card = event
            self.changed.emit(repository)

    def _note_failure(self, request_id: str, error: EngineError) -> None:
        asked = self._requests.pop(request_id, None)
        if asked is not None:
            repository, what = asked
            known = self.get(repository)
            known.asked.discard(what)
            known.note_error(what, error)
            self.changed.emit(repository)
