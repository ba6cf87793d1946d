"""Moving the library to another folder, mostly on another disk.

Copy everything, switch, delete the old: at any moment one of both places is whole, and a journal says which
step it is. Whatever ends the process, the same call goes on from there; after the switch `finish_move` does.
Where both folders are on one disk the files are linked, which takes neither time nor room.
"""

import contextlib
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal

import msgspec
from filelock import FileLock, Timeout

from engine.contract.errors import InvalidRequest, StorageFailed
from engine.contract.paths import Paths
from engine.library.atomic_file import write_atomically
from engine.library.library_files import (
    FOLDERS,
    bring,
    can_link,
    check_library_there,
    half_copies,
    library_files,
)
from engine.library.records import Records
from engine.library.relocation import relocate
from engine.library.unfinished import list_unfinished

FREE_AFTER_MOVE_BYTES = 2**30
_Stamp = tuple[int, int]  # bytes, nanoseconds of the last change


class MoveCancelled(Exception):
    """The copy was stopped; what was copied stays for the next time."""


class Move(msgspec.Struct, frozen=True, kw_only=True):
    """The journal of a move."""

    source: str
    target: str
    state: Literal["copying", "switching", "removing"]
    done: dict[str, _Stamp]  # files as they were when they were copied, by their place in the library


class Moved(msgspec.Struct, frozen=True, kw_only=True):
    """What a move did."""

    num_files: int
    size_bytes: int


def begun_move(paths: Paths) -> Move | None:
    """The move that has begun and not ended; raises StorageFailed for a journal that cannot be read."""
    try:
        return msgspec.json.decode(_journal(paths).read_bytes(), type=Move)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.DecodeError) as error:
        raise StorageFailed(str(_journal(paths)), str(error)) from error


