"""The list of everything that went to the network: one JSON line when a request begins, one when it ends.

It opens no connection: the gateway writes here what it does, `retort network` and the window read it.
A request whose process was killed stands there without its end.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import msgspec
from filelock import FileLock

from engine.contract.catalogue_messages import NetworkEntry
from engine.library.atomic_file import write_atomically

KEPT_REQUESTS = 1_000
_MAX_BYTES = 2 * 2**20  # then the file is cut down to the newest requests
LOCK_TIMEOUT_S = 5.0


class NetworkLog:
    """The file of the list. For any thread and any process."""

    def __init__(self, path: Path) -> None:
        """Nothing is read or written yet."""
        self._path = path
        self._lock = FileLock(path.with_suffix(".lock"), timeout=LOCK_TIMEOUT_S)

    def note(self, entry: NetworkEntry) -> None:
        """Add a line; raises OSError, upon which no request should be made."""
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with self._lock:
            handle = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            with os.fdopen(handle, "ab") as file:
                file.write(msgspec.json.encode(entry) + b"\n")
                is_long = file.tell() > _MAX_BYTES
            if is_long:
                lines = [msgspec.json.encode(kept) + b"\n" for kept in self.entries()]
                write_atomically(self._path, b"".join(lines))

    def entries(self) -> list[NetworkEntry]:
        """The newest requests, oldest first."""
        found: dict[str, NetworkEntry] = {}
        for entry in self._lines():
            found[entry.id] = entry
        return list(found.values())[-KEPT_REQUESTS:]

    def _lines(self) -> Iterator[NetworkEntry]:
        try:
            lines = self._path.read_bytes().splitlines()
        except FileNotFoundError:
            return
        for line in lines:
            try:
                yield msgspec.json.decode(line, type=NetworkEntry)
            except (msgspec.DecodeError, UnicodeDecodeError):  # half a line of a process that was killed
                continue
