"""Quantize: how small, with which importance matrix, to which file; and beforehand what that gives."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from app.engine_link.dry_run import DryRun, Outcome, Wish
from app.engine_link.job_chain import JobChain
from app.engine_link.workbench_subject import WorkbenchSubject
from app.theme.theme import Theme
from app.translation import mark, tr
from app.views.workbench.form import Form
from app.views.workbench.path_field import PathField
from app.views.workbench.plan_view import PlanView
from app.views.workbench.recipe_field import RecipeField
from app.views.workbench.text_field import TextField
from app.workbench.plan_summary import source_line
from app.workbench.sizes import size_in_words
from app.workbench.targets import suggest_target, target_fault
from engine.contract.errors import EngineError
from engine.contract.jobs import ImportanceJob, MeasureJob, QuantizeJob, RecipeJob
from engine.contract.paths import Paths

Matrix = Literal["needed", "made", "file"]
MATRICES: dict[Matrix, str] = {
    "needed": mark("Only where a type needs one"),
    "made": mark("Make one from the text"),
    "file": mark("One that I have"),
}
MATRIX_ENDING = ".imatrix.gguf"
MEASURED_CHUNKS = 40  # of 512 tokens: some 10,000 scored ones, enough to tell types apart


@dataclass(frozen=True, slots=True)
class Wanted:
    """Everything that is begun with one press of the button."""

    quantize: QuantizeJob
    fitting: RecipeJob | None
    matrix: ImportanceJob | None
    measuring: MeasureJob | None


class QuantizeForm(Form):
    """Keeps a dry run of what is chosen, and begins the jobs."""

    def __init__(
        self, subject: WorkbenchSubject, dry_run: DryRun, chain: JobChain, paths: Paths, theme: Theme
    ) -> None:
        super().__init__(theme, tr("Quantize"))
        self._subject, self._dry_run, self._chain, self._paths = subject, dry_run, chain, paths
        self.outcome: Outcome | None = None  # of what is chosen now
        self.recipe = RecipeField(theme, self)
        self.matrix = self.choice([(tr(name), matrix) for matrix, name in MATRICES.items()])
        self.matrix_file = PathField(
            "read", tr("Importance matrix"), f"{tr('Importance matrices')} (*.gguf *.dat)", theme, self
        )
        self.text = TextField(paths, theme, self)
        self.target = PathField("write", tr("Result"), tr("Model files (*.gguf)"), theme, self)
        self.measures = self.switch(tr("Measure the result afterwards"), is_on=True)
        self.plan = PlanView(theme, self)
        self.add_row(tr("How small"), self.recipe)
        self.add_row(tr("Importance matrix"), self.matrix)
        self.add_row(tr("Its file"), self.matrix_file)
        self.add_row(
            tr("Text"),
            self.text,
            tr(
                "Read for the matrix, for trying types and for measuring; the nearer to your use, the better."
            ),
        )
        self._target_hint = self.add_row(tr("Result"), self.target)
        self.add_row("", self.measures)
        self.measures.setAccessibleName(self.measures.text())
        self.below.addWidget(self.plan)
        for field in (self.recipe, self.matrix_file, self.text, self.target):
            field.changed.connect(self.changed)
        self.changed.connect(self._follow)
        self.start_requested.connect(self.begin)
        dry_run.planned.connect(self._take_outcome)
        dry_run.refused.connect(self._take_refusal)
        subject.chosen.connect(self._forget)
        subject.mapped.connect(self._take_model)
        self._forget()

    def begin(self) -> None:
        """Begin the jobs that are chosen; says why where they cannot be."""
        if not self.start.isEnabled():
            return
        try:
            Path(self.target.path).parent.mkdir(parents=True, exist_ok=True)
            wanted = self.wanted()
        except OSError as error:
            self.refuse(tr("It cannot be written there: {reason}.", reason=error.strerror or str(error)))
            return
        self._chain.quantize(
            wanted.quantize, fitting=wanted.fitting, matrix=wanted.matrix, measuring=wanted.measuring
        )

    def wanted(self) -> Wanted:
        """The jobs that are chosen; raises OSError where the prompts cannot be kept."""
        assert self.outcome is not None
        source, target = self.outcome.wish.source, self.target.path
        matrix_path = self._matrix_path()
        makes_matrix = bool(matrix_path) and self.matrix.currentData() != "file"
        fitting = None
        if self.recipe.is_measured:
            fitting = RecipeJob(
                model=source,
                budget_bytes=self.recipe.budget_bytes or self.outcome.budget_bytes,
                text=self.text.path(),
                importance=matrix_path,
            )
        measuring = None
        if self.measures.isChecked():
            measuring = MeasureJob(
                model=target, against=source, text=self.text.path(), max_chunks=MEASURED_CHUNKS
            )
        return Wanted(
            QuantizeJob(source=source, target=target, recipe=self.outcome.recipe, importance=matrix_path),
            fitting,
            ImportanceJob(model=source, text=self.text.path(), target=matrix_path) if makes_matrix else None,
            measuring,
        )

    def _matrix_path(self) -> str:
        """The matrix that is used; empty for none."""
        if self.matrix.currentData() == "file":
            return self.matrix_file.path
        is_needed = self.outcome is not None and self.outcome.plan.needs_importance
        is_made = self.matrix.currentData() == "made" or is_needed
        return self.target.path + MATRIX_ENDING if is_made else ""

    def _forget(self) -> None:
        """Another model: nothing is known of it."""
        self.outcome = None
        self._dry_run.wish(None)
        self.plan.show_nothing()
        self.refuse(tr("Choose a model first."))

    def _take_model(self) -> None:
        if self._subject.map is not None and not self._subject.is_checkpoint:
            self.recipe.suggest_size(self._subject.map.size_bytes)
            self._follow()

    def _follow(self) -> None:
        """Something was changed: check it, and ask anew what it gives."""
        path = self._subject.path
        self.set_row_visible(self.matrix_file, self.matrix.currentData() == "file")
        if path is None or self._subject.is_checkpoint:
            return
        self.target.suggest(str(suggest_target(path, self.recipe.ending, self._paths)))
        self._target_hint.setText(
            tr("There is a file of this name. It is replaced when the new one is whole.")
        )
        self._target_hint.setVisible(Path(self.target.path).is_file())
        fault = self._fault(path)
        self.refuse(fault)
        wish = Wish(
            source=str(path),
            recipe=self.recipe.chosen_recipe,
            budget_bytes=self.recipe.budget_bytes,
            context_length=self.recipe.context_length,
        )
        if self.recipe.fault:
            self.outcome = None
            self._dry_run.wish(None)
            self.plan.show_nothing()
        elif self.outcome is None or self.outcome.wish != wish:
            self.outcome = None
            self.start.setEnabled(False)
            self.plan.show_busy()
            self._dry_run.wish(wish)

    def _fault(self, path: Path) -> str:
        matrix_file = self.matrix_file.path if self.matrix.currentData() == "file" else ""
        if self.matrix.currentData() == "file" and not Path(matrix_file).is_file():
            return tr("Choose the file of the importance matrix.")
        return (
            self.recipe.fault or target_fault(self.target.path, (str(path), matrix_file)) or self.text.fault
        )

    def _take_outcome(self, outcome: Outcome) -> None:
        self.outcome = outcome
        self.plan.show_plan(outcome.plan, self._note(outcome))
        path = self._subject.path
        self.refuse(self._fault(path) if path is not None else "")

    def _note(self, outcome: Outcome) -> str:
        notes = [line] if (line := source_line(outcome.plan)) else []
        if outcome.budget_bytes:
            notes.append(tr("At most {size}.", size=size_in_words(outcome.budget_bytes)))
        if self.recipe.chosen_way == "computer" and outcome.plan.size_bytes >= outcome.plan.source_bytes:
            notes.append(tr("The model fits as it is."))
        if self.recipe.is_measured:
            notes.append(
                tr("This is the best of the stock types; measuring looks for better ones of the same size.")
            )
        if outcome.plan.needs_importance and self.matrix.currentData() == "needed":
            notes.append(tr("This type needs an importance matrix: it is made from the text first."))
        return " ".join(notes)

    def _take_refusal(self, error: EngineError) -> None:
        self.outcome = None
        self.plan.show_error(error)
        self.start.setEnabled(False)
