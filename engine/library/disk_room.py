"""Whether a file of a known size fits where it is to be written, asked before the work is done."""

import shutil
from pathlib import Path

from engine.contract.errors import StorageFailed


def check_room(path: Path, size_bytes: int) -> None:
    """Raise StorageFailed where the folder of `path` is missing or its disk has less room than this."""
    try:
        free_bytes = shutil.disk_usage(path.parent).free
    except OSError as error:
        raise StorageFailed(str(path), error.strerror or str(error)) from error
    if free_bytes < size_bytes:
        raise StorageFailed(str(path), f"it takes {size_bytes:,} bytes, and {free_bytes:,} are free")
