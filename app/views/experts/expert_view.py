"""Which experts answered, in a window: a heat map, the same as text, and whether they are counted."""

from dataclasses import dataclass

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QLinearGradient, QPainter, QPaintEvent
from PySide6.QtWidgets import (
    QComboBox,
    QDialog,
    QFrame,
    QHBoxLayout,
    QLabel,
    QPlainTextEdit,
    QPushButton,
    QScrollArea,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from app.conversations.expert_use import ExpertUse
from app.theme.theme import Theme
from app.translation import format_number, tr, tr_count
from app.views.experts.expert_map import ExpertMap, blend

QUARTER = 0.25


@dataclass(frozen=True, slots=True)
class Counting:
    """Whether experts are counted from now on, in words, and what can be done about it."""

    words: str
    button: str = ""  # empty where nothing can be done


class ExpertView(QDialog):
    """Shows what it is given; asks for counting to be switched."""

    scope_changed = Signal()
    counting_requested = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(tr("Experts used"))
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.resize(QSize(theme.scaled(820), theme.scaled(640)))
        self._theme = theme
        self.scope = QComboBox(self)
        self.scope.setAccessibleName(tr("Whose experts"))
        self.scope.setMinimumHeight(theme.scaled(30))
        self.scope.addItems([tr("The whole chat"), tr("This answer")])
        self.scope.activated.connect(self.scope_changed)
        self.as_text = QPushButton(self)
        self.as_text.setProperty("shape", "raised")
        self.as_text.setAutoDefault(False)
        self.as_text.setCheckable(True)
        self.as_text.toggled.connect(self._show_form)
        self.summary = self._label()
        self.map = ExpertMap(theme, self)
        self.text = QPlainTextEdit(self)
        self.text.setReadOnly(True)
        theme.give_font(self.text, "code")
        self.text.setAccessibleName(tr("Experts used"))
        self.counting = self._label(secondary=True)
        self.count = QPushButton(self)
        self.count.setProperty("shape", "raised")
        self.count.setAutoDefault(False)
        self.count.clicked.connect(self.counting_requested)
        self._lay_out()
        self._show_form(False)

    @property
    def is_of_one_answer(self) -> bool:
        """Whether one answer is wanted, not the whole chat."""
        return self.scope.currentIndex() == 1

    def show_use(self, use: ExpertUse | None, num_answers: int) -> None:
        """Show these counts, of so many answers; None where nothing was counted."""
        self.summary.setText(describe(use, num_answers))
        self._legend.setVisible(use is not None and not self.as_text.isChecked())
        self.as_text.setVisible(use is not None)
        self.map.show_use(use)
        self.text.setPlainText(as_text(use) if use else "")
        self._forms.setVisible(use is not None)

    def show_counting(self, counting: Counting) -> None:
        """Say whether what comes is counted."""
        self.counting.setText(counting.words)
        self.count.setText(counting.button)
        self.count.setAccessibleName(counting.button)
        self.count.setVisible(bool(counting.button))

    def offer_answer(self, is_named: bool) -> None:
        """Offer to show one answer alone, where one was named."""
        self.scope.setCurrentIndex(int(is_named))
        self.scope.setVisible(is_named)

    def _lay_out(self) -> None:
        area = QScrollArea(self)
        area.setWidget(self.map)
        area.setWidgetResizable(True)
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._forms = QStackedWidget(self)
        self._forms.addWidget(area)
        self._forms.addWidget(self.text)
        self._legend = _Legend(self._theme, self)
        above = QHBoxLayout()
        above.addWidget(self.scope)
        above.addWidget(self.as_text)
        above.addStretch()
        above.addWidget(self._legend)
        below = QHBoxLayout()
        below.addWidget(self.count)
        below.addStretch()
        close = QPushButton(tr("Close"), self)
        close.setProperty("shape", "raised")
        close.setAccessibleName(tr("Close"))
        close.clicked.connect(self.accept)
        below.addWidget(close)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(20, 18, 20, 16)
        layout.setSpacing(12)
        layout.addLayout(above)
        layout.addWidget(self.summary)
        layout.addWidget(self._forms, 1)
        layout.addStretch()
        layout.addWidget(self.counting)
        layout.addLayout(below)

    def _label(self, *, secondary: bool = False) -> QLabel:
        label = QLabel(self)
        label.setTextFormat(Qt.TextFormat.PlainText)
        label.setWordWrap(True)
        if secondary:
            label.setProperty("tone", "secondary")
            self._theme.give_font(label, "small")
        return label

    def _show_form(self, is_text: bool) -> None:
        words = tr("Show as a map") if is_text else tr("Show as text")
        self.as_text.setText(words)
        self.as_text.setAccessibleName(words)
        self._forms.setCurrentIndex(int(is_text))
        self._legend.setVisible(not is_text)


class _Legend(QWidget):
    """From never to most often, as the map paints it."""

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(7)
        for widget in (_words(tr("never"), theme, self), _Bar(theme, self), _words(tr("most"), theme, self)):
            row.addWidget(widget)


class _Bar(QWidget):
    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self._theme = theme
        self.setFixedSize(theme.scaled(96), theme.scaled(12))
        theme.changed.connect(self.update)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """The colours of the map, side by side."""
        tokens = self._theme.tokens
        gradient = QLinearGradient(0, 0, self.width(), 0)
        for step in range(9):
            gradient.setColorAt(step / 8, blend(tokens.hovered, tokens.accent, step / 8))
        painter = QPainter(self)
        painter.fillRect(self.rect(), gradient)
        painter.end()


def _words(text: str, theme: Theme, parent: QWidget) -> QLabel:
    label = QLabel(text, parent)
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setProperty("tone", "secondary")
    theme.give_font(label, "small")
    return label


def describe(use: ExpertUse | None, num_answers: int) -> str:
    """The map in two sentences."""
    if use is None:
        return tr("Nothing was counted here yet.")
    said = tr(
        "{layers} layers with {experts} experts each; numbers count from 0, as in the model's files.",
        layers=format_number(len(use.layers)),
        experts=format_number(use.shape[1]),
    )
    concentration = tr(
        "The busiest quarter of each layer's experts took {percent} % of all choices; "
        "25 % would be all alike.",
        percent=format_number(100 * use.hottest(QUARTER)),
    )
    counted = tr_count(num_answers, "Counted in {count} answer.", "Counted in {count} answers.")
    return f"{said} {concentration} {counted}"


def as_text(use: ExpertUse) -> str:
    """A line for each layer: its experts with their shares, the most used first, unused ones left out."""
    lines = []
    for layer in use.layers:
        shares = use.shares(layer)
        order = sorted(range(len(shares)), key=lambda expert: -shares[expert])
        told = (f"{expert}: {format_number(100 * shares[expert], 1)} %" for expert in order if shares[expert])
        lines.append(tr("Layer {layer}", layer=layer) + "   " + "   ".join(told))
    return "\n".join(lines)
