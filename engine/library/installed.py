"""The library as people see it: every model with its facts, or with the reason why it cannot be used."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypedDict

from engine.contract.errors import EngineError
from engine.contract.model_info import InstalledModel
from engine.contract.paths import Paths
from engine.library.checkpoint import describe_checkpoint, read_checkpoint
from engine.library.companions import companions_of
from engine.library.describe import (
    active_parameters,
    capabilities,
    checkpoint_active_parameters,
    checkpoint_capabilities,
    describe,
)
from engine.library.engines import engines_for
from engine.library.gguf import read_header
from engine.library.places import ModelPlace, list_places, names_to_type


class _Recorded(TypedDict, total=False):
    source: str
    commit: str
    added_at: float
    verified_at: float


_Stamp = tuple[int, int]  # bytes, nanoseconds of the last change


class InstalledModels:
    """Lists the library; headers that were read once are not read again while their files stay the same.

    For one thread at a time.
    """

    def __init__(self, paths: Paths) -> None:
        """Nothing is read yet."""
        self._paths = paths
        self._known: dict[Path, tuple[_Stamp, InstalledModel]] = {}

    def all(self, folders: Sequence[str] = (), loaded: Collection[Path] = ()) -> tuple[InstalledModel, ...]:
        """Every model; `folders` are those of the settings, `loaded` the paths that are in memory."""
        places = list_places(self._paths, folders)
        short = names_to_type(places)
        return tuple(
            replace(self.one(place), short_name=short[place.name], is_loaded=place.path in loaded)
            for place in places
        )

    def one(self, place: ModelPlace) -> InstalledModel:
        """One model's entry; what is wrong with its files stands in `problem`."""
        try:
            place.check()
            stamp = _stamp(place.path)
            known = self._known.get(place.path)
            if known is None or known[0] != stamp:
                known = self._known[place.path] = stamp, _read(place)
            return replace(
                known[1],
                name=place.name,
                short_name=place.name,
                companions=companions_of(place.path),
                **_recorded(place),
            )
        except EngineError as error:
            reason = error.details.get("reason", error.message)
            return _unusable(place, str(reason))
        except OSError as error:
            return _unusable(place, error.strerror or str(error))


def _read(place: ModelPlace) -> InstalledModel:
    """The entry of a sound model; raises ModelError."""
    assert place.origin is not None
    if place.format == "checkpoint":
        checkpoint = read_checkpoint(place.path)
        info, active = describe_checkpoint(checkpoint), checkpoint_active_parameters(checkpoint)
        badges = checkpoint_capabilities(checkpoint)
    else:
        header = read_header(place.path)
        info, active, badges = describe(header), active_parameters(header), capabilities(header)
    return InstalledModel(
        name=place.name,
        short_name=place.name,
        path=str(place.path),
        format=place.format,
        origin=place.origin,
        info=info,
        size_bytes=info.size_bytes,
        active_parameters=active,
        capabilities=badges,
        engines=engines_for(place.format, info.architecture),
    )


def _recorded(place: ModelPlace) -> _Recorded:
    """What the model's record says of where it is from."""
    record = place.record
    if record is None:
        return {}
    return {
        "source": record.source,
        "commit": record.commit,
        "added_at": record.added_at,
        "verified_at": record.verified_at,
    }


def _unusable(place: ModelPlace, problem: str) -> InstalledModel:
    assert place.origin is not None
    return InstalledModel(
        name=place.name,
        short_name=place.name,
        path=str(place.path),
        format=place.format,
        origin=place.origin,
        info=None,
        size_bytes=place.record.size_bytes if place.record else 0,
        problem=problem,
        **_recorded(place),
    )


def _stamp(path: Path) -> _Stamp:
    status = (path / "config.json" if path.is_dir() else path).stat()
    return status.st_size, status.st_mtime_ns
