"""What went wrong, in words for people: what happened, and what to do. Two texts for each error code.

The figures come from the error's details; an error that was rebuilt without them still gets its text.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePath

from app.translation import format_number, mark, tr
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
    happened, to_do = ERROR_TEXTS.get(code, ERROR_TEXTS["engine_error"])
    if code == "model_not_found" and details.get("model") in ("builtin", str(builtin_model())):
        happened, to_do = _BUILTIN_MISSING
    figures = _figures(message, details)
    return ErrorText(happened=tr(happened, **figures), to_do=tr(to_do, **figures))


_CHOOSE_ANOTHER = mark("Choose another model.")
_TRY_LATER = mark("Check the connection, then try again. What had arrived is kept.")
_NEXT_STARTS_IT = mark("What had arrived is kept. Your next message starts the model again.")
_BUILTIN_MISSING = (
    mark("The built-in model is missing from this installation."),
    mark("Install Retort again, or open a .gguf file of your own."),
)

ERROR_TEXTS: dict[str, tuple[str, str]] = {
    "engine_error": (mark("The engine reported a failure: {message}."), mark("Try again.")),
    "model_error": (mark("The model cannot be used: {message}."), _CHOOSE_ANOTHER),
    "model_not_found": (
        mark("There is no model file at {model}."),
        mark("It may have been moved or deleted, or its drive is not connected. Open it from its new place."),
    ),
    "model_ambiguous": (
        mark("Several models are called {model}: {names}."),
        mark("Use the whole name of one of them."),
    ),
    "model_damaged": (
        mark("{file} is damaged or is no model file: {reason}."),
        mark("Download it again, or choose another model."),
    ),
    "model_changed": (
        mark("{file} is not the file that was added to the library: it has changed since."),
        mark("If the change is wanted, add it to the library again."),
    ),
    "model_unsupported": (mark("{file} is a model that Retort cannot run: {reason}."), _CHOOSE_ANOTHER),
    "model_too_large": (
        mark("The model needs {needed} of memory, and {free} is free."),
        mark("Close other programs, or choose a smaller model or a smaller quantization of this one."),
    ),
    "template_broken": (
        mark("The model's own chat template does not work: {reason}."),
        mark("Choose another model, or another build of this one."),
    ),
    "request_error": (
        mark("The engine could not do what was asked: {message}."),
        mark("Change the message, then send it again."),
    ),
    "invalid_request": (mark("A setting is out of range: {message}."), mark("Change it, then try again.")),
    "context_exceeded": (
        mark(
            "This conversation has {prompt_tokens} tokens, and the model is loaded "
            "with room for {context_length}."
        ),
        mark("Start a new chat, or send a shorter message."),
    ),
    "model_in_use": (mark("{model} is in memory."), mark("Unload it, then try again.")),
    "network_error": (mark("The network failed: {message}."), _TRY_LATER),
    "offline": (
        mark("Retort is offline, so this was not asked of the network."),
        mark("Switch Offline off in the settings, or keep working with the models that are here."),
    ),
    "hub_unreachable": (mark("{host} does not answer as it should: {reason}."), _TRY_LATER),
    "hub_refused": (
        mark("{repository} is not given to everyone: {reason}."),
        mark("Agree to its terms on the hub's page, or choose another model."),
    ),
    "not_on_hub": (
        mark("The hub has no {wanted}, or shows it to its members only."),
        mark("Look for it under another name."),
    ),
    "hub_answer_wrong": (
        mark("{host} gave an answer that is not used: {reason}."),
        mark("Nothing of it was kept. Try another network or another model."),
    ),
    "download_damaged": (
        mark("{file} does not arrive as it was announced, also on a second try. It was deleted."),
        mark("Somebody changes it on the way, or the hub itself has it damaged. Choose another model."),
    ),
    "process_error": (
        mark("A part of Retort stopped working: {message}."),
        mark("Send the message again. What had arrived is kept."),
    ),
    "worker_died": (
        mark("The process that runs the model ended unexpectedly ({exit}).{last_words}"),
        _NEXT_STARTS_IT,
    ),
    "worker_restart_limit": (
        mark(
            "The model's process ended {restarts} times within {minutes} minutes, "
            "so it was not started again."
        ),
        mark("The model file or the graphics driver may be the reason. Choose another model, or try later."),
    ),
    "worker_unresponsive": (
        mark("The process that runs the model gave no sign of life for {silent_s} seconds, so it was ended."),
        _NEXT_STARTS_IT,
    ),
    "host_died": (
        mark("The engine ended unexpectedly ({exit})."),
        mark("What had arrived is kept. Your next message starts the engine again."),
    ),
    "gateway_died": (
        mark("The process that speaks to the network ended unexpectedly ({exit})."),
        mark("What had arrived is kept. Start the download again, and it goes on from there."),
    ),
    "protocol_error": (
        mark("Two parts of Retort do not understand each other."),
        mark("They may be of different versions. Close Retort and install it again."),
    ),
    "storage_failed": (
        mark("{path} cannot be written: {reason}."),
        mark("See that the disk has room and that the folder may be written to, then try again."),
    ),
    "engine_missing": (
        mark("A library that runs models does not load: {message}."),
        mark("Install Retort again. If that does not help, the library may not fit this processor."),
    ),
    "component_missing": (
        mark("The {component} engine is needed for this, and it is not installed."),
        mark("Install it in the settings, under Components, and try again."),
    ),
    "pack_refused": (
        mark("The engine pack {pack} is refused: {reason}."),
        mark("Nothing of it was used. Fetch it again, or take one that was made for this version of Retort."),
    ),
    "pack_failed": (
        mark("The engine pack {pack} does not work here: {reason}."),
        mark("What was used before stays in use. A newer driver may help, or a pack for another device."),
    ),
    "internal_error": (
        mark("Something in Retort went wrong: {message}."),
        mark("Try again. The log in Retort's data folder has the details."),
    ),
}


def _figures(message: str, details: _Details) -> dict[str, str]:
    """What stands at the places of the texts; figures that are missing become words."""
    last_words = details.get("assertion")
    status = details.get("exit_status")
    return {
        "message": message,
        "component": str(details.get("component", "?")),
        "file": PurePath(str(details.get("path", details.get("file", "")))).name or tr("The file"),
        "host": str(details.get("host", tr("The hub"))),
        "repository": str(details.get("repository", tr("The model"))),
        "wanted": str(details.get("wanted", "?")),
        "path": str(details.get("path", tr("A file"))),
        "model": str(details.get("model", tr("The model"))),
        "names": str(details.get("names", "?")),
        "pack": str(details.get("pack", "?")),
        "reason": str(details.get("reason", tr("the reason is not known"))),
        "needed": _size(details, "needed_bytes"),
        "free": _size(details, "free_bytes"),
        "exit": tr(describe_exit(status)) if isinstance(status, int) else tr("no exit status"),
        "last_words": " " + tr("It said: {words}", words=last_words) if last_words else "",
        **{
            name: _count(details, name)
            for name in ("prompt_tokens", "context_length", "restarts", "silent_s")
        },
        "minutes": _count(details, "minutes"),
    }


def _size(details: _Details, name: str) -> str:
    value = details.get(name)
    return f"{format_number(value / 2**30, 1)} GiB" if isinstance(value, int | float) else "?"


def _count(details: _Details, name: str) -> str:
    value = details.get(name)
    return format_number(value) if isinstance(value, int | float) else tr("several")
