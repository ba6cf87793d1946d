"""Every error that can cross a process boundary, as a type with a code and the figures that explain it.

EngineError
├── ModelError                what is wrong is the model file
│   ├── ModelNotFound
│   ├── ModelAmbiguous
│   ├── ModelDamaged
│   ├── ModelChanged
│   ├── ModelUnsupported
│   ├── ModelTooLarge
│   └── TemplateBroken
├── RequestError              what is wrong is what was asked for
│   ├── InvalidRequest
│   ├── ContextExceeded
│   └── ModelInUse
├── NetworkError              what is wrong is the network, or what answered there
│   ├── OfflineError
│   ├── HubUnreachable
│   ├── HubRefused
│   ├── NotOnHub
│   ├── HubAnswerWrong
│   └── DownloadDamaged
├── ProcessError              what is wrong is one of our processes
│   ├── WorkerDied
│   ├── WorkerRestartLimit
│   ├── WorkerUnresponsive
│   ├── HostDied
│   ├── GatewayDied
│   └── ProtocolError
├── StorageFailed             a file could not be written: full, read-only, gone
├── EngineMissing             a library that runs models is not installed or does not load
│   └── ComponentMissing
├── PackRefused               an engine pack is not what it should be, or not for this Retort
├── PackFailed                an engine pack is sound and does not work here
└── InternalError             a fault of ours

The texts here are the plain facts, for logs and the command line; `app.error_texts` words them for people.
"""

from typing import ClassVar

from engine.contract.exit_status import describe_exit

DetailValue = str | int | float


class EngineError(Exception):
    """Any failure of the engine that a caller can tell apart by its code."""

    code: ClassVar[str] = "engine_error"

    def __init__(self, message: str, **details: DetailValue) -> None:
        super().__init__(message)
        self.message = message
        self.details: dict[str, DetailValue] = details


class ModelError(EngineError):
    """The model file is the reason."""

    code = "model_error"


class ModelNotFound(ModelError):
    """No model file is where the name points."""

    code = "model_not_found"

    def __init__(self, model: str) -> None:
        super().__init__(f"no model at {model!r}", model=model)


class ModelAmbiguous(ModelError):
    """A short name fits several models."""

    code = "model_ambiguous"

    def __init__(self, model: str, names: str) -> None:
        super().__init__(f"{model!r} may be any of {names}", model=model, names=names)


class ModelDamaged(ModelError):
    """The file contradicts itself, ends too early or is no model file at all."""

    code = "model_damaged"

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"{path}: {reason}", path=path, reason=reason)


class ModelChanged(ModelError):
    """The file is not the one that was imported: another size or another time of writing."""

    code = "model_changed"

    def __init__(self, path: str) -> None:
        super().__init__(f"{path}: it has changed since it was imported", path=path)


class ModelUnsupported(ModelError):
    """The file is sound, but no engine here can run it."""

    code = "model_unsupported"

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"{path}: {reason}", path=path, reason=reason)


class ModelTooLarge(ModelError):
    """The weights and the KV cache need more memory than there is."""

    code = "model_too_large"

    def __init__(self, needed_bytes: int, free_bytes: int) -> None:
        super().__init__(
            f"needs {needed_bytes / 2**30:.1f} GiB, {free_bytes / 2**30:.1f} GiB free",
            needed_bytes=needed_bytes,
            free_bytes=free_bytes,
        )


class TemplateBroken(ModelError):
    """The model's chat template cannot be rendered."""

    code = "template_broken"

    def __init__(self, reason: str) -> None:
        super().__init__(f"the chat template failed: {reason}", reason=reason)


class RequestError(EngineError):
    """The request is the reason."""

    code = "request_error"


class InvalidRequest(RequestError):
    """A value of the request is out of range or missing."""

    code = "invalid_request"


class ContextExceeded(RequestError):
    """The prompt alone is longer than the context length."""

    code = "context_exceeded"

    def __init__(self, prompt_tokens: int, context_length: int) -> None:
        super().__init__(
            f"the prompt has {prompt_tokens} tokens, the context holds {context_length}",
            prompt_tokens=prompt_tokens,
            context_length=context_length,
        )


class ModelInUse(RequestError):
    """The model is loaded, and what was asked for would take its file away."""

    code = "model_in_use"

    def __init__(self, model: str) -> None:
        super().__init__(f"{model} is loaded; unload it first", model=model)


class NetworkError(EngineError):
    """The network is the reason, or what answered there."""

    code = "network_error"


class OfflineError(NetworkError):
    """The network would be needed, and it is not allowed."""

    code = "offline"

    def __init__(self, purpose: str) -> None:
        super().__init__(f"{purpose} needs the network, and Retort is offline", purpose=purpose)


class HubUnreachable(NetworkError):
    """Nobody answers, or nobody who is able to, after several tries."""

    code = "hub_unreachable"

    def __init__(self, host: str, reason: str) -> None:
        super().__init__(f"{host} does not answer as it should: {reason}", host=host, reason=reason)


