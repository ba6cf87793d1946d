"""The conversation for screen readers: a list with an item for each message, whether it is laid out or not.

Qt asks a factory for what stands for a widget. An item says who speaks, which message of how many it is, its
first words, and, as its value, its whole text; it can be pressed for its menu.
"""

from collections.abc import Callable
from functools import cache

import shiboken6
from PySide6.QtCore import QObject, QPoint, QRect
from PySide6.QtGui import QAccessible, QAccessibleInterface, QColor, QWindow
from PySide6.QtWidgets import QAccessibleWidget, QWidget

from app.chat_view.accessible_leaf import AccessibleLeaf
from app.chat_view.answer_notes import details_of, note_under
from app.chat_view.chat_view import ChatView
from app.chat_view.link_keys import FoundLink, find_links
from app.chat_view.message_menu import popup_menu
from app.chat_view.text_points import TextPoint
from app.conversations.conversation import Message
from app.translation import mark, tr

FIRST_WORDS = 80  # characters of a message in its name
_SPEAKERS = {"user": mark("You"), "assistant": mark("Answer"), "system": mark("Instructions")}


@cache
def install() -> None:
    """Let Qt ask for the items of every chat view from now on; once in a process."""
    kept: dict[int, AccessibleChatView] = {}  # Qt holds no reference of Python's

    def make(_class_name: str, thing: QObject) -> QAccessibleInterface | None:
        if not isinstance(thing, ChatView):
            return None
        key = id(thing)
        thing.destroyed.connect(lambda: kept.pop(key, None))
        kept[key] = AccessibleChatView(thing)
        return kept[key]

    QAccessible.installFactory(make)


def name_of(message: Message, row: int, count: int) -> str:
    """What a screen reader says on coming to a message."""
    speaker = tr(_SPEAKERS.get(message.role, message.role))
    words = " ".join(message.text[: 4 * FIRST_WORDS].split())[:FIRST_WORDS]
    if message.state == "failed":
        words = tr("failed. {words}", words=words)
    place = tr("{number} of {count}", number=row + 1, count=count)
    return f"{speaker}, {place}, {words}".rstrip(", ")


class AccessibleChatView(QAccessibleWidget):
    """The list. Its items are kept: Qt holds no reference to what Python returns."""

    def __init__(self, view: ChatView) -> None:
        super().__init__(view, QAccessible.Role.List, tr("Conversation"))
        self._view = view
        self._items: dict[int, AccessibleMessage] = {}

    @property
    def _is_alive(self) -> bool:
        return shiboken6.isValid(self._view)

    def childCount(self) -> int:
        """The messages, then the widgets over them."""
        return self._view.messages.rowCount() + len(self._widgets()) if self._is_alive else 0

    def child(self, index: int) -> QAccessibleInterface | None:  # type: ignore[override]  # the stubs forget None
        """A message or a widget."""
        count = self._view.messages.rowCount() if self._is_alive else 0
        if 0 <= index < count:
            return self._items.setdefault(index, AccessibleMessage(self._view, index, self._me))
        widgets = self._widgets()
        if count <= index < count + len(widgets):
            return QAccessible.queryAccessibleInterface(widgets[index - count])
        return None

    def indexOfChild(self, child: QAccessibleInterface) -> int:
        """Where a child stands."""
        if isinstance(child, AccessibleMessage):
            return child.row
        for number, widget in enumerate(self._widgets(), self._view.messages.rowCount()):
            if child.object() is widget:
                return number
        return -1

    def childAt(self, x: int, y: int) -> QAccessibleInterface | None:  # type: ignore[override]  # the stubs forget None
        """The message at a point of the screen."""
        place = self._view.viewport().mapFromGlobal(QPoint(x, y))
        found = self._view.place_in_message(place.toPointF())
        return self.child(found[0]) if found is not None else None

    def focusChild(self) -> QAccessibleInterface | None:  # type: ignore[override]  # the stubs forget None
        """The message that the keyboard is at."""
        row = self._view.current_row
        return self.child(row) if row is not None and self._view.hasFocus() else None

    def _me(self) -> QAccessibleInterface:
        return self

    def _widgets(self) -> list[QWidget]:
        children = self._view.viewport().findChildren(QWidget) if self._is_alive else []
        own = self._view.viewport()
        return [child for child in children if child.parentWidget() is own and child.isVisible()]