def move_library(
    target: Path,
    paths: Paths,
    *,
    progress: Callable[[float], None] = lambda _fraction: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Moved:
    """Move the library, or go on with that; `progress` hears fractions of its bytes.

    Raises InvalidRequest for a folder that cannot be taken and while downloads run, StorageFailed where there
    is no room (before anything is copied) or the disk fails, MoveCancelled.
    """
    with _alone(paths):
        move = begun_move(paths)
        if move is not None and move.state != "copying":
            _finish(move, paths)
            if Path(move.target) == target:
                return _told(move)
            move = None
        if move is not None and Path(move.target) != target:
            raise InvalidRequest(f"a move to {move.target} has begun: go on with it, or give it up first")
        if move is None:
            _check_target(target, paths)
            move = Move(source=str(paths.library), target=str(target), state="copying", done={})
            _save(move, paths)
        try:
            move = _copied(move, paths, progress, cancelled)
            with Records(paths.records).lock():
                if any(download.is_active for download in list_unfinished(paths.partial)):
                    raise InvalidRequest("downloads are running: let them end or stop them, then go on")
                move = _copied(move, paths, progress, cancelled)  # what came meanwhile
                move = msgspec.structs.replace(move, state="switching")
                _save(move, paths)
                move = _switched(move, paths)
            _finish(move, paths)
        except OSError as error:
            raise StorageFailed(str(target), error.strerror or str(error)) from error
    return _told(move)


def finish_move(paths: Paths) -> None:
    """End a move that had come to its switch; one that was copying waits for `move_library`."""
    move = begun_move(paths)
    if move is not None and move.state != "copying":
        with _alone(paths):
            _finish(move, paths)


def give_up_move(paths: Paths) -> None:
    """Delete what a move has copied; one that has come to its switch is finished instead."""
    with _alone(paths):
        move = begun_move(paths)
        if move is None:
            return
        if move.state == "copying":
            target = Path(move.target)  # it was empty: whatever lies there now was copied
            _remove(target, {file.relative_to(target).as_posix() for file in library_files(target)})
            _journal(paths).unlink(missing_ok=True)
        else:
            _finish(move, paths)


def _check_target(target: Path, paths: Paths) -> None:
    library = paths.library
    if not target.is_absolute():
        raise InvalidRequest(f"{target} is no whole path")
    if target == library:
        raise InvalidRequest(f"the library lies in {target} already")
    if any(target.is_relative_to(library / folder) for folder in FOLDERS):
        raise InvalidRequest(f"{target} is inside the library")
    is_free = target == paths.data or not target.exists() or (target.is_dir() and not any(target.iterdir()))
    if not is_free or next(library_files(target), None) is not None:
        raise InvalidRequest(f"{target} is not empty: name a new folder")


def _copied(
    move: Move, paths: Paths, progress: Callable[[float], None], cancelled: Callable[[], bool]
) -> Move:
    """Copy what is not there or has changed since; each file is noted when it is on the disk."""
    check_library_there(paths)
    source, target = Path(move.source), Path(move.target)
    files = {file.relative_to(source).as_posix(): file for file in library_files(source)}
    stamps = {name: _stamp(file) for name, file in files.items()}
    missing = [name for name in files if move.done.get(name) != stamps[name] or not (target / name).exists()]
    target.mkdir(parents=True, exist_ok=True, mode=0o700)
    by_link = can_link(source, target)
    try:
        _check_room(target, 0 if by_link else sum(stamps[name][0] for name in missing))
    except StorageFailed:
        if not move.done:
            _journal(paths).unlink()  # nothing has begun
        raise
    for name in move.done.keys() - files.keys():
        (target / name).unlink(missing_ok=True)
    done = {name: stamp for name, stamp in move.done.items() if name in files and name not in missing}
    total = max(1, sum(size for size, _ in stamps.values()))
    done_bytes = sum(size for size, _ in done.values())

    def read(num_bytes: int) -> None:
        nonlocal done_bytes
        if cancelled():
            raise MoveCancelled
        done_bytes += num_bytes
        progress(min(1.0, done_bytes / total))

    move = msgspec.structs.replace(move, done=done)
    _save(move, paths)
    for name in missing:
        bring(files[name], target / name, by_link=by_link, read=read)
        done[name] = stamps[name]
        _save(move, paths)
    return move


def _switched(move: Move, paths: Paths) -> Move:
    """Make the new place the library's; every step may have been done already."""
    source, target = Path(move.source), Path(move.target)
    for folder in FOLDERS:
        (target / folder).mkdir(parents=True, exist_ok=True, mode=0o700)
    if target == paths.data:
        paths.library_pointer.unlink(missing_ok=True)
    else:
        write_atomically(paths.library_pointer, str(target).encode())
    relocate(source, target, paths)
    move = msgspec.structs.replace(move, state="removing")
    _save(move, paths)
    return move


def _finish(move: Move, paths: Paths) -> None:
    """From the switch on to the end; raises StorageFailed where old files cannot be deleted now."""
    if move.state == "switching":
        with Records(paths.records).lock():
            move = _switched(move, paths)
    try:
        _remove(Path(move.source), set(move.done))
    except OSError as error:
        raise StorageFailed(move.source, error.strerror or str(error)) from error
    _journal(paths).unlink(missing_ok=True)


def _remove(library: Path, names: set[str]) -> None:
    """Delete these files, the locks of ended downloads, and the folders that this leaves empty."""
    for file in (*(library / name for name in names), *half_copies(library)):
        file.unlink(missing_ok=True)
    for lock in (library / "partial").glob("*.lock"):
        lock.unlink(missing_ok=True)
    for root in (library / folder for folder in FOLDERS):
        inside = sorted((path for path in root.rglob("*") if path.is_dir()), reverse=True)
        for folder in (*inside, root):
            with contextlib.suppress(OSError):  # something else lies in it
                folder.rmdir()


def _check_room(target: Path, needed_bytes: int) -> None:
    free = shutil.disk_usage(target).free
    if needed_bytes and free < needed_bytes + FREE_AFTER_MOVE_BYTES:
        raise StorageFailed(
            str(target),
            f"the library takes {needed_bytes / 2**30:.1f} GiB, {free / 2**30:.1f} GiB are free and 1 GiB is "
            "kept free",
        )


def _told(move: Move) -> Moved:
    return Moved(num_files=len(move.done), size_bytes=sum(size for size, _ in move.done.values()))


def _stamp(file: Path) -> _Stamp:
    status = file.stat()
    return status.st_size, status.st_mtime_ns


def _journal(paths: Paths) -> Path:
    return paths.data / "moving.json"


def _save(move: Move, paths: Paths) -> None:
    write_atomically(_journal(paths), msgspec.json.encode(move))


@contextlib.contextmanager
def _alone(paths: Paths) -> Iterator[None]:
    """Hold this while a move goes on; raises InvalidRequest where another process does."""
    paths.data.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        with FileLock(paths.data / "moving.lock", timeout=0):
            yield
    except Timeout as error:
        raise InvalidRequest("another process is moving the library just now") from error
