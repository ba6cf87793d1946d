"""Log files that do not grow for ever."""

from pathlib import Path

LIMIT_BYTES = 2**20


def set_aside_long_log(path: Path) -> None:
    """Rename a log that has grown long, over the one that was set aside before; may raise OSError."""
    if path.exists() and path.stat().st_size > LIMIT_BYTES:
        path.replace(path.with_suffix(".old.log"))
