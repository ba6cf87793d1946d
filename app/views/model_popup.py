"""The popup of the model picker: the models by group, each with what it is; one is chosen, or ejected."""

from collections.abc import Iterable

from PySide6.QtCore import QPoint, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QAbstractButton,
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.model_facts import ModelFacts
from app.theme.theme import Theme
from app.translation import tr

WIDTH, MOST_HEIGHT = 460, 520


class ModelPopup(QFrame):
    """Up and Down move, Enter chooses, Esc closes; it closes by itself once one is chosen."""

    chosen = Signal(str)  # model
    eject_requested = Signal(str)
    file_requested = Signal()
    _find_requested = Signal()
    folder_requested = Signal()
    details_requested = Signal()  # of the model that is chosen now
    recommended = Signal(str)  # key of the catalogue; empty to look at all of it

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent, Qt.WindowType.Popup)
        self._find_requested.connect(lambda: self.recommended.emit(""))
        self.setObjectName("popup")
        self.setAccessibleName(tr("Models"))
        self._theme = theme
        self._rows: list[ModelRow] = []
        self._file_entry: QPushButton | None = None
        self._inside = QWidget(self)
        self._column = QVBoxLayout(self._inside)
        self._column.setContentsMargins(6, 6, 6, 6)
        self._column.setSpacing(2)
        self._area = QScrollArea(self)
        self._area.setWidget(self._inside)
        self._area.setWidgetResizable(True)
        self._area.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # its rows have it
        self._area.setFrameShape(QFrame.Shape.NoFrame)
        self._area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(1, 1, 1, 1)
        layout.addWidget(self._area)

    def add_group(
        self, heading: str, models: Iterable[ModelFacts], *, current: str, ejectable: bool = False
    ) -> None:
        """Add a group; one without models leaves nothing behind."""
        made = [ModelRow(facts, facts.model == current, ejectable, self._theme, self) for facts in models]
        for row in self._add_rows(heading, made):
            row.chosen.connect(self._choose)
            row.eject_requested.connect(self.eject_requested)

    def _add_rows(self, heading: str, rows: list["ModelRow"]) -> list["ModelRow"]:
        if not rows:
            return []
        label = QLabel(heading, self)
        label.setTextFormat(Qt.TextFormat.PlainText)
        label.setFont(self._theme.fonts.heading)
        label.setProperty("tone", "secondary")
        label.setContentsMargins(10, 8 if self._rows else 2, 0, 2)
        self._column.addWidget(label)
        for row in rows:
            self._column.addWidget(row)
        self._rows += rows
        return rows

    def add_recommended(self, heading: str, models: Iterable[ModelFacts]) -> None:
        """Add models that are not here; choosing one only shows it where it could be fetched."""
        rows = self._add_rows(heading, [ModelRow(facts, False, False, self._theme, self) for facts in models])
        for row in rows:
            row.chosen.connect(self._recommend)

    def add_file_entries(self) -> None:
        """Add the ways to a file and to a folder that are in no group."""
        self._column.addSpacing(4)
        for text, icon, signal in (
            (tr("About the chosen model"), "about", self.details_requested),
            (tr("Find models…"), "search", self._find_requested),
            (tr("Open a .gguf…"), "open", self.file_requested),
            (tr("Open a model folder…"), "storage", self.folder_requested),
        ):
            button = QPushButton(f"  {text}", self)
            button.setProperty("shape", "entry")
            button.setAccessibleName(text)
            button.setIcon(self._theme.icons.icon(icon, self._theme.tokens.text))
            button.clicked.connect(self.close)
            button.clicked.connect(signal)
            self._column.addWidget(button)
            self._file_entry = self._file_entry or button
        self._column.addStretch()

    def show_progress(self, model: str, fraction: float) -> None:
        """Say how far a model is on its way into memory."""
        for row in self._rows:
            if row.facts.model == model:
                row.show_progress(fraction)

    def open_at(self, corner: QPoint) -> None:
        """Open below a point, as high as its rows want."""
        wanted = self._inside.sizeHint().height() + 4
        self.resize(self._theme.scaled(WIDTH), min(wanted, self._theme.scaled(MOST_HEIGHT)))
        self.move(corner)
        self.show()
        usable = [row for row in self._rows if not row.facts.problem]  # a disabled button takes no key
        current = next((row for row in usable if row.is_current), next(iter(usable), None))
        (current or self._file_entry or self).setFocus()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Move with the arrow keys."""
        if event.key() == Qt.Key.Key_Down:
            self.focusNextChild()
        elif event.key() == Qt.Key.Key_Up:
            self.focusPreviousChild()
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            pressed = self.focusWidget()
            if isinstance(pressed, QAbstractButton):
                pressed.click()
        else:
            super().keyPressEvent(event)

    def _recommend(self, key: str) -> None:
        self.close()
        self.recommended.emit(key)

    def _choose(self, model: str) -> None:
        self.close()
        self.chosen.emit(model)


class ModelRow(QWidget):
    """One model: a button with its facts, and beside it another that ejects it."""

    chosen = Signal(str)
    eject_requested = Signal(str)

    def __init__(
        self, facts: ModelFacts, is_current: bool, ejectable: bool, theme: Theme, parent: QWidget
    ) -> None:
        super().__init__(parent)
        self.facts = facts
        self.is_current = is_current
        self._button = _FactsButton(facts, is_current, theme, self)
        self._button.clicked.connect(lambda: self.chosen.emit(facts.model))
        self._button.setEnabled(not facts.problem)
        self.setFocusProxy(self._button)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(2)
        row.addWidget(self._button, 1)
        if ejectable:
            eject = QToolButton(self)
            eject.setIcon(theme.icons.icon("eject", theme.tokens.secondary))
            theme.give_icon_size(eject, 18)
            eject.setAccessibleName(tr("Eject {name}", name=facts.name))
            eject.setToolTip(tr("Give its memory back"))
            eject.clicked.connect(lambda: self.eject_requested.emit(facts.model))
            row.addWidget(eject)

    def show_progress(self, fraction: float) -> None:
        """Say how far it is on its way into memory."""
        self._button.line.setText(tr("Loading {percent} %", percent=round(100 * fraction)))


class _FactsButton(QPushButton):
    """A button with two lines of labels in it."""

    def __init__(self, facts: ModelFacts, is_current: bool, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self.setProperty("shape", "entry")
        self.setAccessibleName(facts.spoken)
        name = self._label(facts.name)
        name.setFont(theme.fonts.strong if is_current else theme.fonts.interface)
        quantization = self._label(facts.quantization, "secondary")
        quantization.setFont(theme.fonts.small)
        above = QHBoxLayout()
        above.setSpacing(8)
        above.addWidget(name)
        above.addWidget(quantization)
        for text in facts.badges:
            badge = self._label(text)
            badge.setObjectName("badge")
            badge.setFont(theme.fonts.heading)
            above.addWidget(badge)
        above.addStretch()
        if is_current:
            check = self._label("")
            check.setPixmap(
                theme.icons.pixmap("check", theme.tokens.accent, theme.scaled(18), self.devicePixelRatioF())
            )
            above.addWidget(check)
        self.line = self._label(facts.problem or facts.line, "secondary")
        self.line.setFont(theme.fonts.small)
        column = QVBoxLayout(self)
        column.setContentsMargins(10, 7, 10, 7)
        column.setSpacing(2)
        column.addLayout(above)
        column.addWidget(self.line)

    def sizeHint(self) -> QSize:
        """As large as the labels."""
        layout = self.layout()
        return layout.sizeHint() if layout is not None else super().sizeHint()

    def minimumSizeHint(self) -> QSize:
        """As high as the labels; a long name may be cut off."""
        return QSize(0, self.sizeHint().height())

    def _label(self, text: str, tone: str = "") -> QLabel:
        label = QLabel(text, self)
        label.setTextFormat(Qt.TextFormat.PlainText)
        label.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        label.setProperty("tone", tone)
        return label
