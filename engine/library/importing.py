"""Taking models into the library.

An imported model stays where it lies unless a copy is asked for. A copy is written into a folder whose name
says that it is unfinished, flushed to the disk, read back and only then given its name; whatever happens
before that leaves the library as it was.
"""

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
from engine.library.companions import companion_files
from engine.library.elsewhere import FoundModel
from engine.library.gguf import read_header
from engine.library.library_files import check_library_there
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


def import_reference(
    path: Path, paths: Paths, folders: Sequence[str] = (), *, told: FoundModel | None = None
) -> ModelPlace:
    """Take a model into the library where it lies; one that is there already is looked at anew.

    `told` is what is known of it by its place in another application's folders, its name among it.

    Raises ModelError for files that cannot be used, StorageFailed where the record cannot be written.
    """
    source, model_format = _checked(path)
    records = Records(paths.records)
    with records.lock():
        known = _place_of(source, paths, folders)
        if known is not None and known.record is None:
            return known
        if known is not None and known.record is not None:
            files = look_at_all(files_of_model(source, model_format))
            record = msgspec.structs.replace(known.record, files=files)
        else:
            name = _free_name(source, model_format, paths, folders, told.name if told else "")
            record = _record(name, source, model_format, is_reference=True)
            if told is not None:
                record = _with_what_is_told(record, told)
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
    check_library_there(paths)
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
                files = (*files_of_model(source, model_format), *companion_files(source))
                _copy_files(files, staging, progress, cancelled)
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


def files_of_model(source: Path, model_format: ModelFormat) -> list[Path]:
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


def _with_what_is_told(record: ModelRecord, told: FoundModel) -> ModelRecord:
    """The record with origin and hashes; these are compared by `retort verify`, not believed."""
    files = tuple(
        msgspec.structs.replace(file, sha256=told.hashes.get(file.path, file.sha256)) for file in record.files
    )
    return msgspec.structs.replace(
        record, files=files, source=told.source, commit=told.commit, author=told.author
    )


def _free_name(
    source: Path, model_format: ModelFormat, paths: Paths, folders: Sequence[str], wanted: str = ""
) -> str:
    own = valid_part(source.name if model_format == "checkpoint" else model_stem(source))
    taken = [place.name for place in list_places(paths, folders)]
    here = paths.models / IMPORTED_BY_HAND
    taken += [f"{IMPORTED_BY_HAND}/{folder.name}" for folder in here.iterdir()] if here.is_dir() else []
    return without_twin(wanted or f"{IMPORTED_BY_HAND}/{own}", taken)


def _record(name: str, path: Path, model_format: ModelFormat, *, is_reference: bool) -> ModelRecord:
    return ModelRecord(
        name=name,
        format=model_format,
        path=str(path),
        is_reference=is_reference,
        files=look_at_all(files_of_model(path, model_format)),
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
