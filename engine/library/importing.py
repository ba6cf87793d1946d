"""Taking models into the library and out of it again.

An imported model stays where it lies unless a copy is asked for. A copy is written into a folder whose name
says that it is unfinished, flushed to the disk, read back and only then given its name; whatever happens
before that leaves the library as it was. Removing deletes copies for good and only forgets the others.
"""

import contextlib
import os
import shutil
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec
from filelock import Timeout

from engine.contract.errors import InvalidRequest, ModelDamaged, ModelNotFound, StorageFailed
from engine.contract.model_info import ModelFormat
from engine.contract.paths import Paths
from engine.library.atomic_file import sync_folder
from engine.library.checkpoint import PICKLES, is_checkpoint, read_checkpoint
from engine.library.gguf import read_header
from engine.library.names import valid_part, without_twin
from engine.library.places import UNFINISHED, ModelPlace, find_model, list_places
from engine.library.records import ModelRecord, Records, look_at_all
from engine.library.shards import model_stem, part_paths

IMPORTED_BY_HAND = "local"  # the publisher of models that come from no hub
COPY_PIECE_BYTES = 8 * 2**20
FREE_AFTER_COPY_BYTES = 2**30  # a full disk is worse than a model that is not copied

Progress = Callable[[float], None]


class ImportCancelled(Exception):
    """The copy was stopped and has left nothing behind."""


def import_reference(path: Path, paths: Paths, folders: Sequence[str] = ()) -> ModelPlace:
    """Take a model into the library where it lies; one that is there already is looked at anew.

    Raises ModelError for files that cannot be used, StorageFailed where the record cannot be written.
    """
    source, model_format = _checked(path)
    records = Records(paths.records)
    with records.lock():
        known = _place_of(source, paths, folders)
        if known is not None and known.record is None:
            return known
        if known is not None and known.record is not None:
            files = look_at_all(_files_of(source, model_format))
            record = msgspec.structs.replace(known.record, files=files)
        else:
            name = _free_name(source, model_format, paths, folders)
            record = _record(name, source, model_format, is_reference=True)
        records.save(record)
    return find_model(str(source), paths, folders)


