"""What the workbench's forms are made of: rows of a label and a control, hints, refusals, buttons."""

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from app.theme.fonts import FontUse
from app.theme.theme import Theme
from app.views.side_panel.choice_row import CalmComboBox


class Form(QWidget):
    """A column of rows, and a row of buttons below; subclasses say what they ask for."""

    changed = Signal()  # something that matters for what would be done
    start_requested = Signal()

    def __init__(self, theme: Theme, start: str, parent: QWidget | None = None) -> None:
        """`start` is what the button says that begins it."""
        super().__init__(parent)
        self.theme = theme
        self._rows = QFormLayout()
        self._rows.setRowWrapPolicy(QFormLayout.RowWrapPolicy.WrapLongRows)
        self._rows.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.ExpandingFieldsGrow)
        self._rows.setLabelAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop)
        self._rows.setHorizontalSpacing(18)
        self._rows.setVerticalSpacing(10)
        self.start = QPushButton(start, self)
        self.start.setProperty("shape", "primary")
        self.start.setAccessibleName(start)
        self.start.clicked.connect(self.start_requested)
        self.refusal = self.label("", "small", tone="bad")
        self.below = QVBoxLayout()  # what a subclass shows under its rows
        self.below.setContentsMargins(0, 0, 0, 0)
        last = QHBoxLayout()
        last.addWidget(self.refusal, 1)
        last.addWidget(self.start, 0, Qt.AlignmentFlag.AlignBottom)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(12)
        column.addLayout(self._rows)
        column.addLayout(self.below)
        column.addLayout(last)
        self._controls: list[QWidget] = []
        self.refuse("")

    @property
    def in_order(self) -> tuple[QWidget, ...]:
        """Its parts as they are read."""
        below = [self.below.itemAt(number) for number in range(self.below.count())]
        shown = [item.widget() for item in below if item is not None]
        return (*self._controls, *(widget for widget in shown if widget is not None), self.start)

    def add_row(self, name: str, control: QWidget, hint: str = "") -> QLabel:
        """A label, its control, and under that a hint; answers the hint's label."""
        label = self.label(name)
        self._controls.append(control)
        label.setBuddy(control)
        control.setAccessibleName(control.accessibleName() or name)
        said = self.label(hint, "small", tone="secondary")
        said.setVisible(bool(hint))
        field = QWidget(self)
        field.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        column = QVBoxLayout(field)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(3)
        column.addWidget(control)
        column.addWidget(said)
        label.setMinimumWidth(self.theme.scaled(128))
        self._rows.addRow(label, field)
        return said

    def set_row_visible(self, control: QWidget, is_visible: bool) -> None:
        """Show a row or leave it out."""
        field = control.parentWidget()
        if field is not None:
            self._rows.setRowVisible(field, is_visible)

    def refuse(self, reason: str) -> None:
        """Say why this cannot be begun; empty says that it can."""
        self.refusal.setText(reason)
        self.start.setEnabled(not reason)

    def label(self, text: str, use: FontUse = "interface", *, tone: str = "") -> QLabel:
        """A label that takes no markup and wraps."""
        label = QLabel(text, self)
        label.setTextFormat(Qt.TextFormat.PlainText)
        label.setProperty("tone", tone)
        label.setWordWrap(True)
        label.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)
        self.theme.give_font(label, use)
        return label

    def choice(self, entries: Sequence[tuple[str, object]]) -> CalmComboBox:
        """A list to choose one of: each entry as it is called, and what it stands for."""
        box = CalmComboBox(self)
        for text, value in entries:
            box.addItem(text, value)
        box.setMinimumHeight(self.theme.scaled(32))
        box.setSizeAdjustPolicy(box.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        box.setMinimumContentsLength(12)
        box.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        box.activated.connect(self.changed)
        return box

    def switch(self, text: str, *, is_on: bool) -> QCheckBox:
        """Something to be had or not."""
        box = QCheckBox(text, self)
        box.setAccessibleName(text)
        box.setChecked(is_on)
        box.clicked.connect(self.changed)
        return box

    def button(self, text: str) -> QPushButton:
        """A button that says what it does."""
        button = QPushButton(text, self)
        button.setProperty("shape", "raised")
        button.setAccessibleName(text)
        return button
