"""The sidebar: a new chat, and room for the list of conversations."""

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QToolButton, QVBoxLayout, QWidget

from app.theme.theme import Theme

WIDTH = 256


class Sidebar(QWidget):
    """Lays out; the list is put in when there is one."""

    new_requested = Signal()
    collapse_requested = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("sidebar")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setFixedWidth(WIDTH)
        self._theme = theme
        wordmark = QLabel("Retort", self)
        wordmark.setObjectName("wordmark")
        self._collapse = QToolButton(self)
        self._collapse.setAccessibleName("Hide the conversations")
        self._collapse.setToolTip("Hide the conversations (Ctrl+B)")
        self._collapse.clicked.connect(self.collapse_requested)
        self._new = QPushButton("  New chat", self)  # Qt has no other gap between icon and text
        self._new.setProperty("shape", "raised")
        self._new.setAccessibleName("New chat")
        self._new.setToolTip("New chat (Ctrl+N)")
        self._new.clicked.connect(self.new_requested)
        top = QHBoxLayout()
        top.setContentsMargins(2, 0, 0, 0)
        top.addWidget(wordmark)
        top.addStretch()
        top.addWidget(self._collapse)
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(12, 8, 12, 8)
        self._column.setSpacing(8)
        self._column.addLayout(top)
        self._column.addWidget(self._new)
        self._column.addStretch(1)
        theme.changed.connect(self._dress)
        self._dress()

    def set_list(self, view: QWidget) -> None:
        """Put the list of conversations in its place."""
        self._column.takeAt(self._column.count() - 1)  # the stretch that kept it
        self._column.addWidget(view, 1)

    def _dress(self) -> None:
        icons, tokens = self._theme.icons, self._theme.tokens
        self._collapse.setIcon(icons.icon("sidebar", tokens.secondary))
        self._collapse.setIconSize(QSize(20, 20))
        self._new.setIcon(icons.icon("new-chat", tokens.text))
        self._new.setIconSize(QSize(18, 18))
