"""What searches have found: one small file, by the model's content, the devices and the engine's build.

So a result follows its file when that is moved or renamed, and several sets of devices and engines have one
each. Every change holds a lock and replaces the file as a whole.
"""

import hashlib
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import msgspec
from filelock import FileLock

from engine.contract.fit_messages import DeviceMemory
from engine.contract.tuned import TunedModel
from engine.library.atomic_file import write_atomically

LOCK_TIMEOUT_S = 5.0
MOST_KEPT = 200
SAMPLES, SAMPLE_BYTES = 64, 65_536


class TunedRecords:
    """The file; one that cannot be read counts as empty. For any thread and process."""

    def __init__(self, path: Path) -> None:
        """Nothing is read or written yet."""
        self._path = path

    def of(self, model: Path, devices: tuple[str, ...] = (), engine_build: str = "") -> TunedModel | None:
        """What was found of a model: with these devices and this build if that is known, else the newest."""
        key = content_key(model)
        known = [one for one in self._all() if one.content_key == key]
        same = [one for one in known if (one.devices, one.engine_build) == (devices, engine_build)]
        return max(same or known, key=lambda one: one.tuned_at, default=None)

    def keep(self, found: TunedModel) -> None:
        """Keep a result in place of an earlier one of the same model, devices and build.

        Raises StorageFailed, OSError, filelock.Timeout.
        """
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with FileLock(self._path.with_suffix(".lock"), timeout=LOCK_TIMEOUT_S):
            others = [one for one in self._all() if _identity(one) != _identity(found)]
            kept = sorted((*others, found), key=lambda one: one.tuned_at)[-MOST_KEPT:]
            write_atomically(self._path, msgspec.json.encode(kept))

    def _all(self) -> list[TunedModel]:
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=list[TunedModel])
        except (OSError, msgspec.DecodeError):
            return []


def content_key(model: Path) -> str:
    """A hash by which a model is known again: of its files' sizes and of 64 places in each.

    The whole hash of a large model takes minutes, and this is asked whenever one is shown. Raises OSError.
    """
    files = sorted(path for path in model.rglob("*") if path.is_file()) if model.is_dir() else [model]
    digest = hashlib.sha256()
    for file in files:
        size = file.stat().st_size
        digest.update(size.to_bytes(8, "little"))
        with file.open("rb") as opened:
            for number in range(SAMPLES):
                opened.seek(max(0, size - SAMPLE_BYTES) * number // (SAMPLES - 1))
                digest.update(opened.read(SAMPLE_BYTES))
                if size <= SAMPLE_BYTES:
                    break
    return digest.hexdigest()


def devices_of(memory: Sequence[DeviceMemory], processors: int, drivers: Sequence[str]) -> tuple[str, ...]:
    """The set of devices, each with what makes it another one, and their drivers."""
    gpus = [
        f"{device.description or device.name}, {device.total_bytes // 2**20:,} MiB"
        for device in memory
        if device.is_gpu
    ]
    return (f"{processors} processors", *gpus, *(drivers if gpus else ()))


def engine_build(backend: str, llama_version: str) -> str:
    """Which build of an engine is installed now; `llama_version` as a worker of llama.cpp tells it."""
    if backend != "torch":
        return f"llama {llama_version}"
    try:
        return f"torch {version('torch')}"
    except PackageNotFoundError:
        return "no torch"


def _identity(found: TunedModel) -> tuple[str, tuple[str, ...], str]:
    return found.content_key, found.devices, found.engine_build
