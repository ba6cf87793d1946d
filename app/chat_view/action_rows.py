"""Which messages show their buttons: the newest one, and the one under the pointer or the keyboard."""

from collections.abc import Callable

from PySide6.QtCore import QObject, QPoint, QRectF
from PySide6.QtWidgets import QWidget

from app.chat_view.message_actions import MessageActions
from app.lists.message_list import MessageList
from app.theme.theme import Theme


class ActionRows(QObject):
    """Two rows of buttons for a conversation of any length."""

    def __init__(
        self,
        messages: MessageList,
        theme: Theme,
        viewport: QWidget,
        place_of: Callable[[int], QRectF],
    ) -> None:
        super().__init__(viewport)
        self._messages = messages
        self._place_of = place_of  # where a message's buttons belong in the viewport
        self.newest = MessageActions(theme, viewport)
        self.chosen = MessageActions(theme, viewport)

    @property
    def all(self) -> tuple[MessageActions, MessageActions]:
        """Both rows."""
        return self.newest, self.chosen

    def place(self, rows_in_sight: range, chosen_row: int | None) -> None:
        """Show the buttons where they belong now."""
        last = self._messages.rowCount() - 1
        self._show(self.newest, last if last in rows_in_sight else None)
        is_another = chosen_row is not None and chosen_row != last and chosen_row in rows_in_sight
        self._show(self.chosen, chosen_row if is_another else None)

    def _show(self, actions: MessageActions, row: int | None) -> None:
        if row is None or self._messages.message(row).state == "streaming":
            actions.hide()
            return
        message = self._messages.message(row)
        actions.show_for(message, *self._messages.versions(row))
        place = self._place_of(row)
        top = place.top() + (place.height() - actions.height()) / 2
        actions.move(QPoint(round(place.right()) - actions.width() + 4, round(top)))
