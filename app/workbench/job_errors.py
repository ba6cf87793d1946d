"""Errors of the workbench in words: the general texts speak of messages and answers where a job failed."""

from collections.abc import Mapping

from app.error_texts import ErrorText, describe_code
from app.translation import mark, tr
from engine.contract.errors import DetailValue, EngineError

_AGAIN = mark("Begin it once more. If it ends so again, the model's file may be damaged.")
JOB_TEXTS: dict[str, tuple[str, str]] = {
    "worker_died": (
        mark("The process of this job ended unexpectedly. No model was harmed, and nothing of it is left."),
        _AGAIN,
    ),
    "host_died": (
        mark("The engine ended unexpectedly while this job ran."),
        mark("Conversions and quantizations start over by themselves; begin others once more."),
    ),
    "invalid_request": (mark("This cannot be done: {message}."), mark("Change it, then try again.")),
}


def describe_job_error(error: EngineError) -> str:
    """What happened, and what to do."""
    return describe_job_code(error.code, error.message, error.details)


def describe_job_code(code: str, message: str, details: Mapping[str, DetailValue]) -> str:
    """The same for an error that stands in a record."""
    if code in JOB_TEXTS:
        happened, to_do = JOB_TEXTS[code]
        text = ErrorText(happened=tr(happened, message=message), to_do=tr(to_do, message=message))
    else:
        text = describe_code(code, message, details)
    return f"{text.happened} {text.to_do}"
