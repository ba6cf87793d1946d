"""Convert: a checkpoint's folder to one GGUF file."""

from pathlib import Path

from app.engine_link.job_chain import JobChain
from app.engine_link.workbench_subject import WorkbenchSubject
from app.theme.theme import Theme
from app.translation import mark, tr
from app.views.workbench.form import Form
from app.views.workbench.path_field import PathField
from app.workbench.targets import suggest_target, target_fault
from engine.contract.jobs import ConvertJob
from engine.contract.paths import Paths
from engine.contract.quantization_types import CONVERTED_TYPES

MEANINGS = {
    "BF16": mark("BF16 · as most checkpoints are, best to quantize from"),
    "F16": mark("F16 · half the size of F32"),
    "Q8_0": mark("Q8_0 · half of that again, hardly anything is lost"),
    "F32": mark("F32 · nothing is lost, the largest"),
}


class ConvertForm(Form):
    """Good without a touch: BF16, into the models folder."""

    def __init__(self, subject: WorkbenchSubject, chain: JobChain, paths: Paths, theme: Theme) -> None:
        super().__init__(theme, tr("Convert"))
        self._subject, self._chain, self._paths = subject, chain, paths
        self.type = self.choice([(tr(MEANINGS[name]), name) for name in CONVERTED_TYPES])
        self.target = PathField("write", tr("Result"), tr("Model files (*.gguf)"), theme, self)
        self.add_row(tr("Type"), self.type, tr("FP8 weights are turned into this type on the way."))
        self.add_row(tr("Result"), self.target)
        self.target.changed.connect(self._follow)
        self.changed.connect(self._follow)
        self.start_requested.connect(self.begin)
        subject.chosen.connect(self._follow)
        subject.mapped.connect(self._follow)
        self._follow()

    def begin(self) -> None:
        """Begin the conversion; says why where it cannot be."""
        path = self._subject.path
        if path is None or not self.start.isEnabled():
            return
        try:
            Path(self.target.path).parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            self.refuse(tr("It cannot be written there: {reason}.", reason=error.strerror or str(error)))
            return
        self._chain.begin(
            ConvertJob(source=str(path), target=self.target.path, weight_type=self.type.currentData())
        )

    def _follow(self) -> None:
        path = self._subject.path
        if path is None or not self._subject.is_checkpoint:
            self.refuse(tr("Choose the folder of a checkpoint first."))
            return
        self.target.suggest(str(suggest_target(path, self.type.currentData(), self._paths)))
        self.refuse(target_fault(self.target.path, (str(path),)))
