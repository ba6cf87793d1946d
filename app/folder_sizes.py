"""How much of the disk Retort's own files take."""

import os
import shutil
from pathlib import Path


def size_on_disk(path: Path) -> int:
    """Bytes of a file or of all files below a folder; links are not followed, what is gone counts 0."""
    try:
        if not path.is_dir():
            return path.stat().st_size if path.exists() else 0
        with os.scandir(path) as entries:
            return sum(
                size_on_disk(Path(entry.path))
                if entry.is_dir(follow_symlinks=False)
                else entry.stat(follow_symlinks=False).st_size
                for entry in entries
            )
    except OSError:
        return 0


def free_on_disk(path: Path) -> int:
    """Bytes that are free on the disk of a folder."""
    return shutil.disk_usage(path).free
