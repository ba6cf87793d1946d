"""Painted marks for screen readers: a list with an item for each mark.

Qt asks a factory for what stands for a widget; see `app.chat_view.accessible_view`, which does the same.
"""

from collections.abc import Callable
from functools import cache

import shiboken6
from PySide6.QtCore import QObject, QPoint, QRect
from PySide6.QtGui import QAccessible, QAccessibleInterface, QColor, QWindow
from PySide6.QtWidgets import QAccessibleWidget

from app.chat_view.accessible_leaf import AccessibleLeaf
from app.views.workbench.marked_view import MarkedView


@cache
def install() -> None:
    """Let Qt ask for the marks of every marked view from now on; once in a process."""
    kept: dict[int, AccessibleMarks] = {}  # Qt holds no reference of Python's

    def make(_class_name: str, thing: QObject) -> QAccessibleInterface | None:
        if not isinstance(thing, MarkedView):
            return None
        key = id(thing)
        thing.destroyed.connect(lambda: kept.pop(key, None))
        kept[key] = AccessibleMarks(thing)
        return kept[key]

    QAccessible.installFactory(make)


class AccessibleMarks(QAccessibleWidget):
    """The list. Its items are kept: Qt holds no reference to what Python returns."""

    def __init__(self, view: MarkedView) -> None:
        super().__init__(view, QAccessible.Role.List, view.accessibleName())
        self._view = view
        self._items: dict[int, AccessibleMark] = {}

    def childCount(self) -> int:
        """The marks."""
        return len(self._view.marks) if shiboken6.isValid(self._view) else 0

    def child(self, index: int) -> QAccessibleInterface | None:  # type: ignore[override]  # the stubs forget None
        """A mark."""
        if not 0 <= index < self.childCount():
            return None
        return self._items.setdefault(index, AccessibleMark(self._view, index, self._me))

    def indexOfChild(self, child: QAccessibleInterface) -> int:
        """Where a child stands."""
        return child.number if isinstance(child, AccessibleMark) else -1

    def childAt(self, x: int, y: int) -> QAccessibleInterface | None:  # type: ignore[override]  # the stubs forget None
        """The mark at a point of the screen."""
        return self.child(self._view.mark_at(self._view.mapFromGlobal(QPoint(x, y)).toPointF()))

    def focusChild(self) -> QAccessibleInterface | None:  # type: ignore[override]  # the stubs forget None
        """The mark that the keyboard is at."""
        return self.child(self._view.current) if self._view.hasFocus() else None

    def _me(self) -> QAccessibleInterface:
        return self


class AccessibleMark(AccessibleLeaf):
    """One mark; knows its number only."""

    def __init__(self, view: MarkedView, number: int, parent: Callable[[], QAccessibleInterface]) -> None:
        super().__init__()
        self._view = view
        self._parent = parent
        self.number = number

    def isValid(self) -> bool:
        """Whether there is such a mark."""
        return shiboken6.isValid(self._view) and self.number < len(self._view.marks)

    def window(self) -> QWindow | None:  # type: ignore[override]  # the stubs forget None
        """The window that it is in."""
        return self._view.window().windowHandle() if self.isValid() else None

    def role(self) -> QAccessible.Role:
        """An item of a list."""
        return QAccessible.Role.ListItem

    def state(self) -> QAccessible.State:
        """Where the keyboard is."""
        state = QAccessible.State()
        if self.isValid():
            state.focusable = state.readOnly = state.selectable = True
            state.focused = state.selected = self._view.current == self.number and self._view.hasFocus()
        return state

    def text(self, kind: QAccessible.Text) -> str:
        """What is said of it."""
        is_name = kind == QAccessible.Text.Name
        return self._view.marks[self.number].name if is_name and self.isValid() else ""

    def rect(self) -> QRect:
        """Where on the screen it is."""
        if not self.isValid():
            return QRect()
        place = self._view.marks[self.number].place.toRect()
        return QRect(self._view.mapToGlobal(place.topLeft()), place.size())

    def parent(self) -> QAccessibleInterface:
        """The list."""
        return self._parent()

    def foregroundColor(self) -> QColor:
        """The colour of its text."""
        return self._view.palette().windowText().color()
