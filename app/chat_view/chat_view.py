"""The chat view: a scroll area that paints the messages of one list.

Only what can be seen is laid out, and only what has changed is painted again. Shows, and says what is asked
for; changes nothing and opens nothing by itself.
"""

import logging
from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QContextMenuEvent,
    QHideEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QResizeEvent,
    QShowEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QAbstractScrollArea, QFrame, QWidget

from app.chat_view.action_rows import ActionRows
from app.chat_view.announcements import tell_focus
from app.chat_view.copying import Copying
from app.chat_view.find_control import FindControl
from app.chat_view.formulas import Formulas, FormulaSetter
from app.chat_view.idle_work import IdleWork
from app.chat_view.inline_text import Link
from app.chat_view.jump_button import JumpButton
from app.chat_view.keyboard import Keyboard
from app.chat_view.link_dialog import LinkDialog
from app.chat_view.link_policy import doubts, is_allowed
from app.chat_view.list_follower import ListFollower
from app.chat_view.look import Look
from app.chat_view.message_column import MessageColumn
from app.chat_view.message_menu import popup_menu
from app.chat_view.message_reader import MessageReader
from app.chat_view.pointer import Pointer
from app.chat_view.scroll_keeper import ScrollKeeper
from app.chat_view.selection import Selection
from app.chat_view.text_points import MessageMarks, TextPoint
from app.lists.message_list import MessageList
from app.model_facts import ModelFacts
from app.theme.theme import Theme
from app.translation import tr

COLUMN_WIDTH = 760
SIDE_MARGIN = 24
DIMMED = 0.5  # opacity of what no longer fits the context

log = logging.getLogger(__name__)


