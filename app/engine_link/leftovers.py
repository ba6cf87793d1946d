"""What arrived of downloads that nobody wants any more: found by what was fetched, and deleted."""

import re

from PySide6.QtCore import QObject, Signal

from app.engine_link.download import Wanted
from app.engine_link.engine_client import EngineClient
from engine.contract.messages import Event
from engine.contract.unfinished_messages import (
    DropUnfinishedRequest,
    UnfinishedDropped,
    UnfinishedListed,
    UnfinishedRequest,
)

CHECKPOINT = "safetensors"  # what the hub's listing calls a folder of them
_ENDING = re.compile(r"(-\d{5}-of-\d{5})?\.gguf", re.IGNORECASE)  # after a model's name


class Leftovers(QObject):
    """Asks the host, who alone knows the folder of unfinished files."""

    dropped = Signal(int)  # bytes that were given back

    def __init__(self, client: EngineClient, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._client = client
        self._unwanted: dict[str, Wanted] = {}  # by request id
        client.arrived.connect(self._take)

    def delete(self, wanted: Wanted) -> None:
        """Delete what has arrived of it; the user was asked."""
        request_id = self._client.ask(lambda request_id: UnfinishedRequest(request_id=request_id))
        self._unwanted[request_id] = wanted

    def _take(self, event: Event) -> None:
        if isinstance(event, UnfinishedListed) and event.request_id in self._unwanted:
            wanted = self._unwanted.pop(event.request_id)
            prefix = f"{wanted.repository}/"
            named = [one for one in event.downloads if one.model.startswith(prefix) and not one.is_active]
            files = tuple(one.file for one in named if _is_of(one.model.removeprefix(prefix), wanted))
            if files:
                self._client.ask(lambda request_id: DropUnfinishedRequest(request_id=request_id, files=files))
        elif isinstance(event, UnfinishedDropped):
            self.dropped.emit(event.freed_bytes)


def _is_of(file: str, wanted: Wanted) -> bool:
    """Whether an unfinished file belongs to what was wanted: the file itself, or a part of the model."""
    if wanted.file == CHECKPOINT:
        return not file.lower().endswith(".gguf")
    rest = file.removeprefix(wanted.file)
    return file == wanted.file or (rest != file and _ENDING.fullmatch(rest) is not None)
