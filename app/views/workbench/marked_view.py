"""Something painted with marks in it that can be pointed at, walked through by keys, and heard.

What the marks are is up to the subclass; this knows where they lie and which one is current.
"""

from dataclasses import dataclass

from PySide6.QtCore import QEvent, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import (
    QAccessible,
    QAccessibleEvent,
    QFocusEvent,
    QHelpEvent,
    QKeyEvent,
    QMouseEvent,
    QResizeEvent,
)
from PySide6.QtWidgets import QToolTip, QWidget

from app.theme.theme import Theme

_STEPS = {
    Qt.Key.Key_Left: QPointF(-1, 0),
    Qt.Key.Key_Right: QPointF(1, 0),
    Qt.Key.Key_Up: QPointF(0, -1),
    Qt.Key.Key_Down: QPointF(0, 1),
}


@dataclass(frozen=True, slots=True)
class ViewMark:
    """One thing in the picture."""

    place: QRectF
    name: str  # what is said of it, all of it


class MarkedView(QWidget):
    """Holds the marks; a subclass paints them and tells where they are in `lay_out_marks`."""

    current_changed = Signal(int)
    activated = Signal(int)  # pressed, or Enter

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.theme = theme
        self.marks: list[ViewMark] = []
        self._current = -1
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        theme.changed.connect(self.refresh)

    @property
    def current(self) -> int:
        """The mark that the keyboard or the pointer is at; -1 for none."""
        return self._current

    def set_current(self, number: int) -> None:
        """Go to a mark."""
        number = number if 0 <= number < len(self.marks) else -1
        if number == self._current:
            return
        self._current = number
        self.update()
        self.current_changed.emit(number)
        if self.hasFocus() and number >= 0:
            event = QAccessibleEvent(self, QAccessible.Event.Focus)
            event.setChild(number)
            QAccessible.updateAccessibility(event)

    def refresh(self) -> None:
        """Lay the marks out anew and paint."""
        self.marks = self.lay_out_marks()
        if self._current >= len(self.marks):
            self.set_current(-1)
        self.update()

    def lay_out_marks(self) -> list[ViewMark]:
        """Where every mark is now."""
        raise NotImplementedError

    def mark_at(self, point: QPointF) -> int:
        """The mark at a point, the smallest where several are; -1 for none."""
        hits = [number for number, mark in enumerate(self.marks) if mark.place.contains(point)]
        return min(
            hits, key=lambda at: self.marks[at].place.width() * self.marks[at].place.height(), default=-1
        )

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Places change."""
        super().resizeEvent(event)
        self.refresh()

    def focusInEvent(self, event: QFocusEvent) -> None:
        """The keyboard comes: it is at the first mark, if it was at none."""
        super().focusInEvent(event)
        if self._current < 0 and self.marks:
            self.set_current(0)
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """The keyboard goes."""
        super().focusOutEvent(event)
        self.update()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Arrows go to the nearest mark that way, Home and End to the first and the last."""
        key = Qt.Key(event.key())
        if key in _STEPS:
            self.set_current(self._neighbour(_STEPS[key]))
        elif key == Qt.Key.Key_Home:
            self.set_current(0)
        elif key == Qt.Key.Key_End:
            self.set_current(len(self.marks) - 1)
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space) and self._current >= 0:
            self.activated.emit(self._current)
        else:
            super().keyPressEvent(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """The pointer shows what is under it."""
        number = self.mark_at(event.position())
        if number >= 0:
            self.set_current(number)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """A press chooses."""
        super().mousePressEvent(event)
        number = self.mark_at(event.position())
        if number >= 0:
            self.set_current(number)
            self.activated.emit(number)

    def event(self, event: QEvent) -> bool:
        """Say in a tip what is under the pointer."""
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            number = self.mark_at(QPointF(event.pos()))
            QToolTip.showText(event.globalPos(), self.marks[number].name if number >= 0 else "", self)
            return True
        return super().event(event)

    def _neighbour(self, way: QPointF) -> int:
        """The mark whose middle is nearest in one direction; the current one where there is none."""
        if self._current < 0:
            return 0
        here = self.marks[self._current].place.center()
        best, best_cost = self._current, float("inf")
        for number, mark in enumerate(self.marks):
            offset = mark.place.center() - here
            ahead = QPointF.dotProduct(offset, way)
            aside = abs(offset.x() * way.y()) + abs(offset.y() * way.x())
            if number != self._current and ahead > 0.5 and ahead + 2 * aside < best_cost:
                best, best_cost = number, ahead + 2 * aside
        return best
