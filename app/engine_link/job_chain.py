"""What follows a job once it is done: the matrix before the quantization, the measurement after it.

Steps that follow live with the window's process; a job alone lives longer, in the host's records.
"""

from collections.abc import Callable, Iterable

from msgspec import structs
from PySide6.QtCore import QObject

from app.engine_link.model_library import ModelLibrary
from app.lists.job_list import JobList
from engine.contract.jobs import (
    ConvertResult,
    ImportanceJob,
    Job,
    JobResult,
    MeasureJob,
    QualityCard,
    QuantizeJob,
    QuantizeResult,
    RecipeJob,
    RecipeResult,
)

Then = Callable[[JobResult], object]


class JobChain(QObject):
    """Begins jobs, and the next ones when they are done."""

    def __init__(
        self,
        jobs: JobList,
        library: ModelLibrary,
        cards: Callable[[], Iterable[QualityCard]],
        parent: QObject | None = None,
    ) -> None:
        """`cards` are those that are known: what was measured already is not measured again unasked."""
        super().__init__(parent)
        self._cards = cards
        self._jobs = jobs
        self._library = library
        self._next: dict[str, Then] = {}  # by the id of the job before
        jobs.result_arrived.connect(self._go_on)
        jobs.ended_badly.connect(self._stop)

    def begin(self, job: Job, then: Then | None = None) -> str:
        """Begin a job; `then` is called with its result."""
        job_id = self._jobs.begin(job)
        if then is not None:
            self._next[job_id] = then
        return job_id

    def quantize(
        self,
        job: QuantizeJob,
        *,
        fitting: RecipeJob | None = None,
        matrix: ImportanceJob | None = None,
        measuring: MeasureJob | None = None,
    ) -> str:
        """Make the matrix, find the recipe, quantize, measure: whatever of it is wanted, in this order."""
        if matrix is not None:
            fitting = structs.replace(fitting, importance=matrix.target) if fitting is not None else None
            with_matrix = structs.replace(job, importance=matrix.target)
            return self.begin(matrix, lambda _result: self._quantize_next(with_matrix, fitting, measuring))
        return self._quantize_next(job, fitting, measuring)

    def _quantize_next(
        self, job: QuantizeJob, fitting: RecipeJob | None, measuring: MeasureJob | None
    ) -> str:
        if fitting is not None:

            def take_recipe(result: JobResult) -> None:
                assert isinstance(result, RecipeResult)
                self._quantize_next(structs.replace(job, recipe=result.recipe), None, measuring)

            return self.begin(fitting, take_recipe)
        if measuring is None:
            return self.begin(job)
        return self.begin(job, lambda _result: self.measure(measuring))

    def measure(self, job: MeasureJob) -> None:
        """Measure a model; then its reference on the same text, so that it stands beside it."""

        def measure_reference(result: JobResult) -> None:
            assert isinstance(result, QualityCard)
            if not any(_is_reference(card, result) for card in self._cards()):
                self.begin(structs.replace(job, model=job.against, against=""))

        self.begin(job, measure_reference if job.against else None)

    def _go_on(self, job_id: str, result: JobResult) -> None:
        if isinstance(result, QuantizeResult | ConvertResult):
            self._keep(result.target)
        then = self._next.pop(job_id, None)
        if then is not None:
            then(result)

    def _stop(self, job_id: str) -> None:
        self._next.pop(job_id, None)

    def _keep(self, path: str) -> None:
        """What was written belongs to the library, where it lies."""
        if self._library.find(path) is None:
            self._library.import_file(path)
        else:
            self._library.refresh()


def _is_reference(card: QualityCard, compared: QualityCard) -> bool:
    """Whether a card is of the other's reference, on as much of the same text."""
    subject = (card.text_sha256, card.chunk_length, card.num_tokens)
    is_same = subject == (compared.text_sha256, compared.chunk_length, compared.num_tokens)
    return is_same and card.model == compared.against
