"""Reading models again to see whether the disk still gives what was put there.

A file whose hash nobody knows is taken as it is now, and the hash is noted for the next time.
"""

import hashlib
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from msgspec import structs

from engine.contract.errors import InvalidRequest
from engine.contract.model_info import VerifiedModel
from engine.contract.paths import Paths
from engine.library.places import ModelPlace
from engine.library.records import ModelRecord, RecordedFile, Records, look_at

PIECE_BYTES = 4 * 2**20


class VerifyCancelled(Exception):
    """Nobody wants to know any more; nothing was noted of the model that was being read."""


def verify_models(
    paths: Paths,
    place: ModelPlace | None,
    *,
    progress: Callable[[float], None] = lambda _fraction: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> tuple[VerifiedModel, ...]:
    """Read the files of a model, or of every recorded one, and compare their hashes; the records note it.

    Raises InvalidRequest for a model without a record, StorageFailed, VerifyCancelled.
    """
    records = Records(paths.records)
    if place is not None and place.record is None:
        raise InvalidRequest(f"{place.name} has no record to compare with; it can be imported first")
    wanted = [place.record] if place is not None and place.record else records.all()
    total = max(1, sum(record.size_bytes for record in wanted))
    done = 0

    def read(num_bytes: int) -> None:
        nonlocal done
        if cancelled():
            raise VerifyCancelled
        done += num_bytes
        progress(min(1.0, done / total))

    found = []
    for record in wanted:
        model, checked = _verify(record, read)
        found.append(model)
        with records.lock():
            records.save(checked)
    return tuple(found)


def _verify(record: ModelRecord, read: Callable[[int], None]) -> tuple[VerifiedModel, ModelRecord]:
    """What the files are, and the record that says so."""
    missing: list[str] = []
    damaged: list[str] = []
    unknown: list[str] = []
    now: list[RecordedFile] = []
    for file in record.files:
        path = Path(file.path)
        if not path.exists():
            missing.append(file.path)
            now.append(file)
            continue
        sha256 = _sha256(path, read)
        if not file.sha256:
            unknown.append(file.path)
        elif sha256 != file.sha256:
            damaged.append(file.path)
            now.append(file)
            continue
        now.append(structs.replace(look_at(path), sha256=sha256))
    changed = structs.replace(
        record,
        files=tuple(now),
        is_damaged=bool(damaged),
        verified_at=record.verified_at if damaged or missing else time.time(),
    )
    return _verdict(record, missing, damaged, unknown), changed


def _verdict(
    record: ModelRecord, missing: Sequence[str], damaged: Sequence[str], unknown: Sequence[str]
) -> VerifiedModel:
    read_bytes = sum(file.size_bytes for file in record.files if file.path not in missing)
    if missing:
        return VerifiedModel(name=record.name, verdict="missing", files=tuple(missing), read_bytes=read_bytes)
    if damaged:
        return VerifiedModel(name=record.name, verdict="damaged", files=tuple(damaged), read_bytes=read_bytes)
    return VerifiedModel(
        name=record.name,
        verdict="unknown" if unknown else "sound",
        files=tuple(unknown),
        read_bytes=read_bytes,
    )


def _sha256(path: Path, read: Callable[[int], None]) -> str:
    found = hashlib.sha256()
    with path.open("rb") as file:
        while data := file.read(PIECE_BYTES):
            found.update(data)
            read(len(data))
    return found.hexdigest()
