"""Which backend runs a model. Each is imported only when it is chosen: their libraries are heavy."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from engine.backends.fake import FAKE, FakeBackend
from engine.contract.errors import EngineMissing, InvalidRequest
from engine.contract.model_info import BACKEND_REASONS, BackendReason
from engine.contract.params import LoadParams
from engine.generation.backend import Backend, Cancelled, Progress

if TYPE_CHECKING:
    from engine.backends.llama.backend import LlamaBackend
    from engine.backends.torch_backend import TorchBackend


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
    if params.backend == "llama" and params.draft_model:
        raise InvalidRequest("a draft model needs the torch engine; leave it out, or take torch")
    if params.backend != "auto":
        return Choice(params.backend, "asked")
    if params.weight_type != "auto":
        return Choice("torch", "weights")
    if params.draft_model:
        return Choice("torch", "draft")
    return Choice("llama", "gguf")


def load_backend(model: str, params: LoadParams, progress: Progress, cancelled: Cancelled) -> Backend:
    """Load a model: `fake`, `fake:OPTIONS`, the path of a GGUF file or of a checkpoint's folder.

    Raises ModelError, EngineMissing or InvalidRequest; DecodeCancelled where `cancelled` became true.
    """
    choice = choose_backend(model, params)
    backend: FakeBackend | LlamaBackend | TorchBackend
    if choice.backend == "fake":
        backend = FakeBackend(model, params, progress, cancelled)
    elif choice.backend == "torch":
        backend = _load_torch(Path(model), params, progress, cancelled)
    else:
        backend = _load_llama(Path(model), params, progress, cancelled)
    backend.loaded = replace(backend.loaded, backend_reason=BACKEND_REASONS[choice.reason])
    return backend


def _load_llama(path: Path, params: LoadParams, progress: Progress, cancelled: Cancelled) -> "LlamaBackend":
    from engine.backends.llama.backend import LlamaBackend  # noqa: PLC0415  (llama_cpp takes 0.2 s or more)

    return LlamaBackend(path, params, progress, cancelled)


def _load_torch(path: Path, params: LoadParams, progress: Progress, cancelled: Cancelled) -> "TorchBackend":
    try:
        from engine.backends.torch_backend import TorchBackend  # noqa: PLC0415  (torch takes 2 s, and is optional)
    except (ImportError, OSError) as error:
        what = "folders of safetensors run" if path.is_dir() else "this choice runs"
        raise EngineMissing(f"{what} on torch and tokenizers, which do not load: {error}") from error
    return TorchBackend(path, params, progress, cancelled)
