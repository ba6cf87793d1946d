"""The notice: one thing the user has to know now, above the composer, and at most one thing to do."""

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QSizePolicy, QToolButton, QWidget

from app.theme.theme import Theme


class Notice(QFrame):
    """Hidden until there is something to say; a newer notice takes the place of the older."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("notice")
        self._theme = theme
        self._action: Callable[[], None] | None = None
        self._label = QLabel(self)
        self._label.setTextFormat(Qt.TextFormat.PlainText)
        self._label.setWordWrap(True)
        self._label.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self._button = QPushButton(self)
        self._button.setProperty("shape", "link")
        self._button.clicked.connect(self._act)
        self._close = QToolButton(self)
        self._close.setAccessibleName("Dismiss")
        self._close.clicked.connect(self.hide)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(16, 10, 8, 10)
        layout.addWidget(self._label, 1)
        layout.addWidget(self._button)
        layout.addWidget(self._close, 0, Qt.AlignmentFlag.AlignTop)
        theme.changed.connect(self._dress)
        self._dress()
        self.hide()

    @property
    def text(self) -> str:
        """What the notice says, empty while there is none."""
        return self._label.text() if not self.isHidden() else ""

    def show_error(self, text: str) -> None:
        """Say what went wrong."""
        self._say(text, "bad", "", None)

    def show_plain(self, text: str, button: str, action: Callable[[], None]) -> None:
        """Say what was done, with a button that does something about it."""
        self._say(text, "plain", button, action)

    def _say(self, text: str, tone: str, button: str, action: Callable[[], None] | None) -> None:
        self._label.setText(text)
        self._action = action
        self._button.setText(button)
        self._button.setAccessibleName(button)
        self._button.setVisible(action is not None)
        self.setProperty("tone", tone)
        for widget in (self, self._label):
            widget.style().unpolish(widget)
            widget.style().polish(widget)
        self._dress()
        self.show()

    def _act(self) -> None:
        self.hide()
        if self._action is not None:
            self._action()

    def _dress(self) -> None:
        tokens = self._theme.tokens
        colour = tokens.secondary if self.property("tone") == "plain" else tokens.callout_text
        self._close.setIcon(self._theme.icons.icon("close", colour))
