"""The frame around the chat: a panel at its right, beside the chat where there is room and over it else."""

from PySide6.QtCore import QRect, Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QWidget

from app.theme.theme import Theme
from app.views.tab_order import InOrder

PANEL_WIDTH = 340
LEAST_CHAT_WIDTH = 520  # below this beside the panel, the panel lies over the chat


class PanelFrame(QWidget):
    """Places the chat and, once there is one, the panel; knows nothing of what is in them."""

    toggled = Signal(bool)

    def __init__(self, chat: QWidget, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._chat = chat
        self._theme = theme
        self._panel: QWidget | None = None
        self._is_open = False
        chat.setParent(self)
        theme.changed.connect(self._place)

    @property
    def is_open(self) -> bool:
        """Whether the panel is wanted."""
        return self._is_open

    @property
    def covers_chat(self) -> bool:
        """Whether the panel lies over the chat now."""
        return self._is_open and self._panel is not None and self._is_narrow()

    @property
    def in_order(self) -> tuple[QWidget, ...]:
        """Its parts as they are read."""
        beside = (self._panel,) if self._panel is not None else ()
        return (self._chat.in_order if isinstance(self._chat, InOrder) else (self._chat,)) + beside

    def set_panel(self, panel: QWidget) -> None:
        """Take the panel."""
        self._panel = panel
        panel.setParent(self)
        panel.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._place()

    def toggle(self) -> None:
        """Open or close the panel."""
        self.set_open(not self._is_open)

    def set_open(self, is_open: bool) -> None:
        """Open the panel, or close it and give the focus back to the chat."""
        if is_open == self._is_open:
            return
        self._is_open = is_open
        self._place()
        if self._panel is not None:
            (self._panel if is_open else self._chat).setFocus()
        self.toggled.emit(is_open)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Place both anew."""
        super().resizeEvent(event)
        self._place()

    def _panel_width(self) -> int:
        return min(self._theme.scaled(PANEL_WIDTH), self.width())

    def _is_narrow(self) -> bool:
        return self.width() - self._panel_width() < LEAST_CHAT_WIDTH

    def _place(self) -> None:
        shows_panel = self._is_open and self._panel is not None
        width = self._panel_width() if shows_panel else 0
        taken = 0 if self._is_narrow() else width
        self._chat.setGeometry(0, 0, self.width() - taken, self.height())
        if self._panel is not None:
            self._panel.setVisible(shows_panel)
            self._panel.setGeometry(QRect(self.width() - width, 0, width, self.height()))
            self._panel.raise_()
