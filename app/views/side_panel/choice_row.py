"""A label and a list of choices beside it."""

from collections.abc import Iterable

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QWidget

from app.theme.theme import Theme
from app.views.side_panel.param_row import FIELD_WIDTH


class ChoiceRow(QWidget):
    """Tells what was chosen; shows a value without telling."""

    chosen = Signal(str)  # the value

    def __init__(
        self,
        label: str,
        meaning: str,
        choices: Iterable[tuple[str, str]],
        theme: Theme,
        parent: QWidget | None = None,
    ) -> None:
        """`choices` are texts and the values that they stand for."""
        super().__init__(parent)
        name = QLabel(label, self)
        name.setTextFormat(Qt.TextFormat.PlainText)
        name.setWordWrap(True)
        self.box = CalmComboBox(self)
        self.box.setAccessibleName(label)
        self.box.setAccessibleDescription(meaning)
        self.box.setFixedWidth(theme.scaled(FIELD_WIDTH))
        self.box.setMinimumHeight(theme.scaled(30))
        name.setBuddy(self.box)
        for text, value in choices:
            self.box.addItem(text, value)
        self.box.activated.connect(lambda: self.chosen.emit(self.box.currentData()))
        self.setToolTip(meaning)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(name, 1)
        row.addWidget(self.box)

    def show_value(self, value: str) -> None:
        """Show a value; one that is no choice leaves the field empty."""
        with QSignalBlocker(self.box):
            self.box.setCurrentIndex(self.box.findData(value))


class CalmComboBox(QComboBox):
    """A list that the wheel changes only while it has the focus: it lies in something that scrolls."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Leave the wheel to what scrolls."""
        if self.hasFocus():
            super().wheelEvent(event)
        else:
            event.ignore()
