"""Measure: perplexity of a model on a text, and how far it is from a reference."""

from app.engine_link.job_chain import JobChain
from app.engine_link.model_library import ModelLibrary
from app.engine_link.workbench_subject import WorkbenchSubject
from app.theme.theme import Theme
from app.translation import tr
from app.views.workbench.form import Form
from app.views.workbench.quantize_form import MEASURED_CHUNKS
from app.views.workbench.text_field import TextField
from app.workbench.job_words import short_name
from engine.contract.jobs import MeasureJob
from engine.contract.model_info import InstalledModel
from engine.contract.paths import Paths

THOROUGH_CHUNKS = 200


class MeasureForm(Form):
    """Good without a touch: against what the model was made of, where that is known, on Retort's text."""

    def __init__(
        self,
        subject: WorkbenchSubject,
        library: ModelLibrary,
        chain: JobChain,
        paths: Paths,
        theme: Theme,
    ) -> None:
        super().__init__(theme, tr("Measure"))
        self._subject, self._library, self._chain = subject, library, chain
        self.against = self.choice([(tr("Nothing: perplexity alone"), "")])
        self.text = TextField(paths, theme, self)
        self.chunks = self.choice(
            [
                (tr("Quick: {count} chunks of 512 tokens", count=MEASURED_CHUNKS), MEASURED_CHUNKS),
                (tr("Thorough: {count} chunks", count=THOROUGH_CHUNKS), THOROUGH_CHUNKS),
                (tr("The whole text"), None),
            ]
        )
        self.add_row(
            tr("Compare with"), self.against, tr("A model with the same vocabulary, such as the source.")
        )
        self.add_row(tr("Text"), self.text)
        self.add_row(tr("How much"), self.chunks)
        self.text.changed.connect(self._follow)
        self.changed.connect(self._follow)
        self.start_requested.connect(self.begin)
        library.changed.connect(self._offer)
        subject.chosen.connect(self._follow)
        subject.mapped.connect(self._offer)
        self._offer()

    def begin(self) -> None:
        """Begin; says why where it cannot be."""
        path = self._subject.path
        if path is None or not self.start.isEnabled():
            return
        try:
            text = self.text.path()
        except OSError as error:
            self.refuse(tr("The prompts cannot be kept: {reason}.", reason=error.strerror or str(error)))
            return
        self._chain.measure(
            MeasureJob(
                model=str(path),
                against=self.against.currentData(),
                text=text,
                max_chunks=self.chunks.currentData(),
            )
        )

    def _offer(self) -> None:
        """The models that this one can be compared with; the likeliest is chosen."""
        path, found = self._subject.path, self._subject.map
        self.against.clear()
        self.against.addItem(tr("Nothing: perplexity alone"), "")
        if path is not None and found is not None:
            likely = likely_references(self._library.models, str(path), found.architecture)
            for model in likely:
                self.against.addItem(f"{short_name(model.path)}  {_type_of(model)}", model.path)
            known = next((c.against for c in reversed(self._subject.cards) if c.model == str(path)), "")
            at = self.against.findData(known) if known else -1
            larger = [model for model in likely if model.size_bytes > found.size_bytes]
            if at < 0 and larger and larger[0].info is not None:
                is_same = larger[0].info.parameters == found.parameters
                at = self.against.findData(larger[0].path) if is_same else 0
            self.against.setCurrentIndex(max(at, 0))
        self._follow()

    def _follow(self) -> None:
        if self._subject.path is None or self._subject.is_checkpoint:
            self.refuse(tr("Choose a GGUF model first."))
        else:
            self.refuse(self.text.fault)


def likely_references(
    models: tuple[InstalledModel, ...], path: str, architecture: str
) -> list[InstalledModel]:
    """GGUF models of the same architecture other than this one, the largest first."""
    fitting = [
        model
        for model in models
        if model.format == "gguf"
        and model.path != path
        and model.info is not None
        and model.info.architecture == architecture
    ]
    return sorted(fitting, key=lambda model: -model.size_bytes)


def _type_of(model: InstalledModel) -> str:
    return model.info.quantization if model.info is not None else ""
