"""What a search found: every setting as a point and as a row, and one of them to be taken."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QDialog, QFrame, QHBoxLayout, QPushButton, QScrollArea, QVBoxLayout, QWidget

from app.engine_link.tuning import Tuned
from app.theme.theme import Theme
from app.translation import format_bytes, format_number, tr
from app.tuning_words import gain_words, load_words, stale_words
from app.views.plain_label import plain_label
from app.views.tuning.tuned_plot import TunedPlot
from app.views.workbench import accessible_marks
from app.views.workbench.table import BenchTable
from engine.contract.tuned import TunedRow

SIZE = (840, 680)


class TunedDialog(QDialog):
    """Shows one result; the fastest is chosen at first."""

    load_chosen = Signal(object)  # LoadParams

    def __init__(self, known: Tuned, theme: Theme, parent: QWidget | None = None) -> None:
        """`known` has a result."""
        super().__init__(parent)
        assert known.found is not None
        accessible_marks.install()
        self._rows = known.found.rows
        self.setWindowTitle(tr("Settings of {model}", model=known.found.name))
        self.resize(theme.scaled(SIZE[0]), theme.scaled(SIZE[1]))
        self.plot = TunedPlot(theme, self)
        self.table = BenchTable(tr("Measured settings"), theme, max_rows=8, parent=self)
        self.chosen = plain_label(self, theme, wraps=True)
        self.use = QPushButton(tr("Load it this way"), self)
        self.use.setProperty("shape", "primary")
        self.use.setAccessibleName(self.use.text())
        close = QPushButton(tr("Close"), self)
        close.setProperty("shape", "raised")
        close.setAccessibleName(close.text())
        inside = QWidget(self)
        scrolled = QScrollArea(self)
        scrolled.setWidget(inside)
        scrolled.setWidgetResizable(True)
        scrolled.setFrameShape(QFrame.Shape.NoFrame)
        scrolled.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        column = QVBoxLayout(inside)
        column.setContentsMargins(0, 0, 4, 0)
        column.setSpacing(12)
        column.addWidget(plain_label(self, theme, gain_words(known.found), wraps=True))
        stale = plain_label(self, theme, stale_words(known), tone="bad", wraps=True)
        stale.setVisible(bool(known.stale_because))
        column.addWidget(stale)
        column.addWidget(self.plot)
        legend = tr("Filled points are beaten by no other in everything; larger ones leave more memory free.")
        column.addWidget(plain_label(self, theme, legend, use="small", tone="secondary", wraps=True))
        column.addWidget(self.table)
        column.addStretch(1)
        buttons = QHBoxLayout()
        buttons.addStretch()
        buttons.addWidget(close)
        buttons.addWidget(self.use)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(20, 18, 20, 18)
        outer.setSpacing(12)
        outer.addWidget(scrolled, 1)
        outer.addWidget(self.chosen)
        outer.addLayout(buttons)
        self.plot.show_rows(self._rows)
        self.table.show_rows(_columns(), [_cells(row) for row in self._rows], numbers=(1, 2, 3, 4), wide=0)
        self.plot.activated.connect(lambda number: self.table.setCurrentCell(number, 0))
        self.table.currentCellChanged.connect(lambda row, *_rest: self._show_chosen(row))
        self.use.clicked.connect(self._take)
        close.clicked.connect(self.reject)
        best = next((at for at, row in enumerate(self._rows) if row.load == known.found.best), 0)
        self.table.setCurrentCell(best, 0)
        self._show_chosen(best)

    def _show_chosen(self, number: int) -> None:
        if 0 <= number < len(self._rows):
            self.plot.set_current(number)
            self.chosen.setText(tr("Chosen: {load}", load=load_words(self._rows[number].load)))

    def _take(self) -> None:
        number = self.table.currentRow()
        if 0 <= number < len(self._rows):
            self.load_chosen.emit(self._rows[number].load)
        self.accept()


def _columns() -> list[str]:
    return [tr("Setting"), tr("Written/s"), tr("Read/s"), tr("Context"), tr("Left free"), tr("Best")]


def _cells(row: TunedRow) -> list[str]:
    trial = row.trial
    return [
        load_words(row.load),
        format_number(trial.decode_tps, 1),
        format_number(trial.prompt_tps),
        format_number(trial.most_context),
        format_bytes(trial.free_bytes),
        tr("yes") if row.is_on_front else "",
    ]
