"""Which backend runs a model. Each is imported only when it is chosen: their libraries are heavy."""

from pathlib import Path

from engine.backends.fake import FAKE, FakeBackend
from engine.contract.errors import EngineMissing
from engine.contract.params import LoadParams
from engine.generation.backend import Backend, Cancelled, Progress


def load_backend(model: str, params: LoadParams, progress: Progress, cancelled: Cancelled) -> Backend:
    """Load a model: `fake`, `fake:OPTIONS`, the path of a GGUF file or of a checkpoint's folder.

    Raises ModelError, EngineMissing or InvalidRequest; DecodeCancelled where `cancelled` became true.
    """
    if model.partition(":")[0] == FAKE:
        return FakeBackend(model, params, progress, cancelled)
    path = Path(model)
    if path.is_dir():
        return _load_checkpoint(path, params, progress, cancelled)
    from engine.backends.llama.backend import LlamaBackend  # noqa: PLC0415  (llama_cpp takes 0.2 s or more)

    return LlamaBackend(path, params, progress, cancelled)


def _load_checkpoint(folder: Path, params: LoadParams, progress: Progress, cancelled: Cancelled) -> Backend:
    try:
        from engine.backends.torch_backend import TorchBackend  # noqa: PLC0415  (torch takes 2 s, and is optional)
    except (ImportError, OSError) as error:
        raise EngineMissing(
            f"folders of safetensors run on torch and tokenizers, which do not load: {error}"
        ) from error
    return TorchBackend(folder, params, progress, cancelled)
