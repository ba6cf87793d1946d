"""Installing a component: each wheel is hashed against the lock, then unpacked beside the former state."""

import hashlib
import shutil
import uuid
from collections.abc import Callable
from pathlib import Path

import msgspec

from engine.contract.component_messages import LockedWheel
from engine.contract.errors import InvalidRequest, StorageFailed
from engine.contract.paths import Paths
from engine.library.atomic_file import write_atomically
from engine.library.component_lock import ComponentLock, this_system
from engine.library.components import (
    WHEELS,
    InstalledComponent,
    InstalledWheel,
    changing,
    read_installed,
    sweep,
)
from engine.library.disk_room import check_room
from engine.library.wheel import damaged_files, unpack, unpacked_bytes

Progress = Callable[[int, int], None]  # bytes done, of how many


class InstallCancelled(Exception):
    """The user does not want it any more; the former state holds."""


def install_component(
    paths: Paths,
    lock: ComponentLock,
    wheels: Path,
    progress: Progress,
    is_cancelled: Callable[[], bool],
) -> None:
    """Install from the wheels in a folder; those that were fetched for it are deleted then.

    Raises InvalidRequest where one is missing or another component is being changed, StorageFailed where one
    is not the locked one or the disk is full, InstallCancelled.
    """
    missing = [wheel.file for wheel in lock.wheels if not (wheels / wheel.file).is_file()]
    if missing or not lock.wheels:
        what = f"{wheels} lacks {', '.join(missing)}" if missing else f"nothing is locked for {this_system()}"
        raise InvalidRequest(what)
    with changing(paths) as components:
        meter = _Meter(progress, is_cancelled, lock.needed_bytes)
        is_ours = wheels == components / WHEELS
        for wheel in lock.wheels:
            _check_wheel(wheels / wheel.file, wheel, meter, is_ours=is_ours)
        disk_bytes = sum(unpacked_bytes(wheels / wheel.file) for wheel in lock.wheels)
        check_room(components / "wheels", disk_bytes)
        folder = components / f"{lock.name}-{lock.version}-{uuid.uuid4().hex[:8]}"
        folder.mkdir(mode=0o700)
        try:
            unpacked = tuple(_unpack(wheels / wheel.file, wheel, folder, meter) for wheel in lock.wheels)
            installed = InstalledComponent(
                name=lock.name,
                version=lock.version,
                system=this_system(),
                folder=folder.name,
                disk_bytes=disk_bytes,
                wheels=unpacked,
            )
            write_atomically(components / f"{lock.name}.json", msgspec.json.encode(installed))
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        sweep(paths)  # what it replaces
        if is_ours:
            shutil.rmtree(wheels, ignore_errors=True)


def check_component(
    paths: Paths, name: str, progress: Progress, is_cancelled: Callable[[], bool]
) -> list[Path]:
    """Read every file of an installed component; returns those that are not as they were installed.

    Raises InstallCancelled.
    """
    found = read_installed(paths, name)
    if found is None:
        return []
    folder = paths.components / found.folder
    meter = _Meter(progress, is_cancelled, found.disk_bytes)
    damaged = []
    for wheel in found.wheels:
        record = folder / wheel.record
        if not record.is_file() or _sha256(record) != wheel.record_sha256:
            damaged.append(record)
            continue
        damaged += [path for path, is_damaged in damaged_files(folder, wheel.record, meter.add) if is_damaged]
    return damaged


def _check_wheel(path: Path, wheel: LockedWheel, meter: "_Meter", *, is_ours: bool) -> None:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(2**20):
            digest.update(piece)
            meter.add(len(piece))
    if digest.hexdigest() != wheel.sha256:
        if is_ours:  # then the next try fetches it again
            path.unlink()
        raise StorageFailed(str(path), "it is not the file that is locked: its hash is another")


def _unpack(path: Path, wheel: LockedWheel, folder: Path, meter: "_Meter") -> InstalledWheel:
    record = unpack(path, folder, meter.add)
    return InstalledWheel(sha256=wheel.sha256, record=record, record_sha256=_sha256(folder / record))


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class _Meter:
    """Counts bytes, tells of them and stops where nobody wants the rest."""

    def __init__(self, progress: Progress, is_cancelled: Callable[[], bool], total_bytes: int) -> None:
        self._progress, self._is_cancelled = progress, is_cancelled
        self._total_bytes = total_bytes  # as far as it is known
        self._done_bytes = 0

    def add(self, num_bytes: int) -> None:
        if self._is_cancelled():
            raise InstallCancelled
        self._done_bytes += num_bytes
        self._progress(self._done_bytes, max(self._total_bytes, self._done_bytes))
