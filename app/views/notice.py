"""The notice: one thing the user has to know now, above the composer, and up to two things to do."""

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtGui import QAccessible, QAccessibleAnnouncementEvent, QResizeEvent
from PySide6.QtWidgets import (
    QBoxLayout,
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSizePolicy,
    QToolButton,
    QWidget,
)

from app.theme.theme import Theme
from app.translation import tr

LEAST_WORDS_WIDTH = 380  # beside the buttons


class Notice(QFrame):
    """Hidden until there is something to say; a newer notice takes the place of the older."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("notice")
        self._theme = theme
        self._actions: list[Callable[[], None]] = []
        self._label = QLabel(self)
        self._label.setTextFormat(Qt.TextFormat.PlainText)
        self._label.setWordWrap(True)
        self._label.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self._buttons = [QPushButton(self), QPushButton(self)]
        for number, button in enumerate(self._buttons):
            button.setProperty("shape", "link")
            button.clicked.connect(lambda _checked=False, number=number: self._act(number))
        self._close = QToolButton(self)
        self._close.setAccessibleName(tr("Dismiss"))
        self._close.clicked.connect(self.hide)
        theme.give_icon_size(self._close, 16)
        choices = QHBoxLayout()
        for button in self._buttons:
            choices.addWidget(button)
        self._words = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        self._words.addWidget(self._label, 1)
        self._words.addLayout(choices)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(16, 10, 8, 10)
        layout.addLayout(self._words, 1)
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
        self._say(text, "bad")

    def warn(self, text: str, *choices: tuple[str, Callable[[], None]]) -> None:
        """Say what is wrong, with a button for each of up to two things to do about it."""
        self._say(text, "bad", *choices)
        if QAccessible.isActive():
            QAccessible.updateAccessibility(QAccessibleAnnouncementEvent(self, text))

    def show_plain(self, text: str, button: str, action: Callable[[], None]) -> None:
        """Say what was done, with a button that does something about it."""
        self._say(text, "plain", (button, action))

    def show_note(self, text: str) -> None:
        """Say what was done, where there is nothing to do about it."""
        self._say(text, "plain")

    def ask(self, text: str, *choices: tuple[str, Callable[[], None]]) -> None:
        """Say what has to be decided, with a button for each of up to two ways."""
        self._say(text, "plain", *choices)

    def _say(self, text: str, tone: str, *choices: tuple[str, Callable[[], None]]) -> None:
        self._label.setText(text)
        self._actions = [action for _name, action in choices]
        for button in self._buttons:
            button.hide()
        for button, (name, _action) in zip(self._buttons, choices, strict=False):
            button.setText(name)
            button.setAccessibleName(name)
            button.show()
        self.setProperty("tone", tone)
        for widget in (self, self._label):
            widget.style().unpolish(widget)
            widget.style().polish(widget)
        self._dress()
        self._fit()
        self.show()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Buttons go below the words where they would leave them little room."""
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        taken = sum(button.sizeHint().width() for button in self._buttons if not button.isHidden())
        is_narrow = self.width() - taken < self._theme.scaled(LEAST_WORDS_WIDTH)
        directions = QBoxLayout.Direction
        self._words.setDirection(directions.TopToBottom if is_narrow else directions.LeftToRight)

    def _act(self, number: int) -> None:
        self.hide()
        self._actions[number]()

    def _dress(self) -> None:
        tokens = self._theme.tokens
        colour = tokens.secondary if self.property("tone") == "plain" else tokens.callout_text
        self._close.setIcon(self._theme.icons.icon("close", colour))
