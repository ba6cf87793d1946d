"""What a quantization would give, asked whenever the wish changes: the newest wish alone is answered."""

from dataclasses import dataclass

from PySide6.QtCore import QObject, QTimer, Signal

from app.engine_link.workbench_client import WorkbenchClient
from engine.contract.errors import EngineError
from engine.contract.jobs import JobResult, PlanJob, PlanResult, RecipeJob, RecipeResult

WAIT_MS = 250  # for the next change, while the user is still choosing


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """A recipe, or a size for which the largest stock type is taken."""

    source: str
    recipe: str = ""
    budget_bytes: int = 0  # where there is no recipe; 0: what fits into this computer's memory
    context_length: int = 0  # beside which it has to fit
    target: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What would be written, and by which recipe."""

    wish: Wish
    recipe: str
    plan: PlanResult
    budget_bytes: int = 0  # that the recipe was found for


class DryRun(QObject):
    """Asks the host for plans, which wait for no job; an older question is cancelled."""

    begun = Signal()
    planned = Signal(object)  # Outcome
    refused = Signal(object)  # EngineError

    def __init__(self, client: WorkbenchClient, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._client = client
        self._wish: Wish | None = None
        self._recipe = ""
        self._budget_bytes = 0
        self._asked = ""
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._ask)
        client.job_done.connect(self._take)
        client.job_failed.connect(self._note_failure)

    def wish(self, wish: Wish | None) -> None:
        """Ask for this from now on; None asks for nothing."""
        self._client.cancel(self._asked)
        self._asked, self._wish = "", wish
        if wish is None:
            self._timer.stop()
            return
        self._timer.start(WAIT_MS)
        self.begun.emit()

    def close(self) -> None:
        """Ask no more."""
        self.wish(None)

    def _ask(self) -> None:
        wish = self._wish
        if wish is None:
            return
        if wish.recipe:
            self._plan(wish.recipe)
            return
        self._asked = self._client.begin(
            RecipeJob(model=wish.source, budget_bytes=wish.budget_bytes, context_length=wish.context_length)
        )

    def _plan(self, recipe: str) -> None:
        assert self._wish is not None
        self._recipe = recipe
        self._asked = self._client.begin(
            PlanJob(source=self._wish.source, recipe=recipe, target=self._wish.target)
        )

    def _take(self, job_id: str, result: JobResult) -> None:
        if job_id != self._asked or self._wish is None:
            return
        if isinstance(result, RecipeResult):
            self._budget_bytes = result.budget_bytes or self._wish.budget_bytes
            self._plan(result.recipe)
        elif isinstance(result, PlanResult):
            self._asked = ""
            budget_bytes = 0 if self._wish.recipe else self._budget_bytes
            outcome = Outcome(wish=self._wish, recipe=self._recipe, plan=result, budget_bytes=budget_bytes)
            self.planned.emit(outcome)

    def _note_failure(self, job_id: str, error: EngineError) -> None:
        if job_id == self._asked:
            self._asked = ""
            self.refused.emit(error)
