"""What an empty conversation shows: a welcome, three things to say, and the way to a model of one's own."""

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QIcon, QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from app.theme.theme import Theme
from app.translation import format_bytes, tr

if TYPE_CHECKING:  # not imported before the window can be seen
    from app.found_model import FoundModel

SUGGESTIONS = (  # in the language of the built-in model
    "Tell me a story about a dog and a rainbow.",
    "Hello! Who are you?",
    "Once upon a time",
)
MARK_SIZE = 44


class EmptyState(QWidget):
    """Emits the suggestion that was clicked."""

    suggested = Signal(str)
    model_file_requested = Signal()
    model_folder_requested = Signal()
    offer_requested = Signal(str)  # key of the catalogue

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._mark = Mark(self)
        title = QLabel(tr("What shall we talk about?"), self)
        theme.give_font(title, "title")
        title.setTextFormat(Qt.TextFormat.PlainText)
        title.setAlignment(Qt.AlignmentFlag.AlignCenter)
        title.setWordWrap(True)
        self._line = QLabel(self)
        self._line.setTextFormat(Qt.TextFormat.PlainText)
        self._line.setProperty("tone", "secondary")
        self._line.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._line.setWordWrap(True)
        self._offered = ""
        self._demonstration = self._demonstration_part()
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
        layout.addSpacing(14)
        layout.addWidget(self._demonstration)
        layout.addStretch(5)
        theme.changed.connect(self._dress)
        self._dress()

    def set_model_name(self, name: str) -> None:
        """Say who is going to answer."""
        self._line.setText(tr("{name} · runs on this computer, and nothing you write leaves it", name=name))

    def show_demonstration(self, is_builtin: bool) -> None:
        """Say what the built-in model is, and offer a model of the user's own."""
        self._demonstration.setVisible(is_builtin)

    def offer(self, model: "FoundModel | None") -> None:
        """Offer a real model that has room here; the button shows it where it could be fetched."""
        self._offered = model.key if model is not None else ""
        self._offer.setVisible(model is not None)
        if model is not None:
            size = format_bytes(model.size_bytes)
            self._offer.setText(tr("Look at {name}, which fits here ({size})…", name=model.title, size=size))
            self._offer.setAccessibleName(self._offer.text())

    def _demonstration_part(self) -> QWidget:
        part = QWidget(self)
        words = QLabel(
            tr(
                "This is a tiny demonstration: it tells short, simple English stories. "
                "A model of your own can do more."
            ),
            part,
        )
        words.setTextFormat(Qt.TextFormat.PlainText)
        words.setProperty("tone", "secondary")
        words.setAlignment(Qt.AlignmentFlag.AlignCenter)
        words.setWordWrap(True)
        self._theme.give_font(words, "small")
        column = QVBoxLayout(part)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        column.addWidget(words)
        self._offer = self._link("", part)
        self._offer.clicked.connect(lambda: self.offer_requested.emit(self._offered))
        self._offer.hide()
        column.addWidget(self._offer, 0, Qt.AlignmentFlag.AlignHCenter)
        for text, signal in (
            (tr("Use a model file you have…"), self.model_file_requested),
            (tr("Use a model folder you have…"), self.model_folder_requested),
        ):
            button = self._link(text, part)
            button.clicked.connect(signal)
            column.addWidget(button, 0, Qt.AlignmentFlag.AlignHCenter)
        part.hide()
        return part

    def _link(self, text: str, part: QWidget) -> QPushButton:
        button = QPushButton(text, part)
        button.setProperty("shape", "link")
        button.setAccessibleName(text)
        button.setCursor(Qt.CursorShape.PointingHandCursor)
        return button

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
