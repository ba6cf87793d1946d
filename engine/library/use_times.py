"""When each model was loaded last: one small file, by the path of the model."""

import json
from pathlib import Path

from filelock import FileLock

from engine.library.atomic_file import write_atomically

LOCK_TIMEOUT_S = 5.0


class UseTimes:
    """The file. For any thread and any process; one that cannot be read counts as empty."""

    def __init__(self, path: Path) -> None:
        """Nothing is read or written yet."""
        self._path = path

    def all(self) -> dict[str, float]:
        """Seconds since 1970 by path."""
        try:
            found = json.loads(self._path.read_bytes())
        except (OSError, ValueError):
            return {}
        if not isinstance(found, dict):
            return {}
        return {path: float(time) for path, time in found.items() if isinstance(time, int | float)}

    def relocate(self, source: Path, target: Path) -> None:
        """The models below one folder lie below another now. Raises StorageFailed, OSError."""
        if not self._path.exists():
            return
        with FileLock(self._path.with_suffix(".lock"), timeout=LOCK_TIMEOUT_S):
            moved = {
                str(target / Path(one).relative_to(source)) if Path(one).is_relative_to(source) else one: when
                for one, when in self.all().items()
            }
            write_atomically(self._path, json.dumps(moved).encode())

    def note(self, path: Path, time: float) -> None:
        """A model was loaded; those whose files are gone are forgotten. Raises StorageFailed, OSError."""
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with FileLock(self._path.with_suffix(".lock"), timeout=LOCK_TIMEOUT_S):
            kept = {one: when for one, when in self.all().items() if Path(one).exists()}
            write_atomically(self._path, json.dumps(kept | {str(path): time}).encode())
