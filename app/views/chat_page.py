"""The chat page: the conversation or the welcome, and below it the notice and the composer."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QHBoxLayout, QScrollArea, QStackedLayout, QVBoxLayout, QWidget

from app.theme.theme import Theme
from app.views.composer import Composer
from app.views.empty_state import EmptyState
from app.views.notice import Notice

COMPOSER_WIDTH = 792  # the text column, and a little more on both sides


class ChatPage(QWidget):
    """Lays out; until there is a view of conversations it shows the welcome."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.empty_state = EmptyState(theme, self)
        self.notice = Notice(theme, self)
        self.composer = Composer(theme, self)
        self._stack = QStackedLayout()
        welcome = QScrollArea(self)
        welcome.setWidget(self.empty_state)
        welcome.setWidgetResizable(True)
        welcome.setFrameShape(QFrame.Shape.NoFrame)
        welcome.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # what is in it has it
        welcome.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._stack.addWidget(welcome)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 12)
        layout.setSpacing(8)
        layout.addLayout(self._stack, 1)
        layout.addLayout(_centred(self.notice))
        layout.addLayout(_centred(self.composer))
        self.composer.refused.connect(self.notice.show_error)
        self.setFocusProxy(self.composer)

    @property
    def in_order(self) -> tuple[QWidget, ...]:
        """Its parts as they are read."""
        shown = self._stack.currentWidget()
        return (*((shown,) if shown is not None else ()), self.notice, self.composer)

    def set_chat_view(self, view: QWidget) -> None:
        """Take the widget that shows conversations."""
        self._stack.addWidget(view)

    def show_welcome(self, is_empty: bool) -> None:
        """Show the welcome for a conversation without messages, and the conversation else."""
        self._stack.setCurrentIndex(0 if is_empty else 1)

    def show_model_name(self, name: str) -> None:
        """Say who is going to answer."""
        self.composer.set_model_name(name)
        self.empty_state.set_model_name(name)


def _centred(widget: QWidget) -> QHBoxLayout:
    """The widget in the middle, as wide as the column and never wider."""
    widget.setMaximumWidth(COMPOSER_WIDTH)
    layout = QHBoxLayout()
    layout.setContentsMargins(16, 0, 16, 0)
    layout.addStretch(1)
    layout.addWidget(widget, 1000)
    layout.addStretch(1)
    return layout