def import_copy(
    path: Path,
    paths: Paths,
    folders: Sequence[str] = (),
    *,
    progress: Progress = lambda _fraction: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> ModelPlace:
    """Copy a model into the models folder; `progress` hears fractions of its bytes.

    Raises ModelError for files that cannot be used, StorageFailed where the copy cannot be written,
    InvalidRequest where another process copies the same model, ImportCancelled.
    """
    source, model_format = _checked(path)
    if source.is_relative_to(paths.models):
        raise InvalidRequest(f"{source} is in the models folder already")
    records = Records(paths.records)
    with records.lock():
        name = _free_name(source, model_format, paths, folders)
    target = paths.models.joinpath(*name.split("/"))
    staging = target.with_name(target.name + UNFINISHED)
    final = target if model_format == "checkpoint" else target / source.name
    try:
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with records.lock_name(name):
            try:
                _copy_files(_files_of(source, model_format), staging, progress, cancelled)
                _checked(staging if model_format == "checkpoint" else staging / source.name)
                with records.lock():
                    staging.rename(target)
                    sync_folder(target.parent)
                    records.save(_record(name, final, model_format, is_reference=False))
            finally:
                shutil.rmtree(staging, ignore_errors=True)
    except Timeout as error:
        raise InvalidRequest(f"another process is copying {source.name} just now") from error
    except OSError as error:
        raise StorageFailed(str(target), error.strerror or str(error)) from error
    return find_model(str(final), paths, folders)


def remove_model(place: ModelPlace, paths: Paths) -> int:
    """Take a model out of the library; returns how many bytes were given back.

    Raises InvalidRequest for models that are not the library's to remove, StorageFailed.
    """
    if place.origin == "builtin":
        raise InvalidRequest("the built-in model belongs to Retort and stays")
    if place.origin is None:
        raise InvalidRequest(f"{place.path} is not in the library")
    if place.origin == "folder":
        raise InvalidRequest(
            f"{place.path} lies in one of your own folders: delete it there, or take the folder out of the "
            "settings"
        )
    records = Records(paths.records)
    with records.lock():
        if place.origin == "reference":
            assert place.record is not None
            records.forget(place.record)
            return 0
        freed_bytes = _delete(place, paths.models)
        if place.record is not None:
            records.forget(place.record)
    return freed_bytes


def _checked(path: Path) -> tuple[Path, ModelFormat]:
    """The path that a model is loaded by, and its format; raises ModelError where it is not sound."""
    path = path.expanduser().absolute()
    if path.is_dir():
        if not is_checkpoint(path):
            raise ModelDamaged(str(path), "it is a folder without a config.json; name a .gguf file in it")
        read_checkpoint(path)
        return path, "checkpoint"
    first = part_paths(path)[0]
    if not first.exists():
        raise ModelNotFound(str(first))
    read_header(first)
    return first, "gguf"


def _place_of(source: Path, paths: Paths, folders: Sequence[str]) -> ModelPlace | None:
    return next((place for place in list_places(paths, folders) if place.path == source), None)


def _free_name(source: Path, model_format: ModelFormat, paths: Paths, folders: Sequence[str]) -> str:
    own = valid_part(source.name if model_format == "checkpoint" else model_stem(source))
    taken = [place.name for place in list_places(paths, folders)]
    here = paths.models / IMPORTED_BY_HAND
    taken += [f"{IMPORTED_BY_HAND}/{folder.name}" for folder in here.iterdir()] if here.is_dir() else []
    return without_twin(f"{IMPORTED_BY_HAND}/{own}", taken)


def _files_of(source: Path, model_format: ModelFormat) -> list[Path]:
    """The files that make up a model; of a folder all but hidden ones, pickles and folders in it."""
    if model_format == "gguf":
        return list(part_paths(source))
    return [
        file
        for file in sorted(source.iterdir())
        if file.is_file()
        and not file.name.startswith(".")
        and not any(file.match(pattern) for pattern in PICKLES)
    ]


def _record(name: str, path: Path, model_format: ModelFormat, *, is_reference: bool) -> ModelRecord:
    return ModelRecord(
        name=name,
        format=model_format,
        path=str(path),
        is_reference=is_reference,
        files=look_at_all(_files_of(path, model_format)),
        added_at=time.time(),
    )


def _copy_files(
    files: Sequence[Path], staging: Path, progress: Progress, cancelled: Callable[[], bool]
) -> None:
    shutil.rmtree(staging, ignore_errors=True)  # what a killed copy left
    staging.mkdir(mode=0o700)
    total = sum(file.stat().st_size for file in files)
    free = shutil.disk_usage(staging).free
    if free < total + FREE_AFTER_COPY_BYTES:
        raise StorageFailed(
            str(staging.parent),
            f"a copy takes {total / 2**30:.1f} GiB, {free / 2**30:.1f} GiB are free and 1 GiB is kept free",
        )
    done = 0
    for file in files:
        with file.open("rb") as source, (staging / file.name).open("xb") as target:
            while piece := source.read(COPY_PIECE_BYTES):
                if cancelled():
                    raise ImportCancelled
                target.write(piece)
                done += len(piece)
                progress(done / max(1, total))
            target.flush()
            os.fsync(target.fileno())
    sync_folder(staging)


def _delete(place: ModelPlace, root: Path) -> int:
    """Delete a model's files, and the folders below `root` that this leaves empty."""
    files = [Path(file.path) for file in place.record.files] if place.record else []
    freed_bytes = 0
    for file in files or _files_of(place.path, place.format):
        try:
            freed_bytes += file.stat().st_size
            file.unlink()
        except FileNotFoundError:
            continue
        except OSError as error:
            raise StorageFailed(str(file), error.strerror or str(error)) from error
    folder = place.path if place.format == "checkpoint" else place.path.parent
    with contextlib.suppress(OSError):  # not empty: something else lies in it
        while folder != root and folder.is_relative_to(root):
            folder.rmdir()
            folder = folder.parent
    return freed_bytes
