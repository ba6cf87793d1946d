"""What was measured: all variants of a model as a plot or a table, and the quality card of one of them."""

from pathlib import PurePath

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import (
    QFileDialog,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from app.theme.fonts import FontUse
from app.theme.theme import Theme
from app.translation import format_number, mark, tr
from app.views.side_panel.choice_row import CalmComboBox
from app.views.workbench.table import BenchTable
from app.views.workbench.variant_plot import VariantPlot
from app.workbench.card_rows import card_rows
from app.workbench.job_words import short_name
from app.workbench.sizes import size_in_words
from app.workbench.variants import Against, Subject, Variant, subjects_of, variants_of
from engine.contract.jobs import QualityCard

AXES: dict[Against, str] = {"damage": mark("Size and damage"), "speed": mark("Size and speed")}
COLUMNS = (
    mark("Variant"), mark("Size"), mark("KL divergence"), mark("Same first choice"), mark("tok/s"),
    mark("Best"),
)  # fmt: skip


class QualityBox(QWidget):
    """Given a model and all cards, shows those that belong together."""

    export_requested = Signal(object, str)  # tuple of QualityCard, path

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._model = ""
        self._cards: tuple[QualityCard, ...] = ()
        self._variants: list[Variant] = []
        self._chosen = ""  # the path of the variant whose card is shown
        self.empty = self._label("interface", tone="secondary")
        self.empty.setText(
            tr(
                "Nothing of this model was measured yet. Quantize it with “Measure the result”, "
                "or measure it as it is: then its variants stand here, size against damage."
            )
        )
        self.subject = self._box(tr("Measured on"))
        self.axes = self._box(tr("Axes"))
        for against, name in AXES.items():
            self.axes.addItem(tr(name), against)
        self.as_table = self._button("")
        self.as_table.setCheckable(True)
        self.plot = VariantPlot(theme, self)
        self.table = BenchTable(tr("Table of the variants"), theme, parent=self)
        self.card_title = self._label("strong")
        self.export_json = self._button(tr("Export as JSON…"))
        self.export_picture = self._button(tr("Export as a picture…"))
        self._lay_out()
        self._wire()
        self._show_form(False)
        self.show_cards("", ())

    def show_cards(self, model: str, cards: tuple[QualityCard, ...]) -> None:
        """Show what was measured of the model at this path and of its variants."""
        before = self.subject.currentData()
        is_other = model != self._model
        self._model, self._cards = model, cards
        self._chosen = model if is_other or not self._chosen else self._chosen
        subjects = subjects_of(model, cards) if model else []
        self.subject.clear()
        for subject in subjects:
            self.subject.addItem(_subject_words(subject), subject)
        if not is_other and before in subjects:
            self.subject.setCurrentIndex(subjects.index(before))
        self.empty.setVisible(not subjects)
        self._inside.setVisible(bool(subjects))
        self._follow()

    def show_card(self, model: str) -> None:
        """Show the card of one variant."""
        self._chosen = model
        at = next((row for row, variant in enumerate(self._variants) if variant.path == model), -1)
        self.plot.set_current(self._mark_of(at))
        if at >= 0 and self.table.currentRow() != at:
            self.table.setCurrentCell(at, 0)
        self._show_chosen()

    def _follow(self) -> None:
        subject, against = self.subject.currentData(), self.axes.currentData()
        self._variants = variants_of(subject, self._cards, against) if subject is not None else []
        self.plot.show_variants(self._variants, against)
        self._fill_table()
        known = {variant.path for variant in self._variants}
        if self._chosen not in known and self._variants:
            self._chosen = max(self._variants, key=lambda variant: variant.card.measured_at).path
        self.show_card(self._chosen)

    def _fill_table(self) -> None:
        rows = [
            (
                variant.name,
                size_in_words(variant.size_bytes),
                format_number(variant.damage, 5) if variant.damage is not None else "–",
                _agreement(variant.card),
                format_number(variant.card.decode_tps, 1),
                tr("yes") if variant.is_best else "",
            )
            for variant in self._variants
        ]
        with QSignalBlocker(self.table):  # nobody has gone to another row
            self.table.show_rows([tr(column) for column in COLUMNS], rows, numbers=(1, 2, 3, 4))

    def _show_chosen(self) -> None:
        variant = next((one for one in self._variants if one.path == self._chosen), None)
        while self._rows.count():
            item = self._rows.takeAt(0)
            widget = item.widget() if item is not None else None
            if widget is not None:
                widget.hide()
                widget.deleteLater()
        self._below.setVisible(variant is not None)
        if variant is None:
            return
        self.card_title.setText(tr("Quality card of {model}", model=short_name(variant.path)))
        for at, (name, value) in enumerate(card_rows(variant.card)):
            label = self._label("small", name, tone="secondary")
            label.setWordWrap(False)
            self._rows.addWidget(label, at, 0)
            self._rows.addWidget(self._label("small", value), at, 1)

    def _mark_of(self, row: int) -> int:
        """The plot's mark of a row of the table; -1 for one that is not painted."""
        if not 0 <= row < len(self._variants):
            return -1
        paths = [variant.path for variant in self.plot.variants]
        path = self._variants[row].path
        return paths.index(path) if path in paths else -1

    def _wire(self) -> None:
        self.subject.activated.connect(self._follow)
        self.axes.activated.connect(self._follow)
        self.as_table.toggled.connect(self._show_form)
        self.plot.current_changed.connect(self._take_mark)
        self.table.currentCellChanged.connect(lambda row, *_others: self._take_row(row))
        self.export_json.clicked.connect(lambda: self._ask_where("json"))
        self.export_picture.clicked.connect(lambda: self._ask_where("svg"))

    def _take_mark(self, number: int) -> None:
        if number >= 0 and self.plot.variants[number].path != self._chosen:
            self.show_card(self.plot.variants[number].path)

    def _take_row(self, row: int) -> None:
        if 0 <= row < len(self._variants) and self._variants[row].path != self._chosen:
            self.show_card(self._variants[row].path)

    def _ask_where(self, suffix: str) -> None:
        name = f"{PurePath(self._chosen).stem}-quality.{suffix}"
        kind = tr("Quality cards (*.json)") if suffix == "json" else tr("Pictures (*.svg)")
        dialog = QFileDialog(self, tr("Export the quality card"), name, kind)
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setDefaultSuffix(suffix)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(self._export)
        dialog.open()

    def _export(self, path: str) -> None:
        cards = tuple(variant.card for variant in self._variants if variant.path == self._chosen)
        self.export_requested.emit(cards, path)

    def _show_form(self, is_table: bool) -> None:
        words = tr("Show as a plot") if is_table else tr("Show as a table")
        self.as_table.setText(words)
        self.as_table.setAccessibleName(words)
        self._forms.setCurrentIndex(int(is_table))

    def _lay_out(self) -> None:
        self._inside = QWidget(self)
        above = QHBoxLayout()
        above.addWidget(self.axes, 1)
        above.addWidget(self.as_table)
        self._forms = QStackedWidget(self)
        self._forms.addWidget(self.plot)
        self._forms.addWidget(self.table)
        self._below = QWidget(self)
        self._rows = QGridLayout()
        self._rows.setColumnStretch(1, 1)
        self._rows.setHorizontalSpacing(18)
        self._rows.setVerticalSpacing(4)
        buttons = QHBoxLayout()
        buttons.addWidget(self.export_json)
        buttons.addWidget(self.export_picture)
        buttons.addStretch()
        below = QVBoxLayout(self._below)
        below.setContentsMargins(0, 0, 0, 0)
        below.addWidget(self.card_title)
        below.addLayout(self._rows)
        below.addLayout(buttons)
        inside = QVBoxLayout(self._inside)
        inside.setContentsMargins(0, 0, 0, 0)
        inside.setSpacing(12)
        inside.addWidget(self.subject)
        inside.addLayout(above)
        inside.addWidget(self._forms)
        inside.addWidget(self._below)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.empty)
        column.addWidget(self._inside)

    def _box(self, name: str) -> CalmComboBox:
        box = CalmComboBox(self)
        box.setAccessibleName(name)
        box.setMinimumHeight(self._theme.scaled(32))
        box.setSizeAdjustPolicy(box.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        box.setMinimumContentsLength(10)
        return box

    def _button(self, text: str) -> QPushButton:
        button = QPushButton(text, self)
        button.setProperty("shape", "raised")
        button.setAccessibleName(text)
        return button

    def _label(self, use: FontUse, text: str = "", *, tone: str = "") -> QLabel:
        label = QLabel(text, self)
        label.setTextFormat(Qt.TextFormat.PlainText)
        label.setWordWrap(True)
        label.setProperty("tone", tone)
        self._theme.give_font(label, use)
        return label


def _subject_words(subject: Subject) -> str:
    return tr(
        "{text_name}, {tokens} tokens, against {reference}",
        text_name=subject.text_name,
        tokens=format_number(subject.num_tokens),
        reference=short_name(subject.reference),
    )


def _agreement(card: QualityCard) -> str:
    if card.divergence is None:
        return "–"
    return f"{format_number(100 * card.divergence.top1_agreement.value, 2)} %"
