"""A section of the settings: a column of rows, each with what it is, what it means and a control."""

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import (
    QBoxLayout,
    QComboBox,
    QFrame,
    QLabel,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from app.theme.fonts import FontUse
from app.theme.theme import Theme
from app.views.reading_column import show_column

COLUMN_WIDTH = 680
NARROW = 400  # below this, controls go below their words


class Section(QScrollArea):
    """Scrolls; what is in it never becomes wider than a column that can be read."""

    def __init__(self, title: str, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.title = title
        self.theme = theme
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setAccessibleName(title)
        self._rows: list[QBoxLayout] = []
        self._inside = QWidget(self)
        self._inside.setObjectName("sectionColumn")
        self.column = QVBoxLayout(self._inside)
        self.column.setContentsMargins(28, 20, 28, 28)
        self.column.setSpacing(16)
        show_column(self, self._inside)
        self.column.addWidget(self.label(title, "title"))
        self.column.addStretch(1)
        theme.changed.connect(self._dress)
        self._dress()

    def refresh(self) -> None:
        """Read again what may have changed; called whenever the section is shown."""

    def add(self, widget: QWidget) -> None:
        """Add something over the whole width."""
        self.column.insertWidget(self.column.count() - 1, widget)

    def add_text(self, text: str) -> QLabel:
        """Add a paragraph."""
        label = self.label(text)
        label.setWordWrap(True)
        self.add(label)
        return label

    def add_heading(self, text: str) -> None:
        """Begin a group of rows."""
        self.add(self.label(text, "heading", tone="secondary"))

    def add_row(self, text: str, meaning: str, *controls: QWidget) -> QLabel:
        """Add a row with its controls at the right; answers the label of its meaning."""
        name = self.label(text)
        said = self.label(meaning, "small", tone="secondary")
        said.setWordWrap(True)
        said.setVisible(bool(meaning))
        words = QVBoxLayout()
        words.setSpacing(2)
        words.addWidget(name)
        words.addWidget(said)
        if controls:
            name.setBuddy(controls[0])  # a box is named by its label, what it shows is its value
        row = QWidget(self._inside)
        across = self._row_layout(row)
        across.setSpacing(16)
        across.addLayout(words, 1)
        for control in controls:
            if not isinstance(control, QLabel):  # a label is its own name
                control.setAccessibleName(control.accessibleName() or text)
                control.setAccessibleDescription(meaning)
            control.setMinimumHeight(self.theme.scaled(32))
            across.addWidget(control, 0, Qt.AlignmentFlag.AlignVCenter)
        self.add(row)
        return said

    def add_controls(self, *controls: QWidget) -> None:
        """Add controls beside each other, from the left."""
        row = QWidget(self._inside)
        across = self._row_layout(row)
        for control in controls:
            across.addWidget(control, 0, Qt.AlignmentFlag.AlignLeft)
        across.addStretch()
        self.add(row)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Where there is little room, controls go below their words."""
        super().resizeEvent(event)
        self._fit()

    def _dress(self) -> None:
        self._inside.setMaximumWidth(self.theme.scaled(COLUMN_WIDTH))
        self._fit()

    def _fit(self) -> None:
        is_narrow = self.width() < self.theme.scaled(NARROW)
        directions = QBoxLayout.Direction
        for row in self._rows:
            row.setDirection(directions.TopToBottom if is_narrow else directions.LeftToRight)

    def _row_layout(self, row: QWidget) -> QBoxLayout:
        across = QBoxLayout(QBoxLayout.Direction.LeftToRight, row)
        across.setContentsMargins(0, 0, 0, 0)
        self._rows.append(across)
        return across

    def label(self, text: str, use: FontUse = "interface", *, tone: str = "") -> QLabel:
        """A label in one of the fonts, which takes no markup."""
        label = QLabel(text, self._inside)
        label.setTextFormat(Qt.TextFormat.PlainText)
        label.setProperty("tone", tone)
        self.theme.give_font(label, use)
        return label

    def button(self, text: str) -> QPushButton:
        """A button that says what it does."""
        button = QPushButton(text, self._inside)
        button.setProperty("shape", "raised")
        button.setAccessibleName(text)
        return button

    def choice(self, entries: Sequence[tuple[str, object]], current: object) -> QComboBox:
        """A list to choose one of: each entry as it is called and what it stands for."""
        box = QComboBox(self._inside)
        for text, value in entries:
            box.addItem(text, value)
        box.setCurrentIndex(max(box.findData(current), 0))
        box.setMinimumWidth(self.theme.scaled(170))
        return box
