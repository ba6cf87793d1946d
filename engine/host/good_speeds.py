"""The last good decode speed of each model, and under what circumstances: one small file, by path.

A file that cannot be read counts as empty.
"""

from pathlib import Path
from typing import cast

import msgspec
from filelock import FileLock

from engine.contract.model_info import LoadedModel
from engine.contract.params import LoadParams
from engine.contract.tuning_messages import ChangedThing, SpeedChange
from engine.hardware.drivers import driver_versions
from engine.library.atomic_file import write_atomically

LOCK_TIMEOUT_S = 5.0
_RAM_BUFFERS = ("CPU", "Host", "BLAS")  # parts of the names that engines give to memory beside GPUs


class Circumstances(msgspec.Struct, frozen=True, kw_only=True):
    """What a speed depends on, each in words that can be compared."""

    engine: str
    devices: str
    threads: str
    kv_type: str
    other_load: str  # everything else of its LoadParams
    on_gpu: bool
    driver: str = ""  # versions of the GPUs' drivers

    def changes_to(self, now: "Circumstances") -> tuple[SpeedChange, ...]:
        """What is different now."""
        names = [name for name in self.__struct_fields__ if name != "on_gpu"]
        return tuple(
            SpeedChange(what=cast(ChangedThing, name), before=getattr(self, name), now=getattr(now, name))
            for name in names
            if getattr(self, name) != getattr(now, name) and (getattr(self, name) or name != "driver")
        )


class GoodSpeed(msgspec.Struct, frozen=True, kw_only=True):
    """What a model has reached."""

    size_bytes: int
    mtime_ns: int
    decode_tps: float
    circumstances: Circumstances
    told: Circumstances | None = None  # under which it was slow, and that was said

    def is_of(self, path: Path) -> bool:
        """Whether the file is still the same."""
        try:
            status = path.stat()
        except OSError:
            return False
        return (self.size_bytes, self.mtime_ns) == (status.st_size, status.st_mtime_ns)


class GoodSpeeds:
    """The file. For any thread and process."""

    def __init__(self, path: Path) -> None:
        """Nothing is read or written yet."""
        self._path = path

    def of(self, model: Path) -> GoodSpeed | None:
        """What the file at a path has reached, if anything is known of it as it is now."""
        known = self._all().get(str(model))
        return known if known is not None and known.is_of(model) else None

    def keep(self, model: Path, speed: GoodSpeed) -> None:
        """Keep a speed; models that are gone are forgotten. Raises StorageFailed, OSError, Timeout."""
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with FileLock(self._path.with_suffix(".lock"), timeout=LOCK_TIMEOUT_S):
            kept = {path: one for path, one in self._all().items() if Path(path).exists()}
            write_atomically(self._path, msgspec.json.encode(kept | {str(model): speed}))

    def _all(self) -> dict[str, GoodSpeed]:
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=dict[str, GoodSpeed])
        except (OSError, msgspec.DecodeError):
            return {}


def circumstances_of(loaded: LoadedModel, load: LoadParams) -> Circumstances:
    """Under what a loaded model runs."""
    default = LoadParams()
    apart = ("threads", "kv_type", "kv_type_v", "placement")
    others = [
        f"{name}={getattr(load, name)}"
        for name in load.__dataclass_fields__
        if name not in apart and getattr(load, name) != getattr(default, name)
    ]
    return Circumstances(
        engine=f"{loaded.backend} {loaded.backend_version}",
        devices=loaded.device,
        threads=str(load.threads or "auto"),
        kv_type=f"{load.kv_type}/{load.kv_type_v or load.kv_type}",
        other_load=" ".join(others) or "default",
        on_gpu=is_on_gpu(loaded),
        driver="; ".join(driver_versions()),
    )


def is_on_gpu(loaded: LoadedModel) -> bool:
    """Whether any weights are on a GPU."""
    if loaded.backend == "torch":
        return loaded.device.startswith(("cuda", "mps"))
    weights = (buffer.device for buffer in loaded.buffers if buffer.part == "weights")
    return any(not any(ram in device for ram in _RAM_BUFFERS) for device in weights)
