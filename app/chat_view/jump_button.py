"""The button that goes back to the end of the conversation."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QToolButton, QWidget

from app.theme.theme import Theme
from app.translation import tr

SIZE = 34


class JumpButton(QToolButton):
    """Shown while the end is out of sight."""

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self._theme = theme
        self.setObjectName("jumpToEnd")
        self.setAccessibleName(tr("Jump to the end"))
        self.setToolTip(tr("Jump to the end"))
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        theme.give_icon_size(self, 16)
        theme.changed.connect(self._dress)
        self._dress()
        self.hide()

    def _dress(self) -> None:
        side = self._theme.scaled(SIZE)
        self.setFixedSize(side, side)
        self.setIcon(self._theme.icons.icon("arrow-down", self._theme.tokens.text))
