"""The files of the library's folder, and bringing one of them to another folder unchanged."""

import hashlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path

from engine.contract.errors import StorageFailed
from engine.contract.paths import Paths
from engine.library.atomic_file import sync_folder
from engine.library.places import UNFINISHED

FOLDERS = ("models", "bin", "partial")
_COPYING = ".moving"  # what a file that is being copied ends in
_PIECE_BYTES = 8 * 2**20


def library_files(library: Path, folders: tuple[str, ...] = FOLDERS) -> Iterator[Path]:
    """The files to be kept below a library's folder; no locks, and nothing that is still being written."""
    for name in folders:
        root = library / name
        for file in sorted(root.rglob("*")) if root.is_dir() else ():
            parts = file.relative_to(root).parts
            is_kept = name == "partial" or not any(part.endswith(UNFINISHED) for part in parts)
            if is_kept and not file.name.endswith((".lock", _COPYING)) and file.is_file():
                yield file


def half_copies(library: Path) -> list[Path]:
    """What a copy that ended has left."""
    return [file for name in FOLDERS for file in (library / name).rglob(f"*{_COPYING}")]


def size_of_folder(library: Path, folder: str) -> int:
    """Bytes of the files in one of the library's folders."""
    return sum(file.stat().st_size for file in library_files(library, (folder,)))


def check_library_there(paths: Paths) -> None:
    """Raise StorageFailed where the library was moved to a disk that is not connected now."""
    if paths.library != paths.data and not paths.models.is_dir():
        raise StorageFailed(str(paths.library), "the library lies here, and the folder is not there")


def can_link(source: Path, target: Path) -> bool:
    """Whether a file can be in both folders at once, so that nothing need be copied."""
    if source.stat().st_dev != target.stat().st_dev:
        return False
    probe, other = target / f"probe{_COPYING}", target / f"probe-2{_COPYING}"
    try:
        other.unlink(missing_ok=True)
        probe.touch()
        os.link(probe, other)
    except OSError:
        return False
    finally:
        probe.unlink(missing_ok=True)
        other.unlink(missing_ok=True)
    return True


def bring(source: Path, target: Path, *, by_link: bool, read: Callable[[int], None]) -> None:
    """Put the same file at another place; `read` hears how many bytes are done. Raises OSError.

    A copy is read back from the disk, not from memory where the system allows that, and has its name only
    when its hash is right; StorageFailed where it is not.
    """
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if by_link:
        target.unlink(missing_ok=True)
        os.link(source, target)
        read(source.stat().st_size)
        return
    half = target.with_name(target.name + _COPYING)
    status, found = source.stat(), hashlib.sha256()
    with source.open("rb") as reader, half.open("wb") as writer:
        while piece := reader.read(_PIECE_BYTES):
            writer.write(piece)
            found.update(piece)
            read(len(piece))
        writer.flush()
        os.fsync(writer.fileno())
        if hasattr(os, "posix_fadvise"):
            os.posix_fadvise(writer.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    with half.open("rb") as written:
        if hashlib.file_digest(written, "sha256").digest() != found.digest():
            half.unlink()
            raise StorageFailed(str(target), "the disk gives back other bytes than were written to it")
    os.utime(half, ns=(status.st_atime_ns, status.st_mtime_ns))
    half.replace(target)
    sync_folder(target.parent)
