"""What removing a model takes away: its files, the companions that only it uses, empty folders."""

import contextlib
from pathlib import Path

from engine.contract.errors import InvalidRequest, StorageFailed
from engine.contract.paths import Paths
from engine.library.companions import files_only_of
from engine.library.importing import files_of_model
from engine.library.places import ModelPlace
from engine.library.records import Records


def check_removable(place: ModelPlace) -> None:
    """Raise InvalidRequest for models that are not the library's to remove."""
    if place.origin == "builtin":
        raise InvalidRequest("the built-in model belongs to Retort and stays")
    if place.origin is None:
        raise InvalidRequest(f"{place.path} is not in the library")
    if place.origin == "folder":
        raise InvalidRequest(
            f"{place.path} lies in one of your own folders: delete it there, or take the folder out of the "
            "settings"
        )


def files_to_remove(place: ModelPlace) -> list[Path]:
    """The files that go with a model of the models folder, of those that are there."""
    recorded = [Path(file.path) for file in place.record.files] if place.record else []
    own = recorded or files_of_model(place.path, place.format)
    return [file for file in (*own, *files_only_of(place.path)) if file.exists()]


def remove_for_good(place: ModelPlace, paths: Paths) -> int:
    """Delete a model of the models folder, or forget another; returns how many bytes were given back.

    Raises InvalidRequest for models that are not the library's to remove, StorageFailed.
    """
    check_removable(place)
    records = Records(paths.records)
    with records.lock():
        files = files_to_remove(place) if place.origin == "library" else []
        gone = {str(place.path), *(str(file) for file in files)}
        freed_bytes = 0
        for file in files:
            try:
                size_bytes = file.stat().st_size
                file.unlink(missing_ok=True)
            except OSError as error:
                raise StorageFailed(str(file), error.strerror or str(error)) from error
            freed_bytes += size_bytes
            remove_empty_folders(file.parent, paths.models)
        for record in records.all():
            if record.path in gone:
                records.forget(record)
    return freed_bytes


def remove_empty_folders(folder: Path, root: Path) -> None:
    """Remove a folder and those around it below `root`, as far as they are empty."""
    with contextlib.suppress(OSError):  # not empty: something else lies in it
        while folder != root and folder.is_relative_to(root):
            folder.rmdir()
            folder = folder.parent
