"""Where models lie and what they are called, found without opening any of them.

Models come from four places: the one that ships with Retort, the models folder, folders named in the settings
and files that were imported where they lie. A name is found in all of them; a path is taken as it is.
"""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.contract.errors import ModelAmbiguous, ModelNotFound
from engine.contract.model_info import ModelFormat, ModelOrigin
from engine.contract.paths import Paths, builtin_model
from engine.library.checkpoint import is_checkpoint
from engine.library.companions import files_of_companions, is_first_part
from engine.library.names import short_names, valid_part, without_twin
from engine.library.records import ModelRecord, Records
from engine.library.shards import model_stem, part_paths

BUILTIN = "builtin"
UNFINISHED = ".part"  # what ends so is still being written or already being deleted
MAX_DEPTH = 3  # publisher, repository, checkpoint


@dataclass(frozen=True, slots=True)
class ModelPlace:
    """A model's name and where it lies."""

    name: str
    path: Path  # the file, the first of its parts, or the folder
    format: ModelFormat
    origin: ModelOrigin | None  # None: not of the library, only named by its path
    record: ModelRecord | None = None

    def check(self) -> None:
        """Raise ModelNotFound or ModelChanged where the files are not as they should be."""
        if self.record is not None:
            self.record.check_unchanged()
        elif not self.path.exists():
            raise ModelNotFound(str(self.path))


def list_places(paths: Paths, folders: Sequence[str] = ()) -> list[ModelPlace]:
    """Every model of the library, the built-in one first; no two of one name or at one path."""
    records = {record.path: record for record in Records(paths.records).all()}
    found = [ModelPlace(BUILTIN, builtin_model(), "gguf", "builtin")]
    for record in records.values():
        if record.is_reference:
            found.append(ModelPlace(record.name, Path(record.path), record.format, "reference", record))
    found += _places_below(paths.models, "library", records)
    for folder in folders:
        found += _places_below(Path(folder).expanduser(), "folder", {})
    return _told_apart(found)


def find_model(model: str, paths: Paths | None = None, folders: Sequence[str] = ()) -> ModelPlace:
    """The model that a user means: `builtin`, a whole or short name of the library, or a path.

    Raises ModelNotFound where there is none, ModelAmbiguous where a short name fits several.
    """
    if model == BUILTIN:
        return ModelPlace(BUILTIN, builtin_model(), "gguf", "builtin")
    places = list_places(paths or Paths.from_environment(), folders)
    if not _looks_like_path(model):
        wanted = f"/{model.lower()}"
        fitting = [place for place in places if f"/{place.name.lower()}".endswith(wanted)]
        exact = [place for place in fitting if f"/{place.name.lower()}" == wanted]
        if exact or len(fitting) == 1:
            return (exact or fitting)[0]
        if fitting:
            raise ModelAmbiguous(model, ", ".join(place.name for place in fitting))
    path = part_paths(Path(model).expanduser().absolute())[0]
    for place in places:
        if place.path == path:
            return place
    if not path.is_file() and not is_checkpoint(path):  # a folder that happens to be called so is no model
        raise ModelNotFound(model)
    return ModelPlace(str(path), path, "checkpoint" if path.is_dir() else "gguf", None)


def names_to_type(places: Sequence[ModelPlace]) -> dict[str, str]:
    """For each place's name the shortest that `find_model` takes."""
    return short_names(place.name for place in places)


def name_below(root: Path, path: Path, model_format: ModelFormat) -> str:
    """publisher/repository/file, by where a model lies; a repository called as its file is named once."""
    *folders, last = path.relative_to(root).parts or (root.name,)
    parts = [valid_part(folder) for folder in folders]
    own = valid_part(last if model_format == "checkpoint" else model_stem(Path(last)))
    if not parts or parts[-1].lower() != own.lower():
        parts.append(own)
    return "/".join(parts)


def _looks_like_path(model: str) -> bool:
    return (
        model.startswith((".", "~", os.sep))
        or model.lower().endswith(".gguf")
        or "\\" in model
        or Path(model).is_absolute()
    )


def _told_apart(places: Sequence[ModelPlace]) -> list[ModelPlace]:
    kept: dict[Path, ModelPlace] = {}
    names: list[str] = []
    for place in places:
        if place.path in kept:
            continue
        name = without_twin(place.name, names)
        names.append(name)
        kept[place.path] = ModelPlace(name, place.path, place.format, place.origin, place.record)
    return list(kept.values())


def _places_below(root: Path, origin: ModelOrigin, records: dict[str, ModelRecord]) -> Iterator[ModelPlace]:
    for path, model_format in _models_below(root, MAX_DEPTH):
        record = records.get(str(path))
        name = record.name if record else name_below(root, path, model_format)
        yield ModelPlace(name, path, model_format, origin, record)


def _models_below(folder: Path, depth: int) -> Iterator[tuple[Path, ModelFormat]]:
    if is_checkpoint(folder):
        yield folder, "checkpoint"
        return
    entries = _entries(folder)
    companions = files_of_companions(entry for entry in entries if not entry.name.startswith("."))
    for entry in entries:
        if entry.name.startswith(".") or entry.name.endswith(UNFINISHED):
            continue
        if entry.is_dir() and depth > 0:
            yield from _models_below(entry, depth - 1)
        elif is_first_part(entry) and entry not in companions:
            yield entry, "gguf"


def _entries(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError:  # not there, not ours, or gone while we looked
        return []
