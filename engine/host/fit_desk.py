"""Answers what a model would take, each request on a thread of its own: headers and devices take time."""

from collections.abc import Callable
from pathlib import Path

from engine.contract.fit_messages import FitRequest
from engine.contract.messages import Event
from engine.contract.settings import EngineSettings
from engine.host.answering import answered
from engine.host.asides import Asides
from engine.host.fit_adviser import FitAdviser


class FitDesk:
    """Takes requests on the deciding thread and emits their answers there."""

    def __init__(self, adviser: FitAdviser, emit: Callable[[Event], None], asides: Asides) -> None:
        """Nothing is asked yet."""
        self._adviser, self._emit, self._asides = adviser, emit, asides

    def ask(self, request: FitRequest, path: Path | None, settings: EngineSettings) -> None:
        """Answer a request about the model at a path; None where the request brings its shape."""

        def work() -> Callable[[], None]:
            answer = answered(request.request_id, lambda: self._adviser.tell(request, path, settings))
            return lambda: self._emit(answer)

        self._asides.start("fit", work)
