"""Wheels: unpacking one into a folder that Python imports from, and checking the files by their hashes later.

Sources: PEP 427 (a wheel is a zip archive; `*.dist-info/RECORD` names each file with its hash), PEP 376 (the
form of RECORD). What a wheel brings besides modules (programs, headers) is left out: nothing here runs it.
"""

import base64
import csv
import hashlib
import io
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import IO

from engine.contract.errors import StorageFailed

PIECE_BYTES = 2**20
_MODULES = ("purelib", "platlib")  # the parts of `NAME.data/` that are modules

Written = Callable[[int], None]  # is told of bytes as they are written; may raise to stop


def unpacked_bytes(wheel: Path) -> int:
    """What is in the archive, as its directory says; raises StorageFailed for what is no archive."""
    with _open(wheel) as archive:
        return sum(member.file_size for member in archive.infolist())


def unpack(wheel: Path, folder: Path, on_written: Written) -> str:
    """Unpack the modules of a wheel into `folder`, each file checked by RECORD; returns RECORD's place there.

    Raises StorageFailed where the archive contradicts itself, or names a place outside of the folder.
    """
    with _open(wheel) as archive:
        names = [member.filename for member in archive.infolist() if not member.is_dir()]
        record = next((name for name in names if _is_record(name)), None)
        if record is None:
            raise StorageFailed(str(wheel), "it has no list of its files")
        hashes = dict(_read_record(archive.read(record).decode()))
        kept = []
        for name in names:
            target = _target(name)
            if target is None:
                continue
            if name != record and not name.startswith(record) and name not in hashes:
                raise StorageFailed(str(wheel), f"its list of files lacks {name}")
            with archive.open(name) as source:
                found = _write(source, folder / target, on_written)
            if hashes.get(name) not in (None, "", found):
                raise StorageFailed(str(wheel), f"{name} is not what its list of files says")
            kept.append((str(target), found))
    target = _target(record)
    assert target is not None
    _write_record(folder / target, [row for row in kept if row[0] != str(target)])
    return str(target)


def damaged_files(folder: Path, record: str, on_read: Written) -> Iterator[tuple[Path, bool]]:
    """Every file that RECORD names, and whether it is damaged or missing."""
    for name, expected in _read_record((folder / record).read_text(encoding="utf-8")):
        path = folder / name
        try:
            with path.open("rb") as file:
                found = _digest(file, on_read)
        except OSError:
            found = ""
        yield path, found != expected


def _open(wheel: Path) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(wheel)
    except (OSError, zipfile.BadZipFile) as error:
        raise StorageFailed(str(wheel), f"it is no wheel ({error})") from error


def _is_record(name: str) -> bool:
    parts = PurePosixPath(name).parts
    return len(parts) == 2 and parts[0].endswith(".dist-info") and parts[1] == "RECORD"


def _target(name: str) -> PurePosixPath | None:
    """Where a member goes below the folder; None for what is no module. Raises StorageFailed."""
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or "\\" in name or ":" in name:
        raise StorageFailed(name, "a wheel names a place outside of its folder")
    if path.parts[0].endswith(".data"):
        is_module = len(path.parts) > 2 and path.parts[1] in _MODULES
        return PurePosixPath(*path.parts[2:]) if is_module else None
    return path


def _read_record(text: str) -> Iterator[tuple[str, str]]:
    """Name and SHA-256 of each file; empty for those without one (RECORD itself)."""
    for row in csv.reader(io.StringIO(text)):
        if len(row) >= 2:
            kind, _, value = row[1].partition("=")
            yield row[0], value if kind == "sha256" else ""


def _write_record(path: Path, rows: list[tuple[str, str]]) -> None:
    """What was really unpacked, in place of the wheel's own list."""
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows((name, f"sha256={found}", "") for name, found in sorted(rows))


def _write(source: IO[bytes], path: Path, on_written: Written) -> str:
    digest = hashlib.sha256()
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        while piece := source.read(PIECE_BYTES):
            file.write(piece)
            digest.update(piece)
            on_written(len(piece))
    return _encoded(digest.digest())


def _digest(file: io.BufferedReader, on_read: Written) -> str:
    digest = hashlib.sha256()
    while piece := file.read(PIECE_BYTES):
        digest.update(piece)
        on_read(len(piece))
    return _encoded(digest.digest())


def _encoded(digest: bytes) -> str:
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
