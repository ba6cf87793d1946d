"""Facts as pairs: what it is called at the left, what it is at the right."""

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QLineEdit, QWidget

from app.theme.theme import Theme
from app.views.plain_label import plain_label

LONG_WORD = 36  # characters
FIELD_INSET = 2  # which Qt leaves before the text of a field, and not before that of a label


class FactsGrid(QWidget):
    """Shows pairs; one without a value is left out. Values can be marked and copied."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._labels: list[QWidget] = []
        self._pairs: list[tuple[str, str]] = []
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(18)
        self._grid.setVerticalSpacing(5)
        self._grid.setColumnStretch(1, 1)

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """What is shown."""
        return list(self._pairs)

    def show_facts(self, pairs: Sequence[tuple[str, str]]) -> None:
        """Show these in place of those that were here; the same ones stay, with what is marked in them."""
        shown = [(name, value) for name, value in pairs if value]
        if shown == self._pairs:
            return
        self._pairs = shown
        for label in self._labels:
            self._grid.removeWidget(label)
            label.hide()  # it goes with the next turn of the event loop only
            label.deleteLater()
        self._labels.clear()
        for row, (name, value) in enumerate(self._pairs):
            left = plain_label(self, self._theme, name, "small", tone="secondary")
            right = self._value(name, value)
            self._grid.addWidget(left, row, 0, Qt.AlignmentFlag.AlignTop)
            self._grid.addWidget(right, row, 1)
            self._labels += [left, right]

    def _value(self, name: str, value: str) -> QWidget:
        """Words wrap; a hash or a path, which cannot, is moved with the caret."""
        if len(value) > LONG_WORD and " " not in value:
            field = QLineEdit(value, self)
            field.setObjectName("fact")
            field.setReadOnly(True)
            field.setTextMargins(-FIELD_INSET, 0, 0, 0)
            field.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
            field.setCursorPosition(0)
            field.setToolTip(value)
            field.setAccessibleName(name)
            self._theme.give_font(field, "small")
            return field
        label = plain_label(self, self._theme, value, "small", wraps=True)
        label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        label.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # which the flag above has changed
        label.setAccessibleName(f"{name}: {value}")
        return label
