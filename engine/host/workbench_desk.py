"""What the workbench asks besides jobs: maps of models and what was measured, read on a thread aside."""

from collections.abc import Callable
from pathlib import Path

from engine.contract.messages import Event
from engine.contract.paths import Paths
from engine.contract.workbench_messages import (
    QualityCardsListed,
    QualityCardsRequest,
    TensorMapListed,
    TensorMapRequest,
)
from engine.host.answering import answered
from engine.host.asides import Asides
from engine.library.checkpoint import Checkpoint
from engine.library.quality_cards import QualityCards
from engine.library.tensor_map import map_model


class WorkbenchDesk:
    """Answers each request once."""

    def __init__(self, paths: Paths, emit: Callable[[Event], None], asides: Asides) -> None:
        """Nothing is read yet."""
        self._emit, self._asides = emit, asides
        self._cards = QualityCards(paths.quality)

    def map(self, request: TensorMapRequest, path: Path) -> None:
        """Tell what the model at a path consists of."""
        self._answer(request.request_id, lambda: _mapped(request.request_id, path))

    def list_cards(self, request: QualityCardsRequest) -> None:
        """Tell what was measured."""
        self._answer(
            request.request_id,
            lambda: QualityCardsListed(request_id=request.request_id, cards=self._cards.all()),
        )

    def _answer(self, request_id: str, read: Callable[[], Event]) -> None:
        def work() -> Callable[[], None]:
            answer = answered(request_id, read)
            return lambda: self._emit(answer)

        self._asides.start("workbench", work)


def _mapped(request_id: str, path: Path) -> TensorMapListed:
    header, groups = map_model(path)
    if isinstance(header, Checkpoint):
        architecture = str(header.config.get("model_type", ""))
    else:
        architecture = header.architecture
    return TensorMapListed(
        request_id=request_id,
        model=str(path),
        format="checkpoint" if path.is_dir() else "gguf",
        architecture=architecture,
        size_bytes=header.size_bytes,
        parameters=header.parameters,
        groups=groups,
    )
