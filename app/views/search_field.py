"""The field in which the user searches the conversations."""

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QAction, QKeyEvent
from PySide6.QtWidgets import QLineEdit, QToolButton, QWidget

from app.escape_key import asks_for_escape
from app.theme.theme import Theme
from app.translation import tr


class SearchField(QLineEdit):
    """Down and Enter are for the results, Escape empties the field."""

    entered = Signal()  # Enter
    left_down = Signal()  # the arrow key
    left = Signal()  # Escape

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self.setObjectName("search")
        self.setPlaceholderText(tr("Search chats"))
        self.setAccessibleName(tr("Search chats"))
        self._glass = QAction(self)
        self.addAction(self._glass, QLineEdit.ActionPosition.LeadingPosition)
        self._clear = QAction(self)
        self._clear.setToolTip(tr("Clear the search"))
        self._clear.triggered.connect(self.leave)
        self.addAction(self._clear, QLineEdit.ActionPosition.TrailingPosition)
        self.textChanged.connect(lambda text: self._clear.setVisible(bool(text)))
        self._clear.setVisible(False)
        for button, name in zip(
            self.findChildren(QToolButton), (tr("Search"), tr("Clear the search")), strict=False
        ):
            button.setAccessibleName(name)
        theme.changed.connect(self._dress)
        self._dress()

    def leave(self) -> None:
        """Empty the field and go back to the list."""
        self.clear()
        self.left.emit()

    def event(self, event: QEvent) -> bool:
        """Escape is for this field before it is for the window."""
        if asks_for_escape(event):
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Pass on what is for the results."""
        match event.key():
            case Qt.Key.Key_Down:
                self.left_down.emit()
            case Qt.Key.Key_Return | Qt.Key.Key_Enter:
                self.entered.emit()
            case Qt.Key.Key_Escape:
                self.leave()
            case _:
                super().keyPressEvent(event)

    def _dress(self) -> None:
        icons, colour = self._theme.icons, self._theme.tokens.secondary
        self._glass.setIcon(icons.icon("search", colour))
        self._clear.setIcon(icons.icon("close", colour))
