"""A model's search for its fastest settings: begin, watch, stop, and look at what was found."""

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from app.engine_link.tuning import Tuning
from app.theme.theme import Theme
from app.translation import tr
from app.tuning_words import load_words, step_words, summary_words
from app.views.hub.download_bar import ProgressLine
from app.views.plain_label import plain_label


class TuneBox(QWidget):
    """Follows the search of one model; the same in the side panel and in the library."""

    results_wanted = Signal(str)  # model

    def __init__(self, tuning: Tuning, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._tuning = tuning
        self._model = ""
        self.start = self._button(tr("Find the best settings"))
        self.stop = self._button(tr("Stop measuring"))
        self.results = self._button(tr("Show the results"))
        self._line = ProgressLine(theme, self)
        self._line.setAccessibleName(tr("Finding the best settings"))
        self._words = plain_label(self, theme, use="small", tone="secondary", wraps=True)
        self._best = plain_label(self, theme, use="small", tone="secondary", wraps=True)
        self.start.clicked.connect(lambda: tuning.start(self._model))
        self.stop.clicked.connect(tuning.stop)
        self.results.clicked.connect(lambda: self.results_wanted.emit(self._model))
        buttons = QHBoxLayout()
        buttons.setSpacing(8)
        for button in (self.start, self.stop, self.results):
            buttons.addWidget(button)
        buttons.addStretch()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        column.addLayout(buttons)
        column.addWidget(self._line)
        column.addWidget(self._words)
        column.addWidget(self._best)
        tuning.changed.connect(self._follow)
        self.show_model("")

    @property
    def words(self) -> str:
        """What is said below the buttons."""
        return " ".join(filter(None, (self._words.text(), self._best.text())))

    def show_model(self, model: str) -> None:
        """Show another model, by its name in the library; empty for none that can be measured."""
        if model != self._model and model:
            self._tuning.look(model)
        self._model = model
        self.setVisible(bool(model))
        self._show()

    def _follow(self, _model: str) -> None:
        self._show()

    def _show(self) -> None:
        known = self._tuning.of(self._model)
        self.start.setVisible(not known.is_running)
        self.start.setEnabled(not self._tuning.is_running)
        self.stop.setVisible(known.is_running)
        self.results.setVisible(known.found is not None and not known.is_running)
        self._line.setVisible(known.is_running)
        self._line.show_fraction(known.step.share if known.step else 0.0, is_moving=True)
        words = step_words(known.step) if known.is_running else summary_words(known)
        self._words.setText(words)
        is_bad = bool(known.error or known.stale_because) and not known.is_running
        self._words.setProperty("tone", "bad" if is_bad else "secondary")
        self._words.style().unpolish(self._words)
        self._words.style().polish(self._words)
        best = tr("The best so far: {load}", load=load_words(known.best.load)) if known.best else ""
        self._best.setText(best)
        self._best.setVisible(bool(best))

    def _button(self, text: str) -> QPushButton:
        button = QPushButton(text, self)
        button.setProperty("shape", "raised")
        button.setAccessibleName(text)
        return button
