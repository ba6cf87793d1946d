"""The frame of the window: the sidebar beside everything else where there is room, and over it else."""

from PySide6.QtCore import QRect, Qt, Signal
from PySide6.QtGui import QColor, QMouseEvent, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QWidget

from app.theme.theme import Theme

SIDEBAR_WIDTH = 256
MOST_SHARE = 0.3  # of the window, beside the rest
LEAST_REST_WIDTH = 440  # below this beside the sidebar, the sidebar lies over the rest
LEFT_OPEN = 48  # of the rest, beside a sidebar that lies over it
VEIL = QColor(0, 0, 0, 90)


class SidebarFrame(QWidget):
    """Places the two; knows nothing of what is in them.

    Whether the sidebar is wanted beside the rest is kept; over the rest it is only ever open for a moment.
    """

    toggled = Signal()

    def __init__(self, sidebar: QWidget, rest: QWidget, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._sidebar = sidebar
        self._rest = rest
        self._theme = theme
        self._is_wanted = True
        self._is_over = False
        self._veil = _Veil(self)
        rest.setParent(self)
        sidebar.setParent(self)
        self._veil.raise_()
        sidebar.raise_()
        self._veil.pressed.connect(self.leave)
        theme.changed.connect(self._place)

    @property
    def is_wanted(self) -> bool:
        """Whether the sidebar is to be seen wherever there is room beside it."""
        return self._is_wanted

    @property
    def is_shown(self) -> bool:
        """Whether the sidebar can be seen."""
        return self._is_over if self._is_narrow else self._is_wanted

    @property
    def covers_rest(self) -> bool:
        """Whether the sidebar lies over the rest now."""
        return self._is_narrow and self._is_over

    @property
    def rest_width(self) -> int:
        """How much of the width the sidebar leaves."""
        return self._rest.width()

    def toggle(self) -> None:
        """Open or hide the sidebar."""
        if self._is_narrow:
            self._is_over = not self._is_over
        else:
            self._is_wanted = not self._is_wanted
        self._place()
        self.toggled.emit()

    def want(self, is_wanted: bool) -> None:
        """Show the sidebar wherever there is room beside it, or do not."""
        self._is_wanted = is_wanted
        self._place()
        self.toggled.emit()

    def leave(self) -> None:
        """Hide the sidebar if it lies over the rest."""
        if self.covers_rest:
            self.toggle()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Place both anew; the sidebar never stays over the rest by itself."""
        super().resizeEvent(event)
        self._is_over = self._is_over and self._is_narrow
        self._place()
        self.toggled.emit()

    @property
    def _is_narrow(self) -> bool:
        return self.width() - self._width_beside() < LEAST_REST_WIDTH

    def _width_beside(self) -> int:
        wanted = self._theme.scaled(SIDEBAR_WIDTH)
        return max(min(wanted, round(MOST_SHARE * self.width())), min(wanted, SIDEBAR_WIDTH))

    def _place(self) -> None:
        is_shown, covers_rest = self.is_shown, self.covers_rest
        width = self._width_beside()
        if covers_rest:
            width = min(self._theme.scaled(SIDEBAR_WIDTH), self.width() - LEFT_OPEN)
        taken = width if is_shown and not covers_rest else 0
        self._sidebar.setVisible(is_shown)
        self._sidebar.setGeometry(0, 0, width, self.height())
        self._rest.setGeometry(QRect(taken, 0, self.width() - taken, self.height()))
        self._veil.setVisible(covers_rest)
        self._veil.setGeometry(self.rect())


class _Veil(QWidget):
    """Over what cannot be used now; a click takes it away."""

    pressed = Signal()

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.hide()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Go away."""
        event.accept()
        self.pressed.emit()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Darken what is below."""
        painter = QPainter(self)
        painter.fillRect(self.rect(), VEIL)
        painter.end()
