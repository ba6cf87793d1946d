"""The bin of removed models: a folder beside the models, so that removing renames and copies nothing.

An entry is a folder with the files below `files`, by their places in the models folder, and `entry.json`,
which says what belongs into it and whether that is on its way in or out. It is written before the first file
moves: whatever ends the process, `settle` brings what had begun to its end.
"""

import contextlib
import logging
import shutil
import time
import uuid
from collections.abc import Collection
from pathlib import Path
from typing import Literal

import msgspec

from engine.contract.bin_messages import BinnedModel
from engine.contract.errors import InvalidRequest, StorageFailed
from engine.contract.paths import Paths
from engine.library.atomic_file import sync_folder, write_atomically
from engine.library.places import UNFINISHED, ModelPlace
from engine.library.records import ModelRecord, Records
from engine.library.removal import check_removable, files_to_remove, remove_empty_folders

BIN_DAYS = 30
_DAY_S = 86_400.0
BIN_ENTRY = "entry.json"

log = logging.getLogger("retort.library")


class BinEntry(msgspec.Struct, frozen=True, kw_only=True):
    """What belongs into one entry."""

    name: str
    path: str  # by which the model was loaded
    removed_at: float  # seconds since 1970
    size_bytes: int
    files: tuple[str, ...]  # relative to the models folder, with forward slashes
    records: tuple[ModelRecord, ...]
    state: Literal["removing", "kept", "restoring"]


class ModelBin:
    """The bin of one library. For any process; every change holds the records' lock."""

    def __init__(self, paths: Paths) -> None:
        """Nothing is read or made yet."""
        self._folder, self._models = paths.bin, paths.models
        self._records = Records(paths.records)

    def put(self, place: ModelPlace) -> str:
        """Take a model out of the library; returns the entry that brings it back.

        Raises InvalidRequest for models that are not the library's to remove, StorageFailed.
        """
        check_removable(place)
        with self._records.lock():
            files = files_to_remove(place) if place.origin == "library" else []
            paths = {str(place.path), *(str(file) for file in files)}
            entry = BinEntry(
                name=place.name,
                path=str(place.path),
                removed_at=time.time(),
                size_bytes=sum(file.stat().st_size for file in files),
                files=tuple(file.relative_to(self._models).as_posix() for file in files),
                records=tuple(record for record in self._records.all() if record.path in paths),
                state="removing",
            )
            name = uuid.uuid4().hex
            self._save(name, entry)
            try:
                self._go_on(name, entry)
            except StorageFailed:
                back = msgspec.structs.replace(entry, state="restoring")
                self._save(name, back)
                self._go_on(name, back)
                raise
        return name

    def restore(self, name: str) -> Path:
        """Bring a model back to where it was; returns the path that it is loaded by.

        Raises InvalidRequest where there is no such entry or something lies in its place, StorageFailed.
        """
        with self._records.lock():
            entry = self._entries().get(name)
            if entry is None:
                raise InvalidRequest(f"the bin holds nothing called {name!r}")
            in_the_way = [file for file in entry.files if (self._models / file).exists()]
            if in_the_way and entry.state == "kept":
                raise InvalidRequest(f"{self._models / in_the_way[0]} is in the way: move or remove it")
            entry = msgspec.structs.replace(entry, state="restoring")
            self._save(name, entry)
            self._go_on(name, entry)
        return Path(entry.path)

    def list(self) -> tuple[BinnedModel, ...]:
        """What can be brought back, the newest first."""
        now = time.time()
        found = [
            BinnedModel(
                entry=name,
                name=entry.name,
                removed_at=entry.removed_at,
                size_bytes=entry.size_bytes,
                days_left=max(0.0, BIN_DAYS - (now - entry.removed_at) / _DAY_S),
            )
            for name, entry in self._entries().items()
        ]
        return tuple(sorted(found, key=lambda one: -one.removed_at))

    def empty(
        self, names: Collection[str] = (), *, older_than_days: float = 0.0
    ) -> tuple[tuple[str, ...], int]:
        """Delete entries for good, without `names` all; returns their names and the bytes given back.

        Raises StorageFailed.
        """
        latest = time.time() - older_than_days * _DAY_S
        deleted, freed_bytes = [], 0
        with self._records.lock():
            for name, entry in self._entries().items():
                if (names and name not in names) or entry.removed_at > latest:
                    continue
                self._delete(name)
                for record in entry.records:
                    self._records.forget_blocks(record)
                deleted.append(name)
                freed_bytes += entry.size_bytes
        return tuple(deleted), freed_bytes

    def settle(self) -> None:
        """Finish what an ended process had begun, and delete what has lain here for `BIN_DAYS`."""
        if not self._folder.is_dir():
            return
        with self._records.lock():
            for half in self._folder.glob(f"*{UNFINISHED}"):
                shutil.rmtree(half, ignore_errors=True)
            for name, entry in self._entries().items():
                if entry.state != "kept":
                    with contextlib.suppress(StorageFailed):  # it stays as it is, and can be restored
                        self._go_on(name, entry)
        self.empty(older_than_days=BIN_DAYS)

    def _entries(self) -> dict[str, BinEntry]:
        found = {}
        for path in self._folder.glob(f"*/{BIN_ENTRY}") if self._folder.is_dir() else ():
            if path.parent.name.endswith(UNFINISHED):
                continue
            try:
                found[path.parent.name] = msgspec.json.decode(path.read_bytes(), type=BinEntry)
            except (OSError, msgspec.DecodeError) as error:
                log.warning("%s cannot be read and is passed over: %s", path, error)
        return found

    def _save(self, name: str, entry: BinEntry) -> None:
        write_atomically(self._folder / name / BIN_ENTRY, msgspec.json.format(msgspec.json.encode(entry)))

    def _go_on(self, name: str, entry: BinEntry) -> None:
        """Bring an entry to the end of what it is about; each step may have been done already."""
        is_removing = entry.state == "removing"
        inside = self._folder / name / "files"
        try:
            for file in entry.files:
                source, target = self._models / file, inside / file
                if not is_removing:
                    source, target = target, source
                if source.exists() and not target.exists():
                    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                    source.rename(target)
                    sync_folder(target.parent)
                if is_removing:
                    remove_empty_folders(source.parent, self._models)
        except OSError as error:
            raise StorageFailed(str(self._folder / name), error.strerror or str(error)) from error
        for record in entry.records:
            if is_removing:
                self._records.forget(record, keeps_blocks=True)
            else:
                self._records.save(record)
        left = [file for file in entry.files if (inside / file).exists()]
        if is_removing or left:
            self._save(name, msgspec.structs.replace(entry, state="kept"))
        else:
            self._delete(name)
        if left and not is_removing:
            raise StorageFailed(str(self._models / left[0]), "another file is in the way")

    def _delete(self, name: str) -> None:
        """Delete an entry, which is none as soon as it has another name."""
        folder = self._folder / name
        try:
            doomed = folder.rename(folder.with_name(name + UNFINISHED))
            shutil.rmtree(doomed)
        except OSError as error:
            raise StorageFailed(str(folder), error.strerror or str(error)) from error
        with contextlib.suppress(OSError):  # others lie in it
            self._folder.rmdir()