class ChatView(QAbstractScrollArea):
    """Shows a MessageList. What can be done with a message is asked for by its id."""

    regenerate_requested = Signal(str)  # message id, as in all of these
    other_model_requested = Signal(str, str)  # and the model that shall answer again
    edit_requested = Signal(str)
    continue_requested = Signal(str)
    delete_requested = Signal(str)
    experts_requested = Signal(str)
    version_requested = Signal(str, int)  # one back or one forward
    link_clicked = Signal(str)  # an allowed address that the user wants to open

    def __init__(
        self,
        messages: MessageList,
        theme: Theme,
        parent: QWidget | None = None,
        *,
        typesetter: FormulaSetter | None = None,
        picture_folder: Path | None = None,
    ) -> None:
        super().__init__(parent)
        self.messages = messages
        self._theme = theme
        self._look = Look(theme, Formulas(typesetter), picture_folder)
        self.column = MessageColumn(messages, self._look)
        self.column.set_width(self._column_width())
        self.keeper = ScrollKeeper(self.column, self.verticalScrollBar())
        self.selection = Selection(messages, self.column)
        self.offers_experts = False  # whether the model that answers now has experts
        self.current_row: int | None = None  # the message that the keyboard is at
        self.models: Callable[[], Sequence[ModelFacts]] = tuple  # that could answer again
        self._hovered_row: int | None = None
        self._pointer = Pointer(self)
        self._keyboard = Keyboard(self)
        self.idle = IdleWork(self)
        self.copying = Copying(self)
        self._set_up_widgets()
        self._connect()
        self._follower = ListFollower(self)
        if typesetter is not None:
            typesetter.typeset_ready.connect(self._follower.note_formula)

    @property
    def sticks_to_end(self) -> bool:
        """Whether the view follows what is appended."""
        return self.keeper.sticks

    @property
    def selected_text(self) -> str:
        """What is selected, as it was written."""
        return self.selection.source()

    def flush(self) -> None:
        """Show what has changed without waiting for the next frame."""
        self._follower.flush_now()

    def jump_to_end(self) -> None:
        """Show the end and follow it from now on."""
        self.keeper.stick()
        self.keeper.settle()

    def show_message(self, message_id: str) -> None:
        """Put the top of a message at the top of what can be seen."""
        row = self.messages.find(message_id)
        if row is not None:
            self.keeper.begin_at(row)

    def toggle_reasoning(self, row: int) -> None:
        """Open or fold what a model thought."""
        self.keeper.hold(row)
        self.column.layout(row).toggle_reasoning()
        self.column.expect_change(row)
        self.selection.clear()
        self.refresh()

    def follow_link(self, link: Link, text: str) -> None:
        """Ask for an address to be opened; first ask the user about one that may not be what it seems."""
        doubt = doubts(link.target, text)
        if doubt:
            LinkDialog(link.target, doubt, self).ask(self.link_clicked.emit)
        elif is_allowed(link.target):
            self.link_clicked.emit(link.target)

    def hover(self, row: int | None) -> None:
        """Show the buttons of the message under the pointer."""
        if row != self._hovered_row:
            self._hovered_row = row
            self.place_overlays()

    def open_reader(self, row: int) -> MessageReader:
        """Show a message as plain text."""
        reader = MessageReader(self.messages.message(row), self._theme, self)
        reader.open()
        return reader

    def select_row(self, row: int | None) -> None:
        """Move the keyboard to a message and show it."""
        self.current_row = row
        if row is not None:
            self.keeper.show_row(row, height=min(self.column.row_height(row), self.viewport().height()))
            tell_focus(self, row)
        self.refresh()

    def forget_places(self) -> None:
        """The messages are not where they were."""
        self.selection.clear()
        self.current_row = self._hovered_row = None

    def refresh(self) -> None:
        """Settle, and paint everything again."""
        self.keeper.forget()
        self.keeper.settle()

    # where what is

    def place_in_message(self, point: QPointF) -> tuple[int, QPointF] | None:
        """The message at a point of the viewport, and the point in it."""
        y = point.y() + self.keeper.top
        rows = self.column.rows_between(y, y + 1)
        if not rows or not 0 <= y < self.column.height:
            return None
        return rows.start, point - self.place_of(rows.start)

    def text_point_at(self, point: QPointF) -> TextPoint | None:
        """The text position nearest to a point of the viewport."""
        if not self.column.num_rows:
            return None
        y = min(max(point.y() + self.keeper.top, 0), self.column.height - 1)
        row = self.column.rows_between(y, y + 1).start
        inner = self.column.layout(row).point_at(point - self.place_of(row))
        return TextPoint(row, inner) if inner is not None else None

    def place_of(self, row: int) -> QPointF:
        """The top left corner of a message in the viewport."""
        return QPointF(self._column_left(), self.keeper.place_of(row))

    def rows_in_sight(self) -> range:
        """The messages of which something can be seen."""
        return self.column.rows_between(self.keeper.top, self.keeper.bottom)

    def marks_of(self, row: int) -> MessageMarks:
        """What is marked in a message."""
        finder = self.find_control.finder
        return MessageMarks(self.selection.in_row(row), finder.in_row(row), finder.current_in(row))

    # how it looks

    def _dress(self) -> None:
        self._look.forget_colours()
        self.column.reset()
        self.refresh()

    def _note_settled(self, moved_by: int | None) -> None:
        """Move what is painted already; paint all where that is not possible."""
        viewport = self.viewport()
        self._jump.setVisible(not self.keeper.sticks and self.keeper.distance_to_end > self._jump.height())
        if moved_by is None or abs(moved_by) >= viewport.height():
            viewport.update()
        elif moved_by:
            viewport.scroll(0, moved_by)
        self.place_overlays()
        if self.keeper.sticks:
            self.idle.start_later()
        else:
            self.idle.start_after_scrolling()  # the next screens, before they are scrolled to

    def place_overlays(self) -> None:
        """Put the buttons over the messages where they belong now."""
        viewport = self.viewport()
        self._jump.move(
            (self.width() - self._jump.width()) // 2, viewport.height() - self._jump.height() - 10
        )
        self.find_control.place()
        chosen = self._hovered_row if self._hovered_row is not None else self.current_row
        self.action_rows.place(self.rows_in_sight(), chosen)

    def _actions_rect(self, row: int) -> QRectF:
        return self.column.layout(row).actions_rect.translated(self.place_of(row))

    def _column_width(self) -> float:
        """The scroll bar lives in the margin, so that its coming and going moves nothing."""
        return max(min(COLUMN_WIDTH, self.width() - 2 * SIDE_MARGIN), 80)

    def _column_left(self) -> int:
        return round((self.width() - self._column_width()) / 2)

    # Qt's events

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the messages in sight; a fault is logged, since Qt cannot take an exception here."""
        painter = QPainter(self.viewport())
        try:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            self._paint(painter, QRectF(event.rect()))
        except Exception:
            log.exception("painting the conversation failed")
        finally:
            painter.end()

    def _paint(self, painter: QPainter, clip: QRectF) -> None:
        # A dot more on each side: at scales like 4/3 an edge lies within a dot, which shall be covered whole.
        painter.fillRect(clip.adjusted(-1, -1, 1, 1), QColor(self._theme.tokens.window))
        top = self.keeper.top
        for row in self.column.rows_between(top + clip.top(), top + clip.bottom()):
            place = self.place_of(row)
            painter.setOpacity(DIMMED if self.messages.is_dimmed(row) else 1.0)
            self.column.layout(row).paint(painter, place, clip, self.marks_of(row))
            painter.setOpacity(1.0)
            if row == self.current_row and self.hasFocus():
                painter.setPen(QPen(QColor(self._theme.tokens.accent), 1.5))
                painter.setBrush(Qt.BrushStyle.NoBrush)
                size = QRectF(0, 0, self.column.width, self.column.row_height(row))
                painter.drawRoundedRect(size.translated(place).adjusted(-10, 12, 10, 4), 10, 10)

    def scrollContentsBy(self, _dx: int, _dy: int) -> None:
        """The keeper moves what is painted."""

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Lay out to the new width; the message that is being read stays where it is."""
        super().resizeEvent(event)
        self.keeper.set_height(self.viewport().height())
        if self._column_width() != self.column.width:
            self.column.set_width(self._column_width())
        self.refresh()

    def showEvent(self, event: QShowEvent) -> None:
        """Go on with what can wait."""
        super().showEvent(event)
        self.idle.start()

    def hideEvent(self, event: QHideEvent) -> None:
        """Do nothing while nobody looks."""
        super().hideEvent(event)
        self.flush()
        self.idle.stop()
        self.copying.forget()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Begin a selection."""
        self._pointer.press(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Extend the selection, or show what is under the pointer."""
        self._pointer.move(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """End the selection, or click."""
        self._pointer.release(event)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Select a word."""
        self._pointer.double_click(event)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Move the conversation, or sideways what is too wide in it."""
        if self._pointer.wheel(event):
            event.accept()
        else:
            super().wheelEvent(event)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """Offer what can be done with the message under the pointer, or with the one the keyboard is at."""
        found = self.place_in_message(QPointF(event.pos()))
        if event.reason() == QContextMenuEvent.Reason.Keyboard:
            self._keyboard.open_menu()
        elif found is not None:
            popup_menu(self, found[0], event.pos())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Go through the messages, copy, search; the rest is Qt's."""
        if not self._keyboard.press(event):
            super().keyPressEvent(event)

    def _set_up_widgets(self) -> None:
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName(tr("Conversation"))
        self.verticalScrollBar().setSingleStep(40)
        viewport = self.viewport()
        viewport.setMouseTracking(True)
        viewport.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.action_rows = ActionRows(self.messages, self._theme, viewport, self._actions_rect)
        self.find_control = FindControl(self, self._theme)
        self._jump = JumpButton(self._theme, viewport)

    def _connect(self) -> None:
        self._theme.changed.connect(self._dress)
        self._jump.clicked.connect(self.jump_to_end)
        self.keeper.settled.connect(self._note_settled)
        for actions in self.action_rows.all:
            actions.copy_requested.connect(self._copy_by_id)
            actions.more_requested.connect(self._show_menu_of)
            actions.regenerate_requested.connect(self.regenerate_requested)
            actions.edit_requested.connect(self.edit_requested)
            actions.continue_requested.connect(self.continue_requested)
            actions.delete_requested.connect(self.delete_requested)
            actions.version_requested.connect(self.version_requested)

    def _copy_by_id(self, message_id: str) -> None:
        row = self.messages.find(message_id)
        if row is not None:
            self.copying.copy_message(row)

    def _show_menu_of(self, message_id: str) -> None:
        row = self.messages.find(message_id)
        if row is not None:
            popup_menu(self, row, self._actions_rect(row).bottomRight().toPoint())
