"""The cards of one model of the library: what it takes in memory, and where it comes from."""

from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.engine_link.model_knowledge import ModelKnowledge
from app.error_texts import describe_error
from app.theme.theme import Theme
from app.views.fit_card import FitCard
from app.views.plain_label import plain_label
from app.views.provenance_card import ProvenanceCard
from engine.contract.errors import EngineError
from engine.contract.model_info import InstalledModel


class ModelCards(QWidget):
    """Asks about a model when it is shown and says what comes."""

    def __init__(self, knowledge: ModelKnowledge, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._knowledge = knowledge
        self.fit = FitCard(theme, self)
        self.provenance = ProvenanceCard(theme, self)
        self._problem = plain_label(self, theme, tone="bad", wraps=True)
        self._problem.hide()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(12)
        for part in (self._problem, self.fit, self.provenance):
            column.addWidget(part)
        knowledge.fit_told.connect(self.fit.show_told)
        knowledge.provenance_told.connect(self.provenance.show_provenance)
        knowledge.failed.connect(self._say)

    def show_model(self, model: InstalledModel | None) -> None:
        """Ask about a model, unless it is the one that is shown and nothing has changed."""
        if model is None or model.problem:
            self._knowledge.forget()
            self._clear()
        elif model.name != self._knowledge.model:
            self._clear()
            self._knowledge.ask(model.name)
        else:  # it was loaded or unloaded: the same cards with newer figures
            self._knowledge.ask(model.name)

    def _clear(self) -> None:
        self._problem.hide()
        self.fit.show_told(None)
        self.provenance.show_provenance(None)

    def _say(self, error: EngineError) -> None:
        text = describe_error(error)
        self._problem.setText(f"{text.happened} {text.to_do}")
        self._problem.show()
