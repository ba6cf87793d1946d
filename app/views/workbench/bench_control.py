"""Joins the parts of the workbench: the model, the forms, the queue and the cards."""

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from app.engine_link.card_export import CardExport
from app.engine_link.dry_run import DryRun, Outcome
from app.engine_link.job_chain import JobChain
from app.engine_link.model_library import ModelLibrary
from app.engine_link.workbench_client import WorkbenchClient
from app.engine_link.workbench_subject import WorkbenchSubject
from app.lists.job_list import JobList
from app.theme.theme import Theme
from app.translation import tr
from app.views.workbench import accessible_marks
from app.views.workbench.bench_page import BenchPage
from app.views.workbench.convert_form import ConvertForm
from app.views.workbench.importance_form import ImportanceForm
from app.views.workbench.jobs_box import JobsBox
from app.views.workbench.measure_form import MeasureForm
from app.views.workbench.model_box import ModelBox
from app.views.workbench.quality_box import QualityBox
from app.views.workbench.quantize_form import QuantizeForm
from app.workbench.job_errors import describe_job_error
from engine.contract.errors import EngineError
from engine.contract.jobs import ConvertResult, JobResult, QualityCard, QuantizeResult
from engine.contract.paths import Paths


class BenchControl(QObject):
    """One workbench; `page` is what the window shows."""

    closed = Signal()

    def __init__(
        self,
        *,
        client: WorkbenchClient,
        jobs: JobList,
        library: ModelLibrary,
        current_model: Callable[[], str],
        paths: Paths,
        theme: Theme,
        parent: QObject | None = None,
    ) -> None:
        """`current_model` is the one that is on the bench where the user has put none there."""
        super().__init__(parent)
        accessible_marks.install()
        self._library, self._current_model = library, current_model
        self.jobs = jobs
        self.subject = WorkbenchSubject(client, library, self)
        self.dry_run = DryRun(client, self)
        self.export = CardExport(client, self)
        self.chain = JobChain(jobs, library, lambda: self.subject.cards, self)
        self.quantize = QuantizeForm(self.subject, self.dry_run, self.chain, paths, theme)
        self.convert = ConvertForm(self.subject, self.chain, paths, theme)
        self.importance = ImportanceForm(self.subject, self.chain, paths, theme)
        self.measure = MeasureForm(self.subject, library, self.chain, paths, theme)
        self.quality = QualityBox(theme)
        self.queue = JobsBox(jobs, theme)
        self.model = ModelBox(self.subject, library, theme)
        self.page = BenchPage(
            model=self.model,
            forms={
                tr("Quantize"): self.quantize,
                tr("Convert"): self.convert,
                tr("Importance matrix"): self.importance,
                tr("Measure"): self.measure,
            },
            jobs=self.queue,
            quality=self.quality,
            theme=theme,
        )
        self._wire()

    def open(self) -> None:
        """The page is shown: put a model on the bench if there is none, and look what there is."""
        if not self.subject.model:
            self.subject.choose(self._current_model())
        self.jobs.refresh()
        self.subject.refresh_cards()
        self._library.refresh()

    def _wire(self) -> None:
        self.page.closed.connect(self.closed)
        self.page.model_dropped.connect(self.subject.choose)
        self.subject.mapped.connect(self._follow_model)
        self.subject.cards_changed.connect(self._show_cards)
        self.dry_run.planned.connect(self._show_plan)
        self.dry_run.begun.connect(lambda: self.model.show_plan(None))
        self.jobs.result_arrived.connect(self._note_result)
        self.queue.again_requested.connect(self.chain.begin)
        self.queue.show_requested.connect(self._show_result)
        self.quality.export_requested.connect(self.export.export)
        self.export.exported.connect(self._tell_exported)
        self.export.refused.connect(self._tell_error)
        self._follow_model()

    def _follow_model(self) -> None:
        """Some things can be done with folders only, all others with GGUF files only."""
        if self.subject.is_checkpoint:
            self.page.allow_forms((self.convert,))
        else:
            self.page.allow_forms((self.quantize, self.importance, self.measure))
        self._show_cards()

    def _show_plan(self, outcome: Outcome) -> None:
        self.model.show_plan(outcome.plan)

    def _show_cards(self) -> None:
        path = self.subject.path
        self.quality.show_cards(str(path) if path is not None else "", self.subject.cards)

    def _note_result(self, _job_id: str, result: JobResult) -> None:
        if isinstance(result, QualityCard):
            self.subject.refresh_cards()

    def _show_result(self, result: JobResult) -> None:
        """Show what a job has made: a model on the bench, a card among its variants."""
        match result:
            case QuantizeResult() | ConvertResult():
                self.subject.choose(result.target)
            case QualityCard():
                path = self.subject.path
                if path is None or str(path) not in (result.model, result.against):
                    self.subject.choose(result.model)
                self.quality.show_card(result.model)

    def _tell_exported(self, path: str) -> None:
        self.page.notice.show_note(tr("Written: {name}", name=Path(path).name))

    def _tell_error(self, error: EngineError) -> None:
        self.page.notice.show_error(describe_job_error(error))
