"""How fast each engine has answered with a model on this computer: one small file, by the model's path.

Only answers count that say something of decoding: long ones, without drafts, with the weights as the file has
them. A file that has changed since counts as another model.
"""

import statistics
from pathlib import Path

import msgspec
from filelock import FileLock

from engine.library.atomic_file import write_atomically

LOCK_TIMEOUT_S = 5.0
LEAST_TOKENS = 32  # of an answer
KEPT_ANSWERS = 5  # the newest, of each engine
LEAST_ANSWERS = 3
CLEARLY = 1.1  # times as fast


class ModelSpeeds(msgspec.Struct, frozen=True):
    """Tokens per second by engine, the newest last, of a file with this size and time."""

    size_bytes: int
    mtime_ns: int
    decode_tps: dict[str, tuple[float, ...]]

    def faster(self) -> str:
        """The engine that is clearly faster; empty where that is not known."""
        known = {name: values for name, values in self.decode_tps.items() if len(values) >= LEAST_ANSWERS}
        if len(known) < 2:
            return ""
        (first, best), (_, second) = sorted(
            ((name, statistics.median(values)) for name, values in known.items()), key=lambda one: -one[1]
        )[:2]
        return first if best > CLEARLY * second else ""


class MeasuredSpeeds:
    """The file. For any thread and any process; one that cannot be read counts as empty."""

    def __init__(self, path: Path) -> None:
        """Nothing is read or written yet."""
        self._path = path

    def faster(self, model: Path) -> str:
        """The engine that has clearly been faster with a model file; empty where that is not known."""
        speeds = self._all().get(str(model))
        return speeds.faster() if speeds is not None and _is_of(speeds, model) else ""

    def note(self, model: Path, engine: str, decode_tps: float) -> None:
        """An answer came so fast; models that are gone are forgotten. Raises StorageFailed, OSError."""
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with FileLock(self._path.with_suffix(".lock"), timeout=LOCK_TIMEOUT_S):
            kept = {path: speeds for path, speeds in self._all().items() if Path(path).exists()}
            known = kept.get(str(model))
            before = known.decode_tps if known is not None and _is_of(known, model) else {}
            newest = (*before.get(engine, ()), decode_tps)[-KEPT_ANSWERS:]
            status = model.stat()
            kept[str(model)] = ModelSpeeds(status.st_size, status.st_mtime_ns, before | {engine: newest})
            write_atomically(self._path, msgspec.json.encode(kept))

    def _all(self) -> dict[str, ModelSpeeds]:
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=dict[str, ModelSpeeds])
        except (OSError, msgspec.DecodeError):
            return {}


def _is_of(speeds: ModelSpeeds, model: Path) -> bool:
    try:
        status = model.stat()
    except OSError:
        return False
    return (speeds.size_bytes, speeds.mtime_ns) == (status.st_size, status.st_mtime_ns)
