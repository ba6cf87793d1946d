"""The field for finding words in the conversation."""

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QLineEdit, QToolButton, QWidget

from app.escape_key import asks_for_escape
from app.theme.theme import Theme
from app.translation import format_number, tr

WIDTH, HEIGHT = 360, 44


class FindBar(QFrame):
    """Says what to look for and which way to go."""

    words_changed = Signal(str)
    step_requested = Signal(int)  # 1 to the next match, -1 to the one before
    closed = Signal()

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("findBar")
        self._theme = theme
        self.field = QLineEdit(self)
        self.field.setPlaceholderText(tr("Find in this chat"))
        self.field.setAccessibleName(tr("Find in this chat"))
        self.field.setFrame(False)
        self.field.textChanged.connect(self.words_changed)
        self._count = QLabel(self)
        self._count.setTextFormat(Qt.TextFormat.PlainText)
        self._count.setProperty("tone", "secondary")
        theme.give_font(self._count, "small")
        self._icons: list[tuple[QToolButton, str]] = []
        layout = QHBoxLayout(self)
        layout.setContentsMargins(12, 4, 6, 4)
        layout.setSpacing(2)
        layout.addWidget(self.field, 1)
        layout.addWidget(self._count)
        for icon, name, action in (
            ("chevron-up", tr("Previous match"), lambda: self.step_requested.emit(-1)),
            ("chevron-down", tr("Next match"), lambda: self.step_requested.emit(1)),
            ("close", tr("Close"), self.closed.emit),
        ):
            button = QToolButton(self)
            button.setAccessibleName(name)
            button.setToolTip(name)
            button.clicked.connect(action)
            theme.give_icon_size(button, 16)
            layout.addWidget(button)
            self._icons.append((button, icon))
        theme.changed.connect(self._dress)
        self._dress()
        self.hide()

    def fit(self, room: int) -> None:
        """Be as wide as there is room for, and no wider than it is good for."""
        self.setFixedWidth(min(self._theme.scaled(WIDTH), room))

    def show_count(self, number: int, count: int) -> None:
        """Say which match is shown, of how many; nothing while nothing is looked for."""
        words = (
            tr("{number} of {count}", number=number + 1, count=format_number(count))
            if count
            else tr("No matches")
        )
        self._count.setText(words if self.field.text() else "")

    def event(self, event: QEvent) -> bool:
        """Escape is for this bar before it is for the window."""
        if asks_for_escape(event):
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Enter goes on, with Shift back; Escape closes."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            is_back = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
            self.step_requested.emit(-1 if is_back else 1)
        elif event.key() == Qt.Key.Key_Escape:
            self.closed.emit()
        else:
            super().keyPressEvent(event)

    def _dress(self) -> None:
        side = self._theme.scaled(28)
        self.setFixedHeight(self._theme.scaled(HEIGHT))
        for button, icon in self._icons:
            button.setFixedSize(side, side)
            button.setIcon(self._theme.icons.icon(icon, self._theme.tokens.secondary))
