"""A list and what is chosen in it: side by side where there is room, else in turns."""

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QKeyEvent, QResizeEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QStackedWidget, QVBoxLayout, QWidget

from app.escape_key import asks_for_escape
from app.theme.theme import Theme

NARROW = 760  # below this they take turns
LIST_WIDTH = 400
NO_LIMIT = 16_777_215  # Qt's own


class TwoSides(QWidget):
    """Places both; knows nothing of what is in them."""

    narrow_changed = Signal(bool)

    def __init__(self, side: QWidget, details: QWidget, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._side = side
        self._details = details
        self._theme = theme
        self._is_narrow = True
        self._wide = QWidget(self)
        self._beside = QHBoxLayout(self._wide)
        self._beside.setContentsMargins(0, 0, 0, 0)
        self._beside.setSpacing(0)
        self._edge = QFrame(self._wide)
        self._edge.setObjectName("edge")
        self._edge.setFixedWidth(1)
        self._turns = QStackedWidget(self)
        self._stack = QStackedWidget(self)
        self._stack.addWidget(self._wide)
        self._stack.addWidget(self._turns)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._stack)
        theme.changed.connect(self._fit)
        self._arrange(is_narrow=False)

    @property
    def hides_list(self) -> bool:
        """Whether the details stand in the list's place."""
        return self._is_narrow and self._turns.currentWidget() is self._details

    def show_details(self) -> None:
        """Show the details where they have no place beside the list."""
        if self._is_narrow:
            self._turns.setCurrentWidget(self._details)

    def show_list(self) -> None:
        """Show the list again."""
        if self._is_narrow:
            self._turns.setCurrentWidget(self._side)
            self._side.setFocus()

    def event(self, event: QEvent) -> bool:
        """Escape is for the list that gave its place away before it is for the window."""
        if asks_for_escape(event) and self.hides_list:
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Escape goes back to the list."""
        if event.key() == Qt.Key.Key_Escape and self.hides_list:
            self.show_list()
        else:
            super().keyPressEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Side by side where there is room."""
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        self._arrange(is_narrow=self.width() < self._theme.scaled(NARROW))
        if not self._is_narrow:
            self._side.setFixedWidth(self._theme.scaled(LIST_WIDTH))

    def _arrange(self, *, is_narrow: bool) -> None:
        if is_narrow == self._is_narrow:
            return
        self._is_narrow = is_narrow
        if is_narrow:
            self._side.setMinimumWidth(0)
            self._side.setMaximumWidth(NO_LIMIT)
            self._turns.addWidget(self._side)
            self._turns.addWidget(self._details)
            self._turns.setCurrentWidget(self._side)
        else:
            self._beside.addWidget(self._side)
            self._beside.addWidget(self._edge)
            self._beside.addWidget(self._details, 1)
            self._side.show()
            self._details.show()
        self._stack.setCurrentIndex(int(is_narrow))
        self.narrow_changed.emit(is_narrow)