class AccessibleMessage(QAccessibleInterface):
    """One message; knows its row only, so that nothing is kept for a thousand of them."""

    def __init__(self, view: ChatView, row: int, parent: Callable[[], QAccessibleInterface]) -> None:
        super().__init__()
        self._view = view
        self._parent = parent
        self._children: dict[int, AccessibleLink] = {}
        self.row = row

    def isValid(self) -> bool:
        """Whether there is such a message."""
        return shiboken6.isValid(self._view) and self.row < self._view.messages.rowCount()

    def object(self) -> QObject | None:  # type: ignore[override]  # the stubs forget None
        """No object of Qt's."""
        return None

    def window(self) -> QWindow | None:  # type: ignore[override]  # the stubs forget None
        """The window that it is in."""
        return self._view.window().windowHandle() if self.isValid() else None

    def role(self) -> QAccessible.Role:
        """An item of a list."""
        return QAccessible.Role.ListItem

    def state(self) -> QAccessible.State:
        """Where the keyboard is, and what is out of sight."""
        state = QAccessible.State()
        if self.isValid():
            state.focusable = state.readOnly = True
            state.focused = self._view.current_row == self.row and self._view.hasFocus()
            state.offscreen = self.row not in self._view.rows_in_sight()
            state.busy = self._view.messages.message(self.row).state == "streaming"
        return state

    def text(self, kind: QAccessible.Text) -> str:
        """Its name, its text as it was written, and what stands under it."""
        if not self.isValid():
            return ""
        message = self._view.messages.message(self.row)
        match kind:
            case QAccessible.Text.Name:
                return name_of(message, self.row, self._view.messages.rowCount())
            case QAccessible.Text.Value:
                return message.text
            case QAccessible.Text.Description:
                note = note_under(message, self._view.messages.activity(self.row))
                return " · ".join(filter(None, (note, details_of(message))))
        return ""

    def setText(self, _kind: QAccessible.Text, _text: str) -> None:
        """Nothing can be changed."""

    def rect(self) -> QRect:
        """Where on the screen it is."""
        if not self.isValid():
            return QRect()
        viewport, column = self._view.viewport(), self._view.column
        place = viewport.mapToGlobal(self._view.place_of(self.row).toPoint())
        return QRect(place.x(), place.y(), round(column.width), round(column.row_height(self.row)))

    def parent(self) -> QAccessibleInterface:
        """The list."""
        return self._parent()

    def links(self) -> list[FoundLink]:
        """Its links, while it is laid out."""
        layout = self._view.column.laid_out().get(self.row) if self.isValid() else None
        return find_links(layout) if layout is not None else []

    def child(self, index: int) -> QAccessibleInterface | None:  # type: ignore[override]  # the stubs forget None
        """A link."""
        if not 0 <= index < len(self.links()):
            return None
        return self._children.setdefault(index, AccessibleLink(self._view, self, index))

    def childAt(self, x: int, y: int) -> QAccessibleInterface | None:  # type: ignore[override]  # the stubs forget None
        """The link at a point of the screen."""
        children = (self.child(number) for number in range(self.childCount()))
        return next((link for link in children if link is not None and link.rect().contains(x, y)), None)

    def childCount(self) -> int:
        """Its links."""
        return len(self.links())

    def indexOfChild(self, child: QAccessibleInterface) -> int:
        """Which of its links it is."""
        return child.number if isinstance(child, AccessibleLink) else -1

    def foregroundColor(self) -> QColor:
        """The colour of its text."""
        return self._view.palette().windowText().color()

    def show_menu(self) -> None:
        """What can be done with the message."""
        popup_menu(self._view, self.row, self._view.place_of(self.row).toPoint())


class AccessibleLink(AccessibleLeaf):
    """A link of a message; the keyboard goes to it with Left and Right, and opens it with Enter."""

    def __init__(self, view: ChatView, message: AccessibleMessage, number: int) -> None:
        super().__init__()
        self._view = view
        self._message = message
        self.number = number

    def _found(self) -> FoundLink | None:
        links = self._message.links()
        return links[self.number] if self.number < len(links) else None

    def isValid(self) -> bool:
        """Whether there is such a link."""
        return self._message.isValid() and self._found() is not None

    def window(self) -> QWindow | None:  # type: ignore[override]  # the stubs forget None
        """The window that it is in."""
        return self._message.window()

    def role(self) -> QAccessible.Role:
        """A link."""
        return QAccessible.Role.Link

    def state(self) -> QAccessible.State:
        """Whether the keyboard is at it."""
        state = QAccessible.State()
        found = self._found()
        if found is not None:
            bounds = self._view.selection.bounds
            row = self._message.row
            state.linked = state.focusable = state.readOnly = True
            state.focused = bounds == (TextPoint(row, found.start), TextPoint(row, found.end))
        return state

    def text(self, kind: QAccessible.Text) -> str:
        """Its words, and where it leads."""
        found = self._found()
        if found is None:
            return ""
        if kind == QAccessible.Text.Name:
            return found.text
        return found.link.target if kind == QAccessible.Text.Value else ""

    def rect(self) -> QRect:
        """Where on the screen its first line is."""
        found = self._found()
        if found is None:
            return QRect()
        layout = self._view.column.layout(self._message.row)
        first, last = layout.caret(found.start), layout.caret(found.end)
        width = last.x() - first.x() if last.y() == first.y() else layout.text_rect.right() - first.x()
        corner = self._view.place_of(self._message.row) + first.topLeft()
        place = self._view.viewport().mapToGlobal(corner.toPoint())
        return QRect(place.x(), place.y(), max(round(width), 1), round(first.height()))

    def parent(self) -> QAccessibleInterface:
        """The message."""
        return self._message

    def foregroundColor(self) -> QColor:
        """The colour of its text."""
        return self._view.palette().link().color()
