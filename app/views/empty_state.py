"""What an empty conversation shows: a welcome, and three things to say."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QIcon, QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from app.theme.theme import Theme

SUGGESTIONS = (
    "Tell me a story about a dog and a rainbow.",
    "Hello! Who are you?",
    "Once upon a time",
)
MARK_SIZE = 44


class EmptyState(QWidget):
    """Emits the suggestion that was clicked."""

    suggested = Signal(str)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._mark = Mark(self)
        title = QLabel("What shall we talk about?", self)
        title.setFont(theme.fonts.title)
        title.setAlignment(Qt.AlignmentFlag.AlignCenter)
        title.setWordWrap(True)
        self._line = QLabel(self)
        self._line.setTextFormat(Qt.TextFormat.PlainText)
        self._line.setProperty("tone", "secondary")
        self._line.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._line.setWordWrap(True)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(24, 24, 24, 24)
        layout.setSpacing(10)
        layout.addStretch(4)
        layout.addWidget(self._mark, 0, Qt.AlignmentFlag.AlignHCenter)
        layout.addWidget(title)
        layout.addWidget(self._line)
        layout.addSpacing(18)
        suggestions = QWidget(self)
        suggestions.setMaximumWidth(400)
        below_each_other = QVBoxLayout(suggestions)
        below_each_other.setContentsMargins(0, 0, 0, 0)
        below_each_other.setSpacing(10)
        for suggestion in SUGGESTIONS:
            below_each_other.addWidget(self._suggestion_button(suggestion))
        in_the_middle = QHBoxLayout()
        in_the_middle.addStretch(1)
        in_the_middle.addWidget(suggestions, 1000)
        in_the_middle.addStretch(1)
        layout.addLayout(in_the_middle)
        layout.addStretch(5)
        theme.changed.connect(self._dress)
        self._dress()

    def set_model_name(self, name: str) -> None:
        """Say who is going to answer."""
        self._line.setText(f"{name} · runs on this computer, and nothing you write leaves it")

    def _suggestion_button(self, suggestion: str) -> QPushButton:
        button = QPushButton(suggestion, self)
        button.setProperty("shape", "suggestion")
        button.setAccessibleName(suggestion)
        button.setCursor(Qt.CursorShape.PointingHandCursor)
        button.clicked.connect(lambda: self.suggested.emit(suggestion))
        return button

    def _dress(self) -> None:
        self._mark.show_icon(self._theme.icons.icon("retort", self._theme.tokens.accent))


class Mark(QWidget):
    """An icon as large as itself."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._icon = QIcon()
        self.setFixedSize(MARK_SIZE, MARK_SIZE)

    def show_icon(self, icon: QIcon) -> None:
        """Take another icon."""
        self._icon = icon
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint the icon."""
        painter = QPainter(self)
        self._icon.paint(painter, self.rect())
        painter.end()
