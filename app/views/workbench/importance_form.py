"""Importance matrix: let the model read a text and keep how strongly each of its inputs is used."""

from pathlib import Path

from app.engine_link.job_chain import JobChain
from app.engine_link.workbench_subject import WorkbenchSubject
from app.theme.theme import Theme
from app.translation import tr
from app.views.workbench.form import Form
from app.views.workbench.path_field import PathField
from app.views.workbench.text_field import TextField
from app.workbench.targets import target_fault
from engine.contract.jobs import ImportanceJob
from engine.contract.paths import Paths, resources


class ImportanceForm(Form):
    """Good without a touch: the text of Retort, beside the model."""

    def __init__(self, subject: WorkbenchSubject, chain: JobChain, paths: Paths, theme: Theme) -> None:
        super().__init__(theme, tr("Make the matrix"))
        self._subject, self._chain, self._paths = subject, chain, paths
        self.text = TextField(paths, theme, self)
        self.target = PathField("write", tr("Result"), f"{tr('Importance matrices')} (*.gguf)", theme, self)
        self.add_row(
            tr("Text"),
            self.text,
            tr("The nearer to what the model will be used for, the better. Experts count one by one."),
        )
        self.add_row(tr("Result"), self.target)
        for field in (self.text, self.target):
            field.changed.connect(self._follow)
        self.start_requested.connect(self.begin)
        subject.chosen.connect(self._follow)
        subject.mapped.connect(self._follow)
        self._follow()

    def begin(self) -> None:
        """Begin; says why where it cannot be."""
        path = self._subject.path
        if path is None or not self.start.isEnabled():
            return
        try:
            Path(self.target.path).parent.mkdir(parents=True, exist_ok=True)
            text = self.text.path()
        except OSError as error:
            self.refuse(tr("It cannot be written there: {reason}.", reason=error.strerror or str(error)))
            return
        self._chain.begin(ImportanceJob(model=str(path), text=text, target=self.target.path))

    def _follow(self) -> None:
        path = self._subject.path
        if path is None or self._subject.is_checkpoint:
            self.refuse(tr("Choose a GGUF model first."))
            return
        name = f"{path.stem}.imatrix.gguf"
        is_shipped = resources() in path.parents
        self.target.suggest(
            str(self._paths.models / "local" / path.stem / name if is_shipped else path.with_name(name))
        )
        self.refuse(self.text.fault or target_fault(self.target.path, (str(path),)))
