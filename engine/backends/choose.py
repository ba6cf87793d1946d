"""The backend of a model. Each is imported only when it is chosen: their libraries are heavy."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from engine.backends.fake import FakeBackend
from engine.contract.errors import EngineMissing
from engine.contract.model_info import BACKEND_REASONS
from engine.contract.params import LoadParams
from engine.generation.backend import Backend, Cancelled, Progress
from engine.library.backend_choice import choose_backend

if TYPE_CHECKING:
    from engine.backends.llama.backend import LlamaBackend
    from engine.backends.torch_backend import TorchBackend


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
