"""The components that are installed: a folder of packages each, and one small file that names it.

The file is written last and replaced at once, so that a kill at any moment leaves the former state. A folder
that no file names is what a kill left, and is deleted before the next change.
"""

import contextlib
import importlib.util
import shutil
from collections.abc import Iterator
from pathlib import Path

import msgspec
from filelock import FileLock, Timeout

from engine.contract.component_messages import ComponentState, ComponentStatus
from engine.contract.errors import InvalidRequest, StorageFailed
from engine.contract.paths import Paths
from engine.library.component_lock import ComponentLock, read_locks, this_system
from engine.library.journal import any_journal

WHEELS = "wheels"  # the folder of what has arrived


class InstalledWheel(msgspec.Struct, frozen=True, kw_only=True):
    """A wheel that was unpacked."""

    sha256: str
    record: str  # the list of its files, below the folder
    record_sha256: str


class InstalledComponent(msgspec.Struct, frozen=True, kw_only=True):
    """What the file `NAME.json` says."""

    name: str
    version: str
    system: str
    folder: str  # a name beside the file
    disk_bytes: int
    wheels: tuple[InstalledWheel, ...]

    def fits(self, lock: ComponentLock) -> bool:
        """Whether it is what this version of Retort wants on this system."""
        wanted = sorted(wheel.sha256 for wheel in lock.wheels)
        return self.system == this_system() and sorted(wheel.sha256 for wheel in self.wheels) == wanted


def read_installed(paths: Paths, name: str) -> InstalledComponent | None:
    """An installed component; None where there is none that makes sense."""
    try:
        found = msgspec.json.decode((paths.components / f"{name}.json").read_bytes(), type=InstalledComponent)
    except (OSError, msgspec.DecodeError):
        return None
    is_there = Path(found.folder).name == found.folder and (paths.components / found.folder).is_dir()
    return found if is_there else None


def packages_of(paths: Paths, name: str) -> Path | None:
    """The folder that a process imports a component from; None where none is installed that fits."""
    lock = read_locks().get(name)
    found = read_installed(paths, name)
    if lock is None or found is None or not found.fits(lock):
        return None
    return paths.components / found.folder


def is_included(lock: ComponentLock) -> bool:
    """Whether this installation has the component's modules by other means."""
    return all(importlib.util.find_spec(module) is not None for module in lock.modules)


def component_status(paths: Paths, lock: ComponentLock) -> ComponentStatus:
    """One component as it is here."""
    found = read_installed(paths, lock.name)
    state: ComponentState = "absent"
    if found is not None:
        state = "installed" if found.fits(lock) else "outdated"
    elif is_included(lock):
        state = "included"
    elif not lock.wheels:
        state = "unavailable"
    arrived = sum(_arrived_bytes(paths.components / WHEELS, w.file, w.sha256) for w in lock.wheels)
    return ComponentStatus(
        name=lock.name,
        version=lock.version,
        state=state,
        download_bytes=lock.download_bytes,
        arrived_bytes=arrived,
        needed_bytes=lock.needed_bytes,
        disk_bytes=(found.disk_bytes if found else 0) + arrived,
    )


def list_components(paths: Paths) -> tuple[ComponentStatus, ...]:
    """Every component that this version knows."""
    return tuple(component_status(paths, lock) for lock in read_locks().values())


@contextlib.contextmanager
def changing(paths: Paths) -> Iterator[Path]:
    """The folder of components, for one at a time; raises InvalidRequest where another changes it."""
    folder = paths.components
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        with FileLock(folder / "change.lock", timeout=0):
            sweep(paths)
            yield folder
    except Timeout as error:
        raise InvalidRequest("components are being changed by another window or command") from error
    except OSError as error:
        raise StorageFailed(str(folder), error.strerror or str(error)) from error


def sweep(paths: Paths) -> None:
    """Delete the folders that no file names."""
    named = {WHEELS}
    for file in paths.components.glob("*.json"):
        found = read_installed(paths, file.stem)
        named |= {found.folder} if found else set()
    for folder in paths.components.iterdir():
        if folder.is_dir() and folder.name not in named:
            shutil.rmtree(folder, ignore_errors=True)  # on Windows a process that runs may hold files of it


def remove_component(paths: Paths, lock: ComponentLock) -> None:
    """Delete a component and what has arrived of it; raises InvalidRequest, StorageFailed."""
    with changing(paths) as folder:
        (folder / f"{lock.name}.json").unlink(missing_ok=True)
        sweep(paths)
        shutil.rmtree(folder / WHEELS, ignore_errors=True)


def _arrived_bytes(folder: Path, file: str, sha256: str) -> int:
    whole = folder / file
    if whole.exists():
        return whole.stat().st_size
    journal = any_journal(folder / f"{sha256}.json")
    return journal.known_bytes if journal else 0
