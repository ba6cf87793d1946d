"""Taking models of other applications into the library where they lie."""

from collections.abc import Collection, Sequence

from engine.contract.elsewhere_messages import AdoptionProblem, ElsewhereModel
from engine.contract.errors import ModelError
from engine.contract.paths import Paths
from engine.library.elsewhere import FoundModel, find_elsewhere
from engine.library.importing import import_reference
from engine.library.places import ModelPlace, list_places
from engine.library.shards import part_paths


def models_elsewhere(paths: Paths, folders: Sequence[str] = ()) -> tuple[ElsewhereModel, ...]:
    """Every model that another application keeps here."""
    known = {place.path for place in list_places(paths, folders)}
    models = [
        ElsewhereModel(
            application=application,
            name=found.name,
            path=str(found.path),
            format=found.format,
            size_bytes=_size_bytes(found),
            source=found.source,
            commit=found.commit,
            is_here=found.path in known,
        )
        for application, found in find_elsewhere()
    ]
    return tuple(sorted(models, key=lambda model: (model.application, model.name.lower())))


def adopt(
    wanted: Collection[str], paths: Paths, folders: Sequence[str] = ()
) -> tuple[tuple[ModelPlace, ...], tuple[AdoptionProblem, ...]]:
    """Record the models at these paths, of those that other applications keep; their files stay as they are.

    Raises StorageFailed; a model that cannot be used is told as a problem.
    """
    taken, problems = [], []
    for _, found in find_elsewhere():
        if str(found.path) in wanted:
            try:
                taken.append(import_reference(found.path, paths, folders, told=found))
            except ModelError as error:
                reason = str(error.details.get("reason", error.message))
                problems.append(AdoptionProblem(path=str(found.path), reason=reason))
    return tuple(taken), tuple(problems)


def _size_bytes(found: FoundModel) -> int:
    if found.format == "gguf":
        return sum(part.stat().st_size for part in part_paths(found.path))
    return sum(file.stat().st_size for file in found.path.glob("*.safetensors"))
