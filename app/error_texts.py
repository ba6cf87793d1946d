"""What went wrong, in words for people: what happened, and what to do about it. One text for each error code.

The figures come from the error's details; an error that was rebuilt without them still gets its text.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import PurePath

from engine.contract.errors import DetailValue, EngineError
from engine.contract.exit_status import describe_exit
from engine.contract.paths import builtin_model

_Details = Mapping[str, DetailValue]


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorText:
    """An error as the window says it."""

    happened: str
    to_do: str


def describe_error(error: EngineError) -> ErrorText:
    """The text for an error of the engine."""
    return describe_code(error.code, error.message, error.details)


def describe_code(code: str, message: str, details: _Details) -> ErrorText:
    """The text for a code with its message and details; an unknown code gets the general one."""
    return ERROR_TEXTS.get(code, _engine_error)(message, details)


def _engine_error(message: str, _details: _Details) -> ErrorText:
    return ErrorText(happened=f"The engine reported a failure: {message}.", to_do="Try again.")


def _model_error(message: str, _details: _Details) -> ErrorText:
    return ErrorText(happened=f"The model cannot be used: {message}.", to_do="Choose another model.")


def _model_not_found(_message: str, details: _Details) -> ErrorText:
    if details.get("model") in ("builtin", str(builtin_model())):
        return ErrorText(
            happened="The built-in model is missing from this installation.",
            to_do="Install Retort again, or open a .gguf file of your own.",
        )
    return ErrorText(
        happened=f"There is no model file at {details.get('model', 'that place')}.",
        to_do="It may have been moved or deleted, or its drive is not connected. Open it from its new place.",
    )


def _model_ambiguous(_message: str, details: _Details) -> ErrorText:
    return ErrorText(
        happened=f"Several models are called {details.get('model', 'that')}: "
        f"{details.get('names', 'see the library')}.",
        to_do="Use the whole name of one of them.",
    )


def _model_changed(_message: str, details: _Details) -> ErrorText:
    return ErrorText(
        happened=f"{_file(details)} is not the file that was added to the library: it has changed since.",
        to_do="If the change is wanted, add it to the library again.",
    )


def _model_damaged(_message: str, details: _Details) -> ErrorText:
    return ErrorText(
        happened=f"{_file(details)} is damaged or is no model file: "
        f"{details.get('reason', 'it cannot be read')}.",
        to_do="Download it again, or choose another model.",
    )


def _model_unsupported(_message: str, details: _Details) -> ErrorText:
    return ErrorText(
        happened=f"{_file(details)} is a model that Retort cannot run: "
        f"{details.get('reason', 'its kind is unknown')}.",
        to_do="Choose another model.",
    )


def _model_too_large(_message: str, details: _Details) -> ErrorText:
    return ErrorText(
        happened=f"The model needs {_size(details, 'needed_bytes')} of memory, "
        f"and {_size(details, 'free_bytes')} is free.",
        to_do="Close other programs, or choose a smaller model or a smaller quantization of this one.",
    )


def _template_broken(_message: str, details: _Details) -> ErrorText:
    return ErrorText(
        happened=f"The model's own chat template does not work: "
        f"{details.get('reason', 'it cannot be rendered')}.",
        to_do="Choose another model, or another build of this one.",
    )


def _request_error(message: str, _details: _Details) -> ErrorText:
    return ErrorText(
        happened=f"The engine could not do what was asked: {message}.",
        to_do="Change the message, then send it again.",
    )


def _invalid_request(message: str, _details: _Details) -> ErrorText:
    return ErrorText(happened=f"A setting is out of range: {message}.", to_do="Change it, then try again.")


def _context_exceeded(_message: str, details: _Details) -> ErrorText:
    return ErrorText(
        happened=f"This conversation has {_count(details, 'prompt_tokens')} tokens, and the model is loaded "
        f"with room for {_count(details, 'context_length')}.",
        to_do="Start a new chat, or send a shorter message.",
    )


def _model_in_use(_message: str, details: _Details) -> ErrorText:
    return ErrorText(
        happened=f"{details.get('model', 'The model')} is in memory.",
        to_do="Unload it, then try again.",
    )


def _process_error(message: str, _details: _Details) -> ErrorText:
    return ErrorText(
        happened=f"A part of Retort stopped working: {message}.",
        to_do="Send the message again. What had arrived is kept.",
    )


def _worker_died(_message: str, details: _Details) -> ErrorText:
    why = f" It said: {details['assertion']}" if details.get("assertion") else ""
    return ErrorText(
        happened=f"The process that runs the model ended unexpectedly ({_exit(details)}).{why}",
        to_do="What had arrived is kept. Your next message starts the model again.",
    )


def _worker_restart_limit(_message: str, details: _Details) -> ErrorText:
    return ErrorText(
        happened=f"The model's process ended {_count(details, 'restarts')} times within "
        f"{details.get('minutes', 'a few')} minutes, so it was not started again.",
        to_do="The model file or the graphics driver may be the reason. Choose another model, or try later.",
    )


def _worker_unresponsive(_message: str, details: _Details) -> ErrorText:
    return ErrorText(
        happened=f"The process that runs the model gave no sign of life for "
        f"{_count(details, 'silent_s')} seconds, so it was ended.",
        to_do="What had arrived is kept. Your next message starts the model again.",
    )


def _host_died(_message: str, details: _Details) -> ErrorText:
    return ErrorText(
        happened=f"The engine ended unexpectedly ({_exit(details)}).",
        to_do="What had arrived is kept. Your next message starts the engine again.",
    )


def _protocol_error(_message: str, _details: _Details) -> ErrorText:
    return ErrorText(
        happened="Two parts of Retort do not understand each other.",
        to_do="They may be of different versions. Close Retort and install it again.",
    )


def _storage_failed(_message: str, details: _Details) -> ErrorText:
    return ErrorText(
        happened=f"{details.get('path', 'A file')} cannot be written: "
        f"{details.get('reason', 'the disk refused it')}.",
        to_do="See that the disk has room and that the folder may be written to, then try again.",
    )


def _engine_missing(message: str, _details: _Details) -> ErrorText:
    return ErrorText(
        happened=f"A library that runs models does not load: {message}.",
        to_do="Install Retort again. If that does not help, the library may not fit this processor.",
    )


def _internal_error(message: str, _details: _Details) -> ErrorText:
    return ErrorText(
        happened=f"Something in Retort went wrong: {message}.",
        to_do="Try again. The log in Retort's data folder has the details.",
    )


ERROR_TEXTS: dict[str, Callable[[str, _Details], ErrorText]] = {
    "engine_error": _engine_error,
    "model_error": _model_error,
    "model_not_found": _model_not_found,
    "model_ambiguous": _model_ambiguous,
    "model_damaged": _model_damaged,
    "model_changed": _model_changed,
    "model_unsupported": _model_unsupported,
    "model_too_large": _model_too_large,
    "template_broken": _template_broken,
    "request_error": _request_error,
    "invalid_request": _invalid_request,
    "context_exceeded": _context_exceeded,
    "model_in_use": _model_in_use,
    "process_error": _process_error,
    "worker_died": _worker_died,
    "worker_restart_limit": _worker_restart_limit,
    "worker_unresponsive": _worker_unresponsive,
    "host_died": _host_died,
    "protocol_error": _protocol_error,
    "storage_failed": _storage_failed,
    "engine_missing": _engine_missing,
    "internal_error": _internal_error,
}


def _file(details: _Details) -> str:
    return PurePath(str(details.get("path", ""))).name or "The file"


def _size(details: _Details, name: str) -> str:
    value = details.get(name)
    return f"{value / 2**30:.1f} GiB" if isinstance(value, int | float) else "more"


def _count(details: _Details, name: str) -> str:
    value = details.get(name)
    return f"{value:,}" if isinstance(value, int | float) else "several"


def _exit(details: _Details) -> str:
    status = details.get("exit_status")
    return describe_exit(status) if isinstance(status, int) else "no exit status"