class HubRefused(NetworkError):
    """The hub knows what is asked for and does not give it to us."""

    code = "hub_refused"

    def __init__(self, repository: str, reason: str) -> None:
        super().__init__(f"{repository} is refused: {reason}", repository=repository, reason=reason)


class NotOnHub(NetworkError):
    """The hub has no such repository, revision or file."""

    code = "not_on_hub"

    def __init__(self, wanted: str) -> None:
        super().__init__(f"the hub has no {wanted}, or shows it to its members only", wanted=wanted)


class HubAnswerWrong(NetworkError):
    """An answer contradicts itself, the listing or the rules for names."""

    code = "hub_answer_wrong"

    def __init__(self, host: str, reason: str) -> None:
        super().__init__(f"{host} gave an answer that is not used: {reason}", host=host, reason=reason)


class DownloadDamaged(NetworkError):
    """The bytes do not have the announced hash, although all of them were fetched a second time."""

    code = "download_damaged"

    def __init__(self, file: str, expected: str, found: str) -> None:
        super().__init__(
            f"{file} should have the hash {expected[:12]}… and has {found[:12]}…, also after a second fetch",
            file=file,
            expected=expected,
            found=found,
        )


class ProcessError(EngineError):
    """One of Retort's own processes is the reason."""

    code = "process_error"


class WorkerDied(ProcessError):
    """The process that holds the model ended while it was needed."""

    code = "worker_died"

    def __init__(self, exit_status: int, assertion: str, stderr_tail: str) -> None:
        because = f": {assertion}" if assertion else ""
        super().__init__(
            f"the worker ended with {describe_exit(exit_status)}{because}",
            exit_status=exit_status,
            assertion=assertion,
            stderr_tail=stderr_tail,
        )


class WorkerRestartLimit(ProcessError):
    """The worker ended too often in a short time to be started again by itself."""

    code = "worker_restart_limit"

    def __init__(self, restarts: int, minutes: float) -> None:
        super().__init__(
            f"the worker ended {restarts} times within {minutes:g} minutes",
            restarts=restarts,
            minutes=minutes,
        )


class WorkerUnresponsive(ProcessError):
    """The worker gave no sign of life for so long that it was ended."""

    code = "worker_unresponsive"

    def __init__(self, silent_s: int) -> None:
        super().__init__(f"the worker gave no sign of life for {silent_s} s", silent_s=silent_s)


class HostDied(ProcessError):
    """The engine host ended while the window still runs."""

    code = "host_died"

    def __init__(self, exit_status: int, stderr_tail: str) -> None:
        super().__init__(
            f"the engine host ended with {describe_exit(exit_status)}",
            exit_status=exit_status,
            stderr_tail=stderr_tail,
        )


class GatewayDied(ProcessError):
    """The process that speaks to the network ended while it was needed."""

    code = "gateway_died"

    def __init__(self, exit_status: int, stderr_tail: str) -> None:
        super().__init__(
            f"the network's process ended with {describe_exit(exit_status)}",
            exit_status=exit_status,
            stderr_tail=stderr_tail,
        )


class ProtocolError(ProcessError):
    """A line is not a message of this protocol, or the two sides are different versions."""

    code = "protocol_error"


class StorageFailed(EngineError):
    """A file or folder could not be written."""

    code = "storage_failed"

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"{path}: {reason}", path=path, reason=reason)


class EngineMissing(EngineError):
    """A library that runs models is absent, broken or of another version."""

    code = "engine_missing"


class PackRefused(EngineError):
    """An engine pack is damaged, hostile, or of another llama.cpp; nothing of it is used."""

    code = "pack_refused"

    def __init__(self, pack: str, reason: str) -> None:
        super().__init__(f"{pack} is refused: {reason}", pack=pack, reason=reason)


class PackFailed(EngineError):
    """An engine pack did not pass its probe: it is not used."""

    code = "pack_failed"

    def __init__(self, pack: str, reason: str) -> None:
        super().__init__(f"{pack} did not pass its probe: {reason}", pack=pack, reason=reason)


class ComponentMissing(EngineMissing):
    """What is asked for needs a part of Retort that is installed on demand, and it is not."""

    code = "component_missing"

    def __init__(self, component: str) -> None:
        super().__init__(
            f"the {component} engine is needed and not installed: `retort component install {component}`",
            component=component,
        )


class InternalError(EngineError):
    """Something that should not happen; the log has the traceback."""

    code = "internal_error"


def _all_errors(cls: type[EngineError]) -> list[type[EngineError]]:
    found = [cls]
    for child in cls.__subclasses__():
        found += _all_errors(child)
    return found


ERROR_TYPES: dict[str, type[EngineError]] = {error.code: error for error in _all_errors(EngineError)}


def rebuild_error(code: str, message: str, details: dict[str, DetailValue]) -> EngineError:
    """The same class of error on this side of the boundary; an unknown code becomes a plain EngineError."""
    error_type = ERROR_TYPES.get(code, EngineError)
    error = error_type.__new__(error_type)
    EngineError.__init__(error, message, **details)
    return error
