"""What is known of a model file without running it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelInfo:
    """The facts of a model file that people and the window ask for."""

    name: str  # as shown: the file's own name for itself, else the file name
    path: str
    architecture: str
    size_bytes: int
    parameters: int  # weights counted over all tensors
    quantization: str  # the type that most weights have, for example "Q8_0"
    context_length: int  # tokens it was trained for; 0 where the file does not say
    vocabulary_size: int
    has_chat_template: bool
    license: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedModel:
    """A model in a worker's memory."""

    info: ModelInfo
    backend: str  # "llama", "torch" or "fake"
    device: str  # what really runs it, for example "CPU"
    context_length: int  # tokens that one conversation may have
    kv_bytes_per_token: int
    load_ms: float
    backend_version: str
    sequences: int = 1  # requests that are answered at a time
    weights_bytes: int = 0
    kv_cache_bytes: int = 0  # of all conversations together, spare positions included
    rss_before_bytes: int = 0  # resident memory of the worker, before and after loading
    rss_after_bytes: int = 0
