"""Which backend runs a model: by the kind of model, what is asked of it, and what is installed."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from engine.contract.errors import ComponentMissing, InvalidRequest
from engine.contract.model_info import BackendReason
from engine.contract.params import LoadParams
from engine.contract.paths import Paths
from engine.library.components import packages_of
from engine.library.engines import TORCH, has_modules
from engine.library.measured_speeds import MeasuredSpeeds

FAKE = "fake"  # the model of tests; its options follow a colon


@dataclass(frozen=True, slots=True)
class Choice:
    """A backend and why it is that one; the words stand in BACKEND_REASONS."""

    backend: Literal["fake", "llama", "torch"]
    reason: BackendReason


def choose_backend(model: str, params: LoadParams) -> Choice:
    """By the kind of model and what is asked of it; raises InvalidRequest where no backend does both."""
    if model.partition(":")[0] == FAKE:
        return Choice("fake", "test")
    if Path(model).is_dir():
        if params.backend == "llama":
            raise InvalidRequest("llama.cpp reads GGUF files, not folders; convert the model, or take torch")
        return Choice("torch", "folder")
    is_torch_draft = bool(params.draft_model) and Path(params.draft_model).is_dir()
    if params.backend == "llama" and is_torch_draft:
        raise InvalidRequest("a draft model in a folder needs the torch engine; take a GGUF file, or torch")
    if params.backend != "auto":
        return Choice(params.backend, "asked")
    if params.weight_type != "auto":
        return Choice("torch", "weights")
    if is_torch_draft:
        return Choice("torch", "draft")
    if MeasuredSpeeds(Paths.from_environment().measured_speeds).faster(Path(model)) == "torch":
        return Choice("torch", "speed")
    return Choice("llama", "gguf")


def packages_for(model: str, params: LoadParams, paths: Paths) -> Path | None:
    """The folder of packages that a worker for this model imports from, beside its own; None for most.

    Raises ComponentMissing where it needs torch and there is none, InvalidRequest as `choose_backend` does.
    """
    if choose_backend(model, params).backend != "torch" or has_modules(TORCH):
        return None
    packages = packages_of(paths, "torch")
    if packages is None:
        raise ComponentMissing("torch")
    return packages
