"""Files that are never half written: the new content is on the disk before it takes the old one's place."""

import contextlib
import os
import tempfile
from pathlib import Path

from engine.contract.errors import StorageFailed


def write_atomically(path: Path, content: bytes) -> None:
    """Put `content` into `path`, which holds the old or the new content whatever happens.

    Raises StorageFailed with the reason; then the old content is untouched.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            Path(name).replace(path)
        except OSError:
            Path(name).unlink(missing_ok=True)
            raise
        sync_folder(path.parent)
    except OSError as error:
        raise StorageFailed(str(path), error.strerror or str(error)) from error


def sync_folder(folder: Path) -> None:
    """Make the folder's entries last through a loss of power, where the system has a way to say so."""
    if os.name == "nt":
        return
    with contextlib.suppress(OSError):  # some network drives refuse it
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
