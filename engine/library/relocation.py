"""What is kept about models by their paths, changed where the library's folder has changed."""

from pathlib import Path

import msgspec

from engine.contract.errors import ModelNotFound
from engine.contract.paths import Paths
from engine.library.atomic_file import write_atomically
from engine.library.bin import BIN_ENTRY, BinEntry
from engine.library.quality_cards import QualityCards
from engine.library.records import ModelRecord, RecordedFile, Records, look_at
from engine.library.use_times import UseTimes


def relocate(source: Path, target: Path, paths: Paths) -> None:
    """Point records, the bin's entries, quality cards and times of use to the files in `target`.

    Both places hold the files now. Done twice it changes nothing more. The caller holds the records' lock.
    """
    records, cards = Records(paths.records), QualityCards(paths.quality)
    for record in records.all():
        if Path(record.path).is_relative_to(source / "models"):
            cards.relocate(Path(record.path), _moved(record.path, source, target))
            records.save(_record(record, source, target))
    for file in (target / "bin").glob(f"*/{BIN_ENTRY}"):
        entry = msgspec.json.decode(file.read_bytes(), type=BinEntry)
        changed = msgspec.structs.replace(
            entry,
            path=str(_moved(entry.path, source, target)),
            records=tuple(_record(record, source, target) for record in entry.records),
        )
        if changed != entry:
            write_atomically(file, msgspec.json.format(msgspec.json.encode(changed)))
    UseTimes(paths.use_times).relocate(source / "models", target / "models")


def _record(record: ModelRecord, source: Path, target: Path) -> ModelRecord:
    return msgspec.structs.replace(
        record,
        path=str(_moved(record.path, source, target)),
        files=tuple(_file(file, source, target) for file in record.files),
    )


def _file(file: RecordedFile, source: Path, target: Path) -> RecordedFile:
    """The file at its new place; disks differ in how exactly they keep times, so it is looked at anew."""
    path = _moved(file.path, source, target)
    try:
        before, now = look_at(Path(file.path)), look_at(path)
    except ModelNotFound:
        return msgspec.structs.replace(file, path=str(path))
    if (before.size_bytes, before.mtime_ns) != (file.size_bytes, file.mtime_ns):
        return msgspec.structs.replace(file, path=str(path))  # it had changed, and that is still to be said
    return msgspec.structs.replace(now, sha256=file.sha256)


def _moved(path: str, source: Path, target: Path) -> Path:
    models = source / "models"
    return (
        target / "models" / Path(path).relative_to(models)
        if Path(path).is_relative_to(models)
        else Path(path)
    )
