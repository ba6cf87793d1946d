"""Removing models into the bin, bringing them back, and looking after what lies in it."""

from collections.abc import Callable, Collection
from pathlib import Path

from engine.contract.bin_messages import (
    BinEmptied,
    BinListed,
    BinQuestion,
    BinRequest,
    EmptyBinRequest,
    ModelRestored,
)
from engine.contract.errors import ModelInUse
from engine.contract.library_messages import ModelRemoved, RemoveRequest
from engine.contract.messages import Event
from engine.contract.model_info import InstalledModel
from engine.contract.paths import Paths
from engine.library.bin import ModelBin
from engine.library.places import find_model
from engine.library.removal import remove_for_good


def remove(
    request: RemoveRequest, paths: Paths, folders: tuple[str, ...], loaded: Collection[Path]
) -> ModelRemoved:
    """Take a model out of the library; raises ModelInUse and what the library raises."""
    place = find_model(request.model, paths, folders)
    if place.path in loaded:
        raise ModelInUse(place.name)
    if request.for_good:
        freed_bytes = remove_for_good(place, paths)
        return ModelRemoved(request_id=request.request_id, model=place.name, freed_bytes=freed_bytes)
    entry = ModelBin(paths).put(place)
    return ModelRemoved(request_id=request.request_id, model=place.name, freed_bytes=0, entry=entry)


def answer_bin(request: BinQuestion, paths: Paths, describe: Callable[[Path], InstalledModel]) -> Event:
    """Answer a question about the bin; `describe` gives the entry of the model at a path."""
    models = ModelBin(paths)
    if isinstance(request, BinRequest):
        return BinListed(request_id=request.request_id, models=models.list())
    if isinstance(request, EmptyBinRequest):
        entries, freed_bytes = models.empty(request.entries, older_than_days=request.older_than_days)
        return BinEmptied(request_id=request.request_id, entries=entries, freed_bytes=freed_bytes)
    return ModelRestored(request_id=request.request_id, model=describe(models.restore(request.entry)))
