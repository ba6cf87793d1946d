"""Files that belong to a model and are none: projectors for pictures, drafters, adapters.

A file says what it is in `general.type`, else by its name. A drafter's name alone proves nothing, because
models that bring their own MTP layers are called so too: it counts where a model of the same place is much
larger. A companion belongs to the models of its folder whose names begin like its own, or to all of them.
"""

import re
import struct
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path, PurePosixPath

from engine.contract.model_info import Companion, CompanionKind
from engine.library.names import QUANTIZATION_NAME
from engine.library.shards import model_stem, part_paths

DRAFTER_SHARE = 4  # a drafter has at most this part of its model's bytes, 1/4
_PEEK_BYTES = 4096
_PEEK_ENTRIES = 8  # writers put `general.type` among the first
_SCALAR_BYTES = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}
_STRING = 8
_TYPES: dict[str, CompanionKind] = {"mmproj": "projector", "projector": "projector", "adapter": "adapter"}
_MARKS: dict[CompanionKind, re.Pattern[str]] = {
    "projector": re.compile(r"(?:^|[-._])mmproj(?=[-._]|$)", re.IGNORECASE),
    "adapter": re.compile(r"(?:^|[-._])q?lora(?=[-._]|$)", re.IGNORECASE),
    "drafter": re.compile(r"(?:^|[-._])(?:draft(?:er)?|mtp|eagle3|dflash)(?=[-._]|$)", re.IGNORECASE),
}


def companion_kinds(
    sizes: Mapping[str, int], told: Mapping[str, CompanionKind] | None = None
) -> dict[str, CompanionKind]:
    """Those of one place that are companions: `sizes` in bytes by name without part number and ending.

    Names may have folders before them. `told` is what files say of themselves.
    """
    found: dict[str, CompanionKind] = dict(told or {})
    for name in sizes:
        if name not in found and (kind := _kind_by_name(name)) is not None:
            found[name] = kind
    models = [size for name, size in sizes.items() if name not in found]
    least = min(models, default=0)
    return {
        name: kind
        for name, kind in found.items()
        if kind != "drafter" or 0 < DRAFTER_SHARE * sizes[name] <= least
    }


def belonging(model: str, companions: Iterable[str], models: Sequence[str]) -> list[str]:
    """Of the companions of a place those that go with one of its models, by their names."""
    keys = {name: _key(name) for name in models}

    def fits(companion: str, name: str) -> bool:
        key = _key(companion)
        return keys[name].startswith(key) or key.startswith(keys[name])

    return [one for one in companions if fits(one, model) or not any(fits(one, name) for name in models)]


def files_of_companions(folder: Iterable[Path]) -> dict[Path, CompanionKind]:
    """Of a folder's GGUF files (the first parts of models) those that are companions."""
    files = [file for file in folder if is_first_part(file)]
    told = {file.name: kind for file in files if (kind := _told_kind(file)) is not None}
    if not told and not any(_kind_by_name(model_stem(file)) for file in files):
        return {}
    stems = {model_stem(file): file for file in files}
    sizes = {stem: _size_bytes(file) for stem, file in stems.items()}
    kinds = companion_kinds(sizes, {model_stem(Path(name)): kind for name, kind in told.items()})
    return {stems[stem]: kind for stem, kind in kinds.items()}


def companions_of(model: Path) -> tuple[Companion, ...]:
    """What lies beside a GGUF model and belongs to it, in the order of the names; of a folder nothing."""
    if model.suffix.lower() != ".gguf":
        return ()
    try:
        files = sorted(model.parent.iterdir())
    except OSError:
        return ()
    kinds = files_of_companions(files)
    if model in kinds:
        return ()
    stems = {model_stem(file): file for file in kinds}
    models = [model_stem(file) for file in files if is_first_part(file) and file not in kinds]
    return tuple(
        Companion(kind=kinds[stems[stem]], path=str(stems[stem]), size_bytes=_size_bytes(stems[stem]))
        for stem in belonging(model_stem(model), stems, models)
    )


def companion_files(model: Path) -> tuple[Path, ...]:
    """Every file of a model's companions."""
    return tuple(part for one in companions_of(model) for part in part_paths(Path(one.path)))


def files_only_of(model: Path) -> tuple[Path, ...]:
    """The files of the companions that no other model of the folder uses: what goes where it goes."""
    mine = [Path(one.path) for one in companions_of(model)]
    if not mine:
        return ()
    kinds = files_of_companions(model.parent.iterdir())
    others = [
        file for file in model.parent.iterdir() if is_first_part(file) and file not in kinds and file != model
    ]
    shared = {one.path for other in others for one in companions_of(other)}
    return tuple(part for file in mine if str(file) not in shared for part in part_paths(file))


def is_first_part(path: Path) -> bool:
    """Whether a file is a GGUF file by its name, and the first one of its model."""
    return path.suffix.lower() == ".gguf" and part_paths(path)[0] == path


def _kind_by_name(name: str) -> CompanionKind | None:
    stem = PurePosixPath(name).name
    return next((kind for kind, mark in _MARKS.items() if mark.search(stem)), None)


def _key(name: str) -> str:
    """What is left of a name without quantization and marks: how a companion and its model are alike."""
    stem = QUANTIZATION_NAME.sub("", PurePosixPath(name).name)
    for mark in _MARKS.values():
        stem = mark.sub("", stem)
    return re.sub(r"[^a-z0-9]", "", stem.lower())


def _size_bytes(file: Path) -> int:
    return sum(part.stat().st_size for part in part_paths(file) if part.exists())


def _told_kind(file: Path) -> CompanionKind | None:
    try:
        status = file.stat()
        return _TYPES.get(_general_type(file, status.st_size, status.st_mtime_ns))
    except OSError:
        return None


@lru_cache(maxsize=4096)
def _general_type(file: Path, _size_bytes: int, _mtime_ns: int) -> str:
    """`general.type` of a file, empty where its first entries have none or it is no GGUF file."""
    with file.open("rb") as stream:
        head = stream.read(_PEEK_BYTES)
    try:
        return _first_type(head)
    except (struct.error, UnicodeDecodeError, IndexError):  # it ends too early, or is hostile
        return ""


def _first_type(head: bytes) -> str:
    at = 24  # behind magic, version and the two counts

    def text() -> str:
        nonlocal at
        (length,) = struct.unpack_from("<Q", head, at)
        if at + 8 + length > len(head):
            raise IndexError
        at += 8 + length
        return head[at - length : at].decode()

    if head[:4] != b"GGUF":
        return ""
    for _ in range(_PEEK_ENTRIES):
        key = text()
        (kind,) = struct.unpack_from("<I", head, at)
        at += 4
        if kind == _STRING:
            value = text()
            if key == "general.type":
                return value
        else:
            at += _SCALAR_BYTES.get(kind, _PEEK_BYTES)  # an array ends the search
    return ""
