"""The head of the two pages of models: the way back to the chat, and from one page to the other."""

from PySide6.QtCore import QSize, Signal
from PySide6.QtWidgets import QButtonGroup, QHBoxLayout, QPushButton, QToolButton, QWidget

from app.theme.theme import Theme
from app.translation import tr


class PageHead(QWidget):
    """Two tabs; `is_hub` says which of them is this page's own."""

    closed = Signal()
    library_requested = Signal()
    hub_requested = Signal()

    def __init__(self, theme: Theme, *, is_hub: bool, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._back = QToolButton(self)
        self._back.setAccessibleName(tr("Back to the chat"))
        self._back.setToolTip(tr("Back to the chat"))
        self._back.setIconSize(QSize(20, 20))
        self._back.clicked.connect(self.closed)
        self._is_hub = is_hub
        self._library = self._tab(tr("On this computer"), is_own=not is_hub)
        self._hub = self._tab(tr("Find models"), is_own=is_hub)
        group = QButtonGroup(self)
        group.addButton(self._library)
        group.addButton(self._hub)
        self._library.clicked.connect(self._go)
        self._hub.clicked.connect(self._go)
        self.right = QHBoxLayout()  # for what the page has to add
        layout = QHBoxLayout(self)
        layout.setContentsMargins(14, 10, 14, 6)
        layout.setSpacing(8)
        layout.addWidget(self._back)
        layout.addWidget(self._library)
        layout.addWidget(self._hub)
        layout.addStretch()
        layout.addLayout(self.right)
        theme.changed.connect(self._dress)
        self._dress()

    def _go(self) -> None:
        own, other = (self._hub, self._library) if self._is_hub else (self._library, self._hub)
        if other.isChecked():
            own.setChecked(True)  # when this page is shown again, it is its own
            (self.library_requested if self._is_hub else self.hub_requested).emit()

    def _tab(self, text: str, *, is_own: bool) -> QPushButton:
        tab = QPushButton(text, self)
        tab.setProperty("shape", "tab")
        tab.setCheckable(True)
        tab.setChecked(is_own)
        tab.setAccessibleName(text)
        return tab

    def _dress(self) -> None:
        self._back.setIcon(self._theme.icons.icon("back", self._theme.tokens.secondary))
