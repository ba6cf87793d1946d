"""The edge of the threads that answer requests: whatever goes wrong there becomes an answer too."""

import logging
from collections.abc import Callable

from engine.contract.errors import EngineError, InternalError
from engine.contract.messages import ErrorEvent, Event

log = logging.getLogger("retort.host")


def answered(request_id: str, read: Callable[[], Event]) -> Event:
    """What `read` answers, or the error that it ended with; one that nobody foresaw is logged."""
    try:
        return read()
    except EngineError as error:
        return _refusal(request_id, error)
    except Exception as error:  # the thread's edge: logged, and said to whoever asked
        log.exception("a request could not be answered")
        return _refusal(request_id, InternalError(f"{type(error).__name__}: {error}"))


def _refusal(request_id: str, error: EngineError) -> ErrorEvent:
    return ErrorEvent(request_id=request_id, code=error.code, message=error.message, details=error.details)
