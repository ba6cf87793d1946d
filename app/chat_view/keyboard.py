"""The keys of the conversation while it has the focus."""

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeyEvent, QKeySequence

from app.chat_view.link_keys import LinkKeys
from app.chat_view.message_menu import popup_menu

if TYPE_CHECKING:
    from app.chat_view.chat_view import ChatView


class Keyboard:
    """Up and Down go from message to message, Left and Right from link to link of one.

    Enter opens the link, else it says what can be done with the message; F7 opens that as text.
    """

    def __init__(self, view: "ChatView") -> None:
        self._view = view
        self.links = LinkKeys(view)

    def press(self, event: QKeyEvent) -> bool:
        """Do what a key means here; False for a key that means nothing."""
        view, standard = self._view, QKeySequence.StandardKey
        if event.matches(standard.Copy):
            self._copy()
        elif event.matches(standard.SelectAll):
            view.selection.select_all()
            view.viewport().update()
        elif event.matches(standard.Find):
            view.find_control.open()
        elif event.matches(standard.FindNext) or event.matches(standard.FindPrevious):
            view.find_control.step(1 if event.matches(standard.FindNext) else -1)
        elif event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier:
            return False
        else:
            return self._press_plain(Qt.Key(event.key()))
        return True

    def _press_plain(self, key: Qt.Key) -> bool:
        view, row = self._view, self._view.current_row
        last = view.messages.rowCount() - 1
        match key:
            case Qt.Key.Key_End:
                view.current_row = None
                view.jump_to_end()
            case Qt.Key.Key_Home:
                view.verticalScrollBar().setValue(0)
            case Qt.Key.Key_Up if last >= 0:
                view.select_row(last if row is None else max(row - 1, 0))
            case Qt.Key.Key_Down if last >= 0:
                view.select_row(view.rows_in_sight().start if row is None else min(row + 1, last))
            case Qt.Key.Key_Left | Qt.Key.Key_Right:
                return self.links.step(1 if key == Qt.Key.Key_Right else -1)
            case Qt.Key.Key_Return | Qt.Key.Key_Enter if row is not None:
                if not self.links.follow():
                    self.open_menu()
            case Qt.Key.Key_Space if row is not None and not view.column.layout(row).reasoning_rect.isEmpty():
                view.toggle_reasoning(row)
            case Qt.Key.Key_F7 if last >= 0:
                view.open_reader(last if row is None else row)
            case Qt.Key.Key_Escape if row is not None or not view.selection.is_empty:
                view.selection.clear()
                view.select_row(None)
            case _:
                return False
        return True

    def open_menu(self) -> None:
        """Say what can be done with the message that the keyboard is at."""
        row = self._view.current_row
        if row is not None:
            popup_menu(self._view, row, self._view.place_of(row).toPoint())

    def _copy(self) -> None:
        if self._view.selection.is_empty and self._view.current_row is not None:
            self._view.copying.copy_message(self._view.current_row)
        else:
            self._view.copying.copy_selection()
