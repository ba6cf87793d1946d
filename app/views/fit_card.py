"""The memory ledger as a card: a bar for each device, a row for each part, and what follows in words."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QGridLayout, QLabel, QVBoxLayout, QWidget

from app.fit_words import (
    PART_NAMES,
    context_words,
    device_words,
    fits,
    margin_words,
    speed_words,
    steps_words,
    total_words,
    verdict,
)
from app.theme.theme import Theme
from app.translation import format_bytes, tr
from app.views.fit_bar import FitBar, PartMark
from app.views.plain_label import plain_label
from engine.contract.fit_messages import DeviceMemory, FitTold


class FitCard(QFrame):
    """Shows one FitTold; empty until there is one. Whoever owns it asks the host."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("card")
        self._theme = theme
        self._told: FitTold | None = None
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(16, 14, 16, 14)
        self._column.setSpacing(8)
        self._inside: QWidget | None = None
        theme.changed.connect(self._show)
        self.hide()

    @property
    def told(self) -> FitTold | None:
        """What is shown."""
        return self._told

    @property
    def text(self) -> str:
        """All that it says, line by line."""
        labels = self._inside.findChildren(QLabel) if self._inside is not None else []
        return "\n".join(label.text() for label in labels if label.text())

    def show_told(self, told: FitTold | None) -> None:
        """Show this ledger; None leaves the card out."""
        self._told = told
        self._show()

    def _show(self) -> None:
        """Make the rows anew: a ledger is asked for seldom, and has a dozen."""
        if self._inside is not None:
            self._column.removeWidget(self._inside)
            self._inside.hide()
            self._inside.deleteLater()
            self._inside = None
        self.setVisible(self._told is not None)
        if self._told is None:
            return
        told, theme = self._told, self._theme
        inside = self._inside = QWidget(self)
        column = QVBoxLayout(inside)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addWidget(plain_label(inside, theme, tr("Memory"), "strong"))
        tone = "" if fits(told) else "bad"
        column.addWidget(plain_label(inside, theme, verdict(told), tone=tone, wraps=True))
        column.addWidget(plain_label(inside, theme, context_words(told), "small", tone="secondary"))
        for device in told.devices:
            self._add_device(column, told, device, inside)
        for words in (speed_words(told), margin_words(told)):
            if words:
                column.addWidget(plain_label(inside, theme, words, "small", wraps=True))
        self._add_steps(column, told, inside)
        self.setAccessibleName(tr("Memory"))
        self.setAccessibleDescription(self.text)
        self._column.addWidget(inside)

    def _add_device(self, column: QVBoxLayout, told: FitTold, device: DeviceMemory, inside: QWidget) -> None:
        theme = self._theme
        lines = tuple(line for line in told.lines if line.device == device.name)
        column.addSpacing(4)
        column.addWidget(
            plain_label(inside, theme, device_words(device), "small", tone="secondary", wraps=True)
        )
        column.addWidget(FitBar(device, lines, theme, inside))
        grid = QGridLayout()
        grid.setHorizontalSpacing(10)
        grid.setVerticalSpacing(3)
        grid.setColumnStretch(1, 1)
        for row, line in enumerate(lines):
            name = plain_label(inside, theme, tr(PART_NAMES[line.part]), "small")
            size = plain_label(inside, theme, format_bytes(line.predicted_bytes), "small")
            grid.addWidget(PartMark(line.part, theme, inside), row, 0, Qt.AlignmentFlag.AlignVCenter)
            grid.addWidget(name, row, 1)
            grid.addWidget(size, row, 2, Qt.AlignmentFlag.AlignRight)
            if line.actual_bytes is not None:
                really = tr("really {size}", size=format_bytes(line.actual_bytes))
                label = plain_label(inside, theme, really, "small", tone="secondary")
                grid.addWidget(label, row, 3, Qt.AlignmentFlag.AlignRight)
        column.addLayout(grid)
        column.addWidget(plain_label(inside, theme, total_words(told, device), "small"))

    def _add_steps(self, column: QVBoxLayout, told: FitTold, inside: QWidget) -> None:
        words = steps_words(told)
        if not words:
            return
        column.addSpacing(4)
        column.addWidget(
            plain_label(inside, self._theme, tr("What would take less"), "heading", tone="secondary")
        )
        for line in words:
            column.addWidget(plain_label(inside, self._theme, line, "small", wraps=True))
