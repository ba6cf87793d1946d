"""What is known of a model file without running it."""

from dataclasses import dataclass
from typing import Literal


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


ModelFormat = Literal["gguf", "checkpoint"]
ModelOrigin = Literal["builtin", "library", "folder", "reference"]
Capability = Literal["chat", "reasoning", "tools", "moe", "mtp"]
EngineName = Literal["llama", "torch"]
BackendReason = Literal["test", "folder", "asked", "weights", "draft", "speed", "gguf"]
BACKEND_REASONS: dict[BackendReason, str] = {  # why a model runs on the engine it runs on
    "test": "a model for tests",
    "folder": "folders of safetensors run on torch",
    "asked": "it was asked for",
    "weights": "weights in other types are made by torch, not by llama.cpp",
    "draft": "its draft model is a folder of safetensors, which torch reads",
    "speed": "its answers came faster on torch here",
    "gguf": "llama.cpp reads GGUF files as they are and starts at once",
}


CompanionKind = Literal["projector", "drafter", "adapter"]  # reads pictures; guesses ahead; changes weights


@dataclass(frozen=True, slots=True, kw_only=True)
class Companion:
    """A file that belongs to a model and is none itself."""

    kind: CompanionKind
    path: str  # the file or the first of its parts
    size_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class InstalledModel:
    """A model that can be chosen by its name, or that could if its file were as it was."""

    name: str  # what requests use: `builtin`, else publisher/repository/file
    short_name: str  # the end of the name, where no other model ends so; else the name
    path: str  # the file, the first of its parts, or the folder
    format: ModelFormat
    origin: ModelOrigin  # shipped; in the models folder; in a folder of the settings; imported where it lies
    info: ModelInfo | None  # of all parts together; None where the files cannot be read
    size_bytes: int
    active_parameters: int = 0  # that one token uses; 0 where unknown
    capabilities: tuple[Capability, ...] = ()  # as far as the header tells
    engines: tuple[EngineName, ...] = ()  # that are installed and know its architecture
    companions: tuple[Companion, ...] = ()  # beside it; their bytes are not in `size_bytes`
    is_loaded: bool = False
    problem: str = ""  # why it cannot be used now; empty for a good one
    source: str = ""  # the repository it was fetched from
    commit: str = ""  # of that repository
    added_at: float = 0.0  # seconds since 1970; 0 where unknown, as in what follows
    used_at: float = 0.0  # when it was loaded last
    verified_at: float = 0.0  # when its hashes were compared last


Verdict = Literal["sound", "damaged", "missing", "unknown"]


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifiedModel:
    """What a model's files turned out to be when they were read."""

    name: str
    verdict: Verdict  # unknown: nobody ever told their hashes, they are noted now
    files: tuple[str, ...]  # those that gave the verdict
    read_bytes: int


BufferPart = Literal["weights", "kv_cache", "state", "compute", "logits"]


@dataclass(frozen=True, slots=True, kw_only=True)
class BufferSize:
    """What the engine says that it has taken of a device."""

    device: str  # as the engine calls it: "CPU", "CUDA0"
    part: BufferPart
    size_bytes: int


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
    buffers: tuple[BufferSize, ...] = ()  # empty where the engine does not say
    weight_type: str = "auto"  # of the torch engine: other than in the file where fewer bits were asked for
    backend_reason: str = ""  # why it is that backend: one of BACKEND_REASONS
    reasoning_efforts: tuple[str, ...] = ()  # what its template lets choose: "off", "on", "low", "high" …


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryReading:
    """Memory at one moment, in bytes."""

    available_bytes: int  # that can be taken without swapping
    worker_bytes: int  # resident in the model's worker; weights that are mapped count once they were read


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryChange:
    """Memory before and after a model was loaded or unloaded."""

    before: MemoryReading
    after: MemoryReading


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerStatus:
    """One worker as it is now."""

    model: str
    phase: Literal["loading", "ready", "answering"]
    pid: int
    memory_bytes: int  # resident
    idle_s: float  # since its last answer ended; 0 while it works
    call_s: float  # how long it has been within the call that it is in; 0 while it is idle
    restarts: int  # deaths within the last minutes
    loaded: LoadedModel | None = None
