"""Where a model comes from, as a card: warnings first, then facts, then what stands out in its template."""

from PySide6.QtWidgets import QFrame, QVBoxLayout, QWidget

from app.provenance_words import facts, template_words, warning_words
from app.theme.theme import Theme
from app.translation import tr
from app.views.hub.facts_grid import FactsGrid
from app.views.plain_label import plain_label
from engine.contract.provenance_messages import Provenance

MOST_TEMPLATE_LINES = 12


class ProvenanceCard(QFrame):
    """Shows one Provenance; empty until there is one. All of it may come from anybody: nothing is a link."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("card")
        self.setAccessibleName(tr("Where it comes from"))
        self._heading = plain_label(self, theme, tr("Where it comes from"), "strong")
        self._warnings = plain_label(self, theme, tone="bad", wraps=True)
        self._facts = FactsGrid(theme, self)
        self._template = plain_label(self, theme, use="code", wraps=True)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 14, 16, 14)
        column.setSpacing(8)
        for part in (self._heading, self._warnings, self._facts, self._template):
            column.addWidget(part)
        self.hide()

    @property
    def facts(self) -> dict[str, str]:
        """What is said."""
        return dict(self._facts.pairs)

    @property
    def warnings(self) -> str:
        """What is warned of, line by line."""
        return self._warnings.text() if not self._warnings.isHidden() else ""

    def show_provenance(self, provenance: Provenance | None) -> None:
        """Show this; None leaves the card out."""
        self.setVisible(provenance is not None)
        if provenance is None:
            return
        warnings = warning_words(provenance)
        self._warnings.setText("\n".join(warnings))
        self._warnings.setVisible(bool(warnings))
        self._facts.show_facts(facts(provenance))
        lines = template_words(provenance)[:MOST_TEMPLATE_LINES]
        self._template.setText("\n".join(lines))
        self._template.setVisible(bool(lines))
