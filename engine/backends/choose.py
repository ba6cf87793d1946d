"""Which backend runs a model. Each is imported only when it is chosen: their libraries are heavy."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from engine.backends.fake import FAKE, FakeBackend
from engine.contract.errors import EngineMissing, InvalidRequest
from engine.contract.params import LoadParams
from engine.generation.backend import Backend, Cancelled, Progress


@dataclass(frozen=True, slots=True)
class Choice:
    """A backend and why it is that one, in words."""

    backend: Literal["fake", "llama", "torch"]
    reason: str


def choose_backend(model: str, params: LoadParams) -> Choice:
    """By the kind of model and what is asked of it; raises InvalidRequest where no backend does both."""
    if model.partition(":")[0] == FAKE:
        return Choice("fake", "a model for tests")
    if Path(model).is_dir():
        if params.backend == "llama":
            raise InvalidRequest("llama.cpp reads GGUF files, not folders; convert the model, or take torch")
        return Choice("torch", "folders of safetensors run on torch")
    if params.backend != "auto":
        return Choice(params.backend, "it was asked for")
    if params.weight_type != "auto":
        return Choice("torch", f"{params.weight_type} weights are made by torch, not by llama.cpp")
    return Choice("llama", "llama.cpp reads GGUF files as they are and starts at once")


def load_backend(model: str, params: LoadParams, progress: Progress, cancelled: Cancelled) -> Backend:
    """Load a model: `fake`, `fake:OPTIONS`, the path of a GGUF file or of a checkpoint's folder.

    Raises ModelError, EngineMissing or InvalidRequest; DecodeCancelled where `cancelled` became true.
    """
    chosen = choose_backend(model, params).backend
    if chosen == "fake":
        return FakeBackend(model, params, progress, cancelled)
    if chosen == "torch":
        return _load_torch(Path(model), params, progress, cancelled)
    from engine.backends.llama.backend import LlamaBackend  # noqa: PLC0415  (llama_cpp takes 0.2 s or more)

    return LlamaBackend(Path(model), params, progress, cancelled)


def _load_torch(path: Path, params: LoadParams, progress: Progress, cancelled: Cancelled) -> Backend:
    try:
        from engine.backends.torch_backend import TorchBackend  # noqa: PLC0415  (torch takes 2 s, and is optional)
    except (ImportError, OSError) as error:
        what = "folders of safetensors run" if path.is_dir() else "this choice runs"
        raise EngineMissing(f"{what} on torch and tokenizers, which do not load: {error}") from error
    return TorchBackend(path, params, progress, cancelled)
