"""Which backend runs a model. Each is imported only when it is chosen: their libraries are heavy."""

from pathlib import Path

from engine.backends.fake import FAKE, FakeBackend
from engine.contract.params import LoadParams
from engine.generation.backend import Backend, Cancelled, Progress


def load_backend(model: str, params: LoadParams, progress: Progress, cancelled: Cancelled) -> Backend:
    """Load a model (`fake`, `fake:OPTIONS` or the path of a GGUF file).

    Raises ModelError, EngineMissing or InvalidRequest; DecodeCancelled where `cancelled` became true.
    """
    if model.partition(":")[0] == FAKE:
        return FakeBackend(model, params, progress, cancelled)
    from engine.backends.llama.backend import LlamaBackend  # noqa: PLC0415  (llama_cpp takes 0.2 s or more)

    return LlamaBackend(Path(model), params, progress, cancelled)
