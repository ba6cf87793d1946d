"""The chat view: a scroll area that paints the messages of one list.

Only what can be seen is laid out. The view either sticks to the end, or keeps the message that is being read
where it is, whatever grows or changes its height around it.
"""

import logging

from PySide6.QtCore import QPoint, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QContextMenuEvent,
    QGuiApplication,
    QKeyEvent,
    QKeySequence,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QResizeEvent,
)
from PySide6.QtWidgets import QAbstractScrollArea, QFrame, QMenu, QToolButton, QWidget

from app.chat_view.coalescer import Coalescer
from app.chat_view.message_column import MessageColumn
from app.chat_view.text_flow import Selection
from app.lists.message_list import MessageList
from app.theme.theme import Theme

COLUMN_WIDTH = 760
SIDE_MARGIN = 24
JUMP_BUTTON_SIZE = 34
SETTLE_ROUNDS = 8  # laying out moves other rows into sight; each round shows at least one more exactly

log = logging.getLogger(__name__)


class ChatView(QAbstractScrollArea):
    """Shows a MessageList and lets text be selected and copied; changes nothing."""

    regenerate_requested = Signal(str)  # message id, as in all of these
    edit_requested = Signal(str)
    continue_requested = Signal(str)
    delete_requested = Signal(str)
    version_requested = Signal(str, int)  # one back or one forward

    def __init__(self, messages: MessageList, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._messages = messages
        self._theme = theme
        self._column = MessageColumn(messages, theme)
        self._changed_rows: set[int] = set()
        self._coalescer = Coalescer(self)
        self._coalescer.due.connect(self._flush)
        self._sticks = True
        self._anchor = (0, 0.0)  # a row, and how far the viewport's top is below that row's
        self._is_settling = False
        self._selected_row = -1
        self._selection: Selection | None = None
        self._pressed_at: int | None = None  # text position where a drag began
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName("Conversation")
        self.viewport().setMouseTracking(True)
        self._jump = self._make_jump_button()
        self.verticalScrollBar().valueChanged.connect(self._follow_scroll_bar)
        self.verticalScrollBar().setSingleStep(40)
        messages.modelReset.connect(self._reset)
        messages.rowsInserted.connect(self._append)
        messages.dataChanged.connect(lambda first, _last: self._note_change(first.row()))
        theme.changed.connect(self._dress)

    @property
    def sticks_to_end(self) -> bool:
        """Whether the view follows what is appended."""
        return self._sticks

    @property
    def selected_text(self) -> str:
        """What is selected."""
        if self._selection is None:
            return ""
        return self._column.layout(self._selected_row).selected_text(self._selection)

    def jump_to_end(self) -> None:
        """Show the end and follow it from now on."""
        self._sticks = True
        self._settle()

    def show_message(self, message_id: str) -> None:
        """Put the top of a message at the top of what can be seen."""
        row = self._messages.find(message_id)
        if row is not None:
            self._sticks = False
            self._anchor = (row, 0.0)
            self._settle()

    def copy_selection(self) -> None:
        """Put the selected text on the clipboard."""
        if self.selected_text:
            QGuiApplication.clipboard().setText(self.selected_text)

    def copy_message(self, row: int) -> None:
        """Put a whole message on the clipboard, as it was written."""
        QGuiApplication.clipboard().setText(self._messages.message(row).text)

    def menu_at(self, point: QPoint) -> QMenu | None:
        """What can be done with the message under a point of the viewport."""
        row = self._row_at(point.y())
        if row is None:
            return None
        menu = QMenu(self)
        copy = menu.addAction("Copy", QKeySequence(QKeySequence.StandardKey.Copy), self.copy_selection)
        copy.setVisible(self._selection is not None)
        menu.addAction("Copy message", lambda: self.copy_message(row))
        return menu

    # what the list says

    def _reset(self) -> None:
        self._changed_rows.clear()
        self._clear_selection()
        self._column.reset(self._column_width())
        self.jump_to_end()

    def _append(self) -> None:
        self._coalescer.flush_now()
        while self._column.num_rows < self._messages.rowCount():
            if self._messages.message(self._column.num_rows).role == "user":
                self._sticks = True
            self._column.append()
        self._settle()

    def _note_change(self, row: int) -> None:
        self._changed_rows.add(row)
        self._coalescer.request()

    def _flush(self) -> None:
        rows, self._changed_rows = self._changed_rows, set()
        for row in rows:
            self._column.change(row)
        if rows:
            self._settle()

    def _dress(self) -> None:
        self._jump.setIcon(self._theme.icons.icon("arrow-down", self._theme.tokens.text))
        self.viewport().update()

    # where what is

    def _settle(self) -> None:
        """Lay out what can be seen, and move the scroll bar to where that leaves the anchor."""
        height = self.viewport().height()
        top = self._wanted_top()
        for _ in range(SETTLE_ROUNDS):
            if not self._column.lay_out(top, top + height):
                break
            top = self._wanted_top()
        self._is_settling = True
        bar = self.verticalScrollBar()
        bar.setPageStep(height)
        bar.setRange(0, self._last_top())
        bar.setValue(top)
        self._is_settling = False
        self._keep_anchor(top)
        self._jump.setVisible(not self._sticks and self._last_top() - top > JUMP_BUTTON_SIZE)
        self.viewport().update()

    def _wanted_top(self) -> int:
        if self._sticks or not self._column.num_rows:
            return self._last_top()
        row, offset = self._anchor
        return min(max(round(self._column.top(row) + offset), 0), self._last_top())

    def _last_top(self) -> int:
        return max(round(self._column.height) - self.viewport().height(), 0)

    def _keep_anchor(self, top: int) -> None:
        if self._column.num_rows:
            row = self._column.anchor_row(top, top + self.viewport().height())
            self._anchor = (row, top - self._column.top(row))

    def _follow_scroll_bar(self, top: int) -> None:
        if self._is_settling:
            return
        self._sticks = top >= self._last_top()
        self._keep_anchor(top)
        self._settle()

    def _column_width(self) -> float:
        """The scroll bar lives in the margin, so that its coming and going moves nothing."""
        return max(min(COLUMN_WIDTH, self.width() - 2 * SIDE_MARGIN), 80)

    def _column_left(self) -> int:
        return round((self.width() - self._column_width()) / 2)

    def _row_at(self, y: int) -> int | None:
        column_y = y + self.verticalScrollBar().value()
        rows = self._column.rows_between(column_y, column_y + 1)
        return rows.start if rows and 0 <= column_y < self._column.height else None

    def _place_of(self, row: int) -> QPointF:
        """The top left corner of a message in the viewport."""
        return QPointF(self._column_left(), self._column.top(row) - self.verticalScrollBar().value())

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
        top = self.verticalScrollBar().value()
        for row in self._column.rows_between(top + clip.top(), top + clip.bottom()):
            selection = self._selection if row == self._selected_row else None
            self._column.layout(row).paint(painter, self._place_of(row), clip, selection)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Lay out to the new width; the message that is being read stays where it is."""
        super().resizeEvent(event)
        if self._column_width() != self._column.width:
            self._column.reset(self._column_width())
        self._jump.move(
            round((self.width() - JUMP_BUTTON_SIZE) / 2),
            self.viewport().height() - JUMP_BUTTON_SIZE - 10,
        )
        self._settle()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Begin a selection."""
        if event.button() != Qt.MouseButton.LeftButton:
            return
        self._clear_selection()
        row = self._row_at(event.position().toPoint().y())
        if row is not None:
            self._selected_row = row
            self._pressed_at = self._position_in(row, event.position())

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Extend the selection, or show whether there is text under the pointer."""
        point = event.position()
        if self._pressed_at is not None:
            position = self._position_in(self._selected_row, point)
            start, end = sorted((self._pressed_at, position))
            self._selection = Selection(start, end) if start < end else None
            self.viewport().update()
            return
        row = self._row_at(point.toPoint().y())
        is_on_text = row is not None and self._column.layout(row).text_rect.translated(
            self._place_of(row)
        ).contains(point)
        self.viewport().setCursor(Qt.CursorShape.IBeamCursor if is_on_text else Qt.CursorShape.ArrowCursor)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """End the selection."""
        if event.button() == Qt.MouseButton.LeftButton:
            self._pressed_at = None

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Select a word."""
        row = self._row_at(event.position().toPoint().y())
        if row is not None:
            self._selected_row = row
            self._selection = self._column.layout(row).word_at(self._position_in(row, event.position()))
            self.viewport().update()

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """Offer what can be done with the message."""
        menu = self.menu_at(event.pos())
        if menu is not None:
            menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
            menu.popup(event.globalPos())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Copy, select all of the message, go to the first and the last message; the rest is Qt's."""
        if event.matches(QKeySequence.StandardKey.Copy):
            self.copy_selection()
        elif event.matches(QKeySequence.StandardKey.SelectAll) and self._selected_row >= 0:
            self._selection = self._column.layout(self._selected_row).whole_text()
            self.viewport().update()
        elif event.key() == Qt.Key.Key_End:
            self.jump_to_end()
        elif event.key() == Qt.Key.Key_Home:
            self.verticalScrollBar().setValue(0)
        else:
            super().keyPressEvent(event)

    def _position_in(self, row: int, point: QPointF) -> int:
        return self._column.layout(row).position_at(point - self._place_of(row))

    def _clear_selection(self) -> None:
        self._selected_row = -1
        self._selection = None
        self._pressed_at = None
        self.viewport().update()

    def _make_jump_button(self) -> QToolButton:
        button = QToolButton(self.viewport())
        button.setObjectName("jumpToEnd")
        button.setAccessibleName("Jump to the end")
        button.setToolTip("Jump to the end")
        button.setIcon(self._theme.icons.icon("arrow-down", self._theme.tokens.text))
        button.setFixedSize(JUMP_BUTTON_SIZE, JUMP_BUTTON_SIZE)
        button.setCursor(Qt.CursorShape.PointingHandCursor)
        button.clicked.connect(self.jump_to_end)
        button.hide()
        return button
