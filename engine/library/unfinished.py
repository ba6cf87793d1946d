"""The folder of unfinished downloads: what lies there, what can go on, and deleting what the user says."""

import time
from collections.abc import Collection
from pathlib import Path

from filelock import FileLock, Timeout

from engine.contract.errors import StorageFailed
from engine.contract.unfinished_messages import UnfinishedDownload
from engine.library.journal import any_journal

_DAY_S = 86_400.0


def lock_download(folder: Path, stem: str) -> FileLock:
    """The lock of one unfinished file, not yet taken; whoever writes or deletes it holds this."""
    return FileLock(folder / f"{stem}.lock", timeout=0)


def list_unfinished(folder: Path) -> tuple[UnfinishedDownload, ...]:
    """Every unfinished file, those that changed last first."""
    parts = folder.glob("*.part") if folder.is_dir() else ()
    found = [download for part in parts if (download := _look_at(part)) is not None]
    return tuple(sorted(found, key=lambda download: -download.changed_at))


def drop_unfinished(
    folder: Path, files: Collection[str] = (), *, older_than_days: float = 0.0
) -> tuple[tuple[str, ...], int]:
    """Delete unfinished files and their journals; returns their names and the bytes given back.

    Without `files` all of them. Those that a process is fetching stay. Raises StorageFailed.
    """
    latest = time.time() - older_than_days * _DAY_S
    dropped, freed_bytes = [], 0
    for download in list_unfinished(folder):
        is_wanted = not files or download.file in files
        if not is_wanted or (older_than_days and download.changed_at > latest):
            continue
        part = folder / download.file
        try:
            with lock_download(folder, part.stem):
                delete_part(part)
        except Timeout:
            continue
        except OSError as error:
            raise StorageFailed(str(part), error.strerror or str(error)) from error
        dropped.append(download.file)
        freed_bytes += download.disk_bytes
    return tuple(dropped), freed_bytes


def delete_part(part: Path) -> None:
    """Delete an unfinished file and its journal."""
    for left in (part, part.with_suffix(".json"), part.with_suffix(".json.new")):
        left.unlink(missing_ok=True)


def _look_at(part: Path) -> UnfinishedDownload | None:
    try:
        status = part.stat()
    except OSError:  # it has ended just now
        return None
    journal = any_journal(part.with_suffix(".json"))
    blocks = getattr(status, "st_blocks", None)  # of 512 bytes; Windows does not count them
    return UnfinishedDownload(
        file=part.name,
        model=journal.what if journal else "",
        arrived_bytes=journal.known_bytes if journal else 0,
        size_bytes=journal.size_bytes if journal else 0,
        disk_bytes=status.st_size if blocks is None else 512 * blocks,
        changed_at=status.st_mtime,
        is_active=_is_held(part),
    )


def _is_held(part: Path) -> bool:
    if not part.with_suffix(".lock").exists():
        return False
    try:
        with lock_download(part.parent, part.stem):
            return False
    except (Timeout, OSError):
        return True
