"""What is kept about a model besides its files: one small JSON file each, in a folder of their own.

Window and command line use the folder at the same time: every change holds a lock, every file is replaced as
a whole. A record that cannot be read is left where it is and counts as none.
"""

import logging
from collections.abc import Iterable
from contextlib import AbstractContextManager
from pathlib import Path

import msgspec
from filelock import FileLock

from engine.contract.errors import ModelChanged, ModelNotFound
from engine.contract.model_info import ModelFormat
from engine.library.atomic_file import write_atomically
from engine.library.names import is_valid_name

LOCK_TIMEOUT_S = 30.0

log = logging.getLogger("retort.library")


class RecordedFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file as it was when it was taken into the library."""

    path: str
    size_bytes: int
    mtime_ns: int
    sha256: str = ""  # empty where it was not computed


class ModelRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A model that was imported: its name, its files, and where they came from as far as known."""

    name: str
    format: ModelFormat
    path: str  # the file, the first of its parts, or the folder
    is_reference: bool  # the files belong to somebody else and are never deleted
    files: tuple[RecordedFile, ...]
    added_at: float  # seconds since 1970
    source: str = ""
    commit: str = ""
    author: str = ""
    license: str = ""
    verified_at: float = 0.0  # when the hashes of all files were compared with those here
    is_damaged: bool = False  # they were not the same
    former_author: str = ""  # of what came from this source before, where it was another one

    @property
    def size_bytes(self) -> int:
        """Bytes of all files."""
        return sum(file.size_bytes for file in self.files)

    def check_unchanged(self) -> None:
        """Raise ModelNotFound or ModelChanged where a file is not what it was.

        A file that changes under a memory map ends the process that reads it, so this is asked at every load.
        """
        for file in self.files:
            now = look_at(Path(file.path))
            if (now.size_bytes, now.mtime_ns) != (file.size_bytes, file.mtime_ns):
                raise ModelChanged(file.path)


class Records:
    """The folder of records."""

    def __init__(self, folder: Path) -> None:
        """The folder is made by the first record."""
        self._folder = folder

    def lock(self) -> AbstractContextManager[object]:
        """Hold this while names are chosen and records change; others wait."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        return FileLock(self._folder / ".lock", timeout=LOCK_TIMEOUT_S)

    def lock_name(self, name: str) -> AbstractContextManager[object]:
        """Hold this while the files of one model are written; raises filelock.Timeout where another does."""
        path = self._path(name).with_suffix(".lock")
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        return FileLock(path, timeout=0)

    def all(self) -> list[ModelRecord]:
        """Every record that can be read, by name."""
        found = []
        for path in sorted(self._folder.glob("*.json")) if self._folder.is_dir() else ():
            try:
                record = msgspec.json.decode(path.read_bytes(), type=ModelRecord)
            except (OSError, msgspec.DecodeError) as error:
                log.warning("the record %s cannot be read and is passed over: %s", path, error)
                continue
            if is_valid_name(record.name) and path == self._path(record.name):
                found.append(record)
        return found

    def save(self, record: ModelRecord) -> None:
        """Write a record, noting where its source had another author before; raises StorageFailed."""
        if not record.former_author and (former := self._former_author(record)):
            record = msgspec.structs.replace(record, former_author=former)
        write_atomically(self._path(record.name), msgspec.json.format(msgspec.json.encode(record)))

    def forget(self, record: ModelRecord, *, keeps_blocks: bool = False) -> None:
        """Delete a record; its files stay, and the hashes of their blocks where that is asked for."""
        self._path(record.name).unlink(missing_ok=True)
        if not keeps_blocks:
            self.forget_blocks(record)

    def forget_blocks(self, record: ModelRecord) -> None:
        """Delete the hashes of the blocks of a model's files."""
        for file in record.files:
            self.blocks_of(file.sha256).unlink(missing_ok=True)

    def blocks_of(self, content_hash: str) -> Path:
        """Where the hashes of a fetched file's blocks are kept, by which damage to it can be repaired."""
        return self._folder / "blocks" / f"{content_hash or 'none'}.json"

    def _former_author(self, record: ModelRecord) -> str:
        """The author of an earlier record of the same source, where it is not this one."""
        if not record.source or not record.author:
            return ""
        others = (other for other in self.all() if other.source == record.source and other.author)
        return next((other.author for other in others if other.author != record.author), "")

    def _path(self, name: str) -> Path:
        assert is_valid_name(name), name
        return self._folder / f"{name.replace('/', '=')}.json"  # no part of a name holds a =


def look_at(path: Path) -> RecordedFile:
    """A file as it is now; raises ModelNotFound where there is none."""
    try:
        status = path.stat()
    except OSError as error:
        raise ModelNotFound(str(path)) from error
    return RecordedFile(path=str(path), size_bytes=status.st_size, mtime_ns=status.st_mtime_ns)


def look_at_all(paths: Iterable[Path]) -> tuple[RecordedFile, ...]:
    """Files as they are now; raises ModelNotFound for the first that is not there."""
    return tuple(look_at(path) for path in paths)
