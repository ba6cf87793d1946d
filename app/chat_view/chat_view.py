"""The chat view: a scroll area that paints the messages of one list.

Only what can be seen is laid out, and only what has changed is painted again. Shows, and says what is asked
for; changes nothing and opens nothing by itself.
"""

import logging
from pathlib import Path

from PySide6.QtCore import QPoint, QPointF, QRect, QRectF, Qt, QTimer, Signal
from PySide6.QtGui import (
    QColor,
    QContextMenuEvent,
    QGuiApplication,
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
from PySide6.QtWidgets import QAbstractScrollArea, QFrame, QMenu, QToolButton, QWidget

from app.chat_view.action_rows import ActionRows
from app.chat_view.block_layout import BlockLayout
from app.chat_view.coalescer import Coalescer
from app.chat_view.find_bar import FindBar
from app.chat_view.finder import Finder
from app.chat_view.formulas import Formulas, FormulaSetter
from app.chat_view.idle_work import IdleWork
from app.chat_view.inline_text import Link
from app.chat_view.keyboard import Keyboard
from app.chat_view.link_dialog import LinkDialog
from app.chat_view.link_policy import doubts, is_allowed
from app.chat_view.look import Look
from app.chat_view.message_column import MessageColumn
from app.chat_view.message_menu import make_menu
from app.chat_view.message_reader import MessageReader
from app.chat_view.pointer import Pointer
from app.chat_view.scroll_keeper import OPENING_S, READING_S, ScrollKeeper
from app.chat_view.selection import Selection
from app.chat_view.text_points import MessageMarks, TextPoint
from app.lists.message_list import MessageList
from app.theme.theme import Theme

COLUMN_WIDTH = 760
SIDE_MARGIN = 24
JUMP_BUTTON_SIZE = 34
COPIED_MS = 1500

log = logging.getLogger(__name__)


class ChatView(QAbstractScrollArea):
    """Shows a MessageList. What can be done with a message is asked for by its id."""

    regenerate_requested = Signal(str)  # message id, as in all of these
    edit_requested = Signal(str)
    continue_requested = Signal(str)
    delete_requested = Signal(str)
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
        self.keeper = ScrollKeeper(self.column, self.verticalScrollBar())
        self.selection = Selection(messages, self.column)
        self.finder = Finder(messages)
        self.current_row: int | None = None  # the message that the keyboard is at
        self._hovered_row: int | None = None
        self._changed_rows: set[int] = set()
        self._copied_code: BlockLayout | None = None
        self._coalescer = Coalescer(self)
        self._coalescer.due.connect(self._flush)
        self._pointer = Pointer(self)
        self._keyboard = Keyboard(self)
        self._idle = IdleWork(self)
        self._copied = QTimer(self, singleShot=True, interval=COPIED_MS)
        self._copied.timeout.connect(self._forget_copied)
        self._set_up_widgets()
        self._connect()
        if typesetter is not None:
            typesetter.typeset_ready.connect(self._note_formula)

    @property
    def sticks_to_end(self) -> bool:
        """Whether the view follows what is appended."""
        return self.keeper.sticks

    @property
    def selected_text(self) -> str:
        """What is selected, as it was written."""
        return self.selection.source()

    def jump_to_end(self) -> None:
        """Show the end and follow it from now on."""
        self.keeper.stick()
        self.keeper.settle()

    def show_message(self, message_id: str) -> None:
        """Put the top of a message at the top of what can be seen."""
        row = self.messages.find(message_id)
        if row is not None:
            self.keeper.begin_at(row)

    def copy_selection(self, *, is_plain: bool = False) -> None:
        """Put what is selected on the clipboard: as it was written, or as it is read."""
        text = self.selection.plain_text() if is_plain else self.selection.source()
        if text:
            QGuiApplication.clipboard().setText(text)

    def copy_message(self, row: int) -> None:
        """Put a whole message on the clipboard, as it was written."""
        message = self.messages.message(row)
        QGuiApplication.clipboard().setText(message.text)
        self.action_rows.flash_copied(message.id)

    def copy_code(self, code: BlockLayout) -> None:
        """Put the code of a block on the clipboard, and say so on its button for a moment."""
        QGuiApplication.clipboard().setText(code.text)
        self._forget_copied()
        self._copied_code = code
        code.show_copied(is_copied=True)
        self._copied.start()
        self.viewport().update()

    def toggle_reasoning(self, row: int) -> None:
        """Open or fold what a model thought."""
        self.keeper.hold(row)
        self.column.layout(row).toggle_reasoning()
        self.column.expect_change(row)
        self.selection.clear()
        self.refresh()

    def follow_link(self, link: Link, text: str) -> None:
        """Ask for an address to be opened; first ask the user about one that may not be what it seems."""
        if not is_allowed(link.target):
            return
        doubt = doubts(link.target, text)
        if doubt:
            dialog = LinkDialog(link.target, doubt, self)
            dialog.accepted.connect(lambda: self.link_clicked.emit(link.target))
            dialog.open()
        else:
            self.link_clicked.emit(link.target)

    def show_target(self, link: Link | None) -> None:
        """Say where the link under the pointer leads."""
        self.viewport().setToolTip(link.target if link is not None else "")

    def menu_at(self, point: QPoint) -> QMenu | None:
        """What can be done with the message under a point of the viewport."""
        found = self.place_in_message(QPointF(point))
        return make_menu(self, found[0]) if found is not None else None

    def open_reader(self, row: int) -> MessageReader:
        """Show a message as plain text."""
        reader = MessageReader(self.messages.message(row), self._theme, self)
        reader.open()
        return reader

    def show_find_bar(self) -> None:
        """Ask what to look for."""
        self.find_bar.show()
        self.find_bar.raise_()
        self.find_bar.field.setFocus()
        self.find_bar.field.selectAll()

    def select_row(self, row: int | None) -> None:
        """Move the keyboard to a message and show it."""
        self.current_row = row
        if row is not None:
            self.keeper.show_row(row, height=min(self.column.row_height(row), self.viewport().height()))
        self.refresh()

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
        return MessageMarks(self.selection.in_row(row), self.finder.in_row(row), self.finder.current_in(row))

    # what the list says

    def _reset(self) -> None:
        self._changed_rows.clear()
        self.selection.clear()
        self.current_row = self._hovered_row = None
        self._close_find_bar()
        self.column.set_width(self._column_width())
        self.column.reset()
        self.keeper.stick()
        self.keeper.forget()
        self.keeper.settle(OPENING_S)
        self._idle.start()

    def _append(self) -> None:
        self._coalescer.flush_now()
        while self.column.num_rows < self.messages.rowCount():
            if self.messages.message(self.column.num_rows).role == "user":
                self.keeper.stick()
            self.column.append()
        self.keeper.settle()
        self._idle.start()

    def _truncate(self) -> None:
        self._coalescer.flush_now()
        self.selection.clear()
        num_rows = self.messages.rowCount()
        self._changed_rows = {row for row in self._changed_rows if row < num_rows}
        self.current_row = self._hovered_row = None
        self.column.truncate(num_rows)
        self.refresh()

    def _note_change(self, first_row: int, last_row: int) -> None:
        if first_row == last_row:
            self._changed_rows.add(first_row)
            self._coalescer.request()
        else:
            self.viewport().update()  # only how they look

    def _flush(self) -> None:
        rows, self._changed_rows = self._changed_rows, set()
        self.keeper.take_changes(sorted(rows), READING_S)
        for row in rows:
            layout = self.column.laid_out().get(row)
            if layout is not None:
                top = int(self.keeper.place_of(row) + layout.take_changed_from()) - 2
                self.viewport().update(QRect(0, top, self.viewport().width(), self.viewport().height() - top))
        if any(self.messages.message(row).state != "streaming" for row in rows):
            self.viewport().update()
        self._idle.start()

    def _note_formula(self, _key: object) -> None:
        """A formula is ready: what shows its source is laid out again."""
        self.column.relayout()
        self.refresh()

    def _dress(self) -> None:
        self._look.forget_colours()
        self._jump.setIcon(self._theme.icons.icon("arrow-down", self._theme.tokens.text))
        self.column.reset()
        self.refresh()

    def _note_settled(self, moved_by: int | None) -> None:
        """Move what is painted already; paint all where that is not possible."""
        viewport = self.viewport()
        self._jump.setVisible(not self.keeper.sticks and self.keeper.distance_to_end > JUMP_BUTTON_SIZE)
        if moved_by is None or abs(moved_by) >= viewport.height():
            viewport.update()
        elif moved_by:
            viewport.scroll(0, moved_by)
        self._place_overlays()
        self._idle.start()

    def _place_overlays(self) -> None:
        viewport = self.viewport()
        self._jump.move(
            round((self.width() - JUMP_BUTTON_SIZE) / 2), viewport.height() - JUMP_BUTTON_SIZE - 10
        )
        self.find_bar.move(max(viewport.width() - self.find_bar.width() - 16, 4), 8)
        chosen = self._hovered_row if self._hovered_row is not None else self.current_row
        self.action_rows.place(self.rows_in_sight(), chosen)

    def _actions_rect(self, row: int) -> QRectF:
        return self.column.layout(row).actions_rect.translated(self.place_of(row))

    def _find(self, words: str) -> None:
        self.finder.find(words, self.rows_in_sight().start)
        self._show_match()

    def _step(self, by: int) -> None:
        self.finder.step(by)
        self._show_match()

    def _show_match(self) -> None:
        self.find_bar.show_count(self.finder.number, self.finder.count)
        match = self.finder.current
        if match is not None:
            layout = self.column.read_all(match.row)
            caret = layout.caret(layout.point_of_source(match.start, match.end))
            self.keeper.show_row(match.row, offset=caret.top(), height=caret.height())
        self.viewport().update()

    def _close_find_bar(self) -> None:
        if self.find_bar.isVisible():
            self.find_bar.hide()
            self.setFocus()
        self.finder.find("", 0)
        self.viewport().update()

    def _forget_copied(self) -> None:
        self._copied.stop()
        if self._copied_code is not None:
            self._copied_code.show_copied(is_copied=False)
            self._copied_code = None
            self.viewport().update()

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
        painter.fillRect(clip, QColor(self._theme.tokens.window))
        top = self.keeper.top
        for row in self.column.rows_between(top + clip.top(), top + clip.bottom()):
            place = self.place_of(row)
            is_dimmed = self.messages.is_dimmed(row)
            painter.setOpacity(0.5 if is_dimmed else 1.0)
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
        self._idle.start()

    def hideEvent(self, event: QHideEvent) -> None:
        """Do nothing while nobody looks."""
        super().hideEvent(event)
        self._idle.stop()
        self._forget_copied()
        self.action_rows.forget_copied()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Begin a selection."""
        self._pointer.press(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Extend the selection, or show what is under the pointer."""
        self._pointer.move(event)
        found = self.place_in_message(event.position())
        row = found[0] if found is not None else None
        if row != self._hovered_row and not self._pointer.is_selecting:
            self._hovered_row = row
            self._place_overlays()

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
        """Offer what can be done with the message."""
        menu = self.menu_at(event.pos())
        if menu is not None:
            menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
            menu.popup(event.globalPos())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Go through the messages, copy, search; the rest is Qt's."""
        if not self._keyboard.press(event):
            super().keyPressEvent(event)

    def _set_up_widgets(self) -> None:
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName("Conversation")
        self.verticalScrollBar().setSingleStep(40)
        viewport = self.viewport()
        viewport.setMouseTracking(True)
        viewport.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.action_rows = ActionRows(self.messages, self._theme, viewport, self._actions_rect)
        self.find_bar = FindBar(self._theme, viewport)
        self._jump = QToolButton(viewport)
        self._jump.setObjectName("jumpToEnd")
        self._jump.setAccessibleName("Jump to the end")
        self._jump.setToolTip("Jump to the end")
        self._jump.setIcon(self._theme.icons.icon("arrow-down", self._theme.tokens.text))
        self._jump.setFixedSize(JUMP_BUTTON_SIZE, JUMP_BUTTON_SIZE)
        self._jump.setCursor(Qt.CursorShape.PointingHandCursor)
        self._jump.hide()

    def _connect(self) -> None:
        messages = self.messages
        messages.modelReset.connect(self._reset)
        messages.rowsInserted.connect(self._append)
        messages.rowsRemoved.connect(self._truncate)
        messages.dataChanged.connect(lambda first, last: self._note_change(first.row(), last.row()))
        self._theme.changed.connect(self._dress)
        self._jump.clicked.connect(self.jump_to_end)
        self.keeper.settled.connect(self._note_settled)
        self.find_bar.words_changed.connect(self._find)
        self.find_bar.step_requested.connect(self._step)
        self.find_bar.closed.connect(self._close_find_bar)
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
            self.copy_message(row)

    def _show_menu_of(self, message_id: str) -> None:
        row = self.messages.find(message_id)
        if row is not None:
            menu = make_menu(self, row)
            menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
            menu.popup(self.viewport().mapToGlobal(self._actions_rect(row).bottomRight().toPoint()))
