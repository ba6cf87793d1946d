"""What the list of messages says: shown at once where rows come and go, gathered while text streams."""

from typing import TYPE_CHECKING

from PySide6.QtCore import QModelIndex, QObject, QRect

from app.chat_view.announcements import tell_end
from app.chat_view.coalescer import Coalescer
from app.chat_view.scroll_keeper import OPENING_S, READING_S

if TYPE_CHECKING:
    from app.chat_view.chat_view import ChatView


class ListFollower(QObject):
    """Listens to the list that a view shows."""

    def __init__(self, view: "ChatView") -> None:
        super().__init__(view)
        self._view = view
        self._changed_rows: set[int] = set()
        self._has_new_formulas = False
        self._streaming_id = ""  # of the answer that is arriving
        self._coalescer = Coalescer(self)
        self._coalescer.due.connect(self.flush)
        messages = view.messages
        messages.modelReset.connect(self._reset)
        messages.rowsInserted.connect(self._append)
        messages.rowsRemoved.connect(self._truncate)
        messages.dataChanged.connect(self._note_change)

    def note_formula(self, _key: object) -> None:
        """A formula is ready: what shows its source is laid out again, with others that come soon."""
        self._has_new_formulas = True
        self._coalescer.request()

    def flush_now(self) -> None:
        """Do not wait for the next frame."""
        self._coalescer.flush_now()

    def flush(self) -> None:
        """Show what has changed since the last time."""
        view = self._view
        if self._has_new_formulas:
            self._has_new_formulas = False
            view.column.relayout()
            view.refresh()
        rows, self._changed_rows = self._changed_rows, set()
        view.keeper.take_changes(sorted(rows), READING_S)
        viewport = view.viewport()
        for row in rows:
            layout = view.column.laid_out().get(row)
            if layout is not None:
                top = int(view.keeper.place_of(row) + layout.take_changed_from()) - 2
                viewport.update(QRect(0, top, viewport.width(), viewport.height() - top))
            self._note_state(row)
        view.idle.start_later()

    def _reset(self) -> None:
        view = self._view
        self._changed_rows.clear()
        view.forget_places()
        view.find_control.close()
        view.column.reset()
        view.keeper.stick()
        view.keeper.forget()
        view.keeper.settle(OPENING_S)
        view.idle.start()

    def _append(self) -> None:
        view = self._view
        self._coalescer.flush_now()
        while view.column.num_rows < view.messages.rowCount():
            if view.messages.message(view.column.num_rows).role == "user":
                view.keeper.stick()
            view.column.append()
        view.keeper.settle()
        view.idle.start()

    def _truncate(self) -> None:
        view = self._view
        num_rows = view.messages.rowCount()
        self._changed_rows = {row for row in self._changed_rows if row < num_rows}
        view.forget_places()
        view.column.truncate(num_rows)
        view.refresh()

    def _note_change(self, first: QModelIndex, last: QModelIndex) -> None:
        row = first.row()
        if row == last.row():
            self._changed_rows.add(row)
            self._coalescer.request()
        else:
            self._view.viewport().update()  # only how they look

    def _note_state(self, row: int) -> None:
        """An answer that has ended looks different all over."""
        message = self._view.messages.message(row)
        if message.state == "streaming":
            self._streaming_id = message.id
            return
        self._view.viewport().update()
        self._view.place_overlays()
        if message.id == self._streaming_id:
            self._streaming_id = ""
            self._view.find_control.look_again()
            tell_end(self._view, message)
