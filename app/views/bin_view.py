"""The bin: what was deleted in the last thirty days, to be restored or deleted for good."""

from collections.abc import Callable

from PySide6.QtCore import QEvent, QModelIndex, QPersistentModelIndex, QPoint, QRect, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFontMetrics, QKeyEvent, QKeySequence, QPainter
from PySide6.QtWidgets import (
    QAbstractItemView,
    QApplication,
    QHBoxLayout,
    QLabel,
    QListView,
    QMenu,
    QMessageBox,
    QPushButton,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.escape_key import asks_for_escape
from app.lists.bin_list import BinList, BinRole
from app.theme.theme import Theme
from app.translation import tr

ROW_HEIGHT = 52
PADDING = 8

_Index = QModelIndex | QPersistentModelIndex


class BinView(QWidget):
    """Shows the list in place of the conversations, with what can be done below it."""

    closed = Signal()
    restore_requested = Signal(object)  # BinEntry
    remove_requested = Signal(object)  # BinEntry, for good
    empty_requested = Signal()

    def __init__(self, entries: BinList, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._entries = entries
        self._theme = theme
        self._back = QToolButton(self)
        theme.give_icon_size(self._back, 18)
        self._back.setAccessibleName(tr("Back to the chats"))
        self._back.setToolTip(tr("Back to the chats"))
        self._back.clicked.connect(self.closed)
        heading = QLabel(tr("Bin"), self)
        theme.give_font(heading, "strong")
        heading.setTextFormat(Qt.TextFormat.PlainText)
        self._list = QListView(self)
        self._list.setModel(entries)
        self._list.setItemDelegate(BinRow(theme, self._list))
        self._list.setAccessibleName(tr("Bin"))
        self._list.setUniformItemSizes(True)
        self._list.setMouseTracking(True)
        self._list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._list.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self._list.viewport().setAutoFillBackground(False)
        self._list.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self._list.customContextMenuRequested.connect(self._show_menu)
        self._list.activated.connect(lambda _index: self.restore_current())
        self._empty = QLabel(tr("What you delete stays here for thirty days."), self)
        self._empty.setTextFormat(Qt.TextFormat.PlainText)
        self._empty.setProperty("tone", "secondary")
        self._empty.setWordWrap(True)
        self._empty.setContentsMargins(8, 12, 8, 0)
        self._restore = self._button(tr("Restore"), self.restore_current)
        self._remove = self._button(tr("Delete for good"), self._ask_remove)
        self._clear = self._button(tr("Empty the bin"), self._ask_empty)
        self._lay_out(heading)
        self._list.selectionModel().currentChanged.connect(self._show_state)
        for signal in (entries.modelReset, entries.rowsRemoved):
            signal.connect(self._show_state)
        theme.changed.connect(self._dress)
        self._dress()
        self._show_state()

    def enter(self) -> None:
        """Take the focus, on the newest entry."""
        if self._entries.rowCount():
            self._list.setFocus()
            self._list.setCurrentIndex(self._entries.index(0))
        else:
            self._back.setFocus()

    def restore_current(self) -> None:
        """Ask for the entry that is marked."""
        entry = self._list.currentIndex().data(BinRole.ENTRY)
        if entry is not None:
            self.restore_requested.emit(entry)

    def menu_for(self, index: QModelIndex) -> QMenu:
        """What can be done with an entry."""
        icons, tokens = self._theme.icons, self._theme.tokens
        self._list.setCurrentIndex(index)
        menu = QMenu(self)
        menu.addAction(icons.icon("restore", tokens.text), tr("Restore"), self.restore_current)
        menu.addAction(icons.icon("delete", tokens.text), tr("Delete for good…"), self._ask_remove)
        return menu

    def event(self, event: QEvent) -> bool:
        """Escape is for this view before it is for the window."""
        if asks_for_escape(event):
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Escape goes back, Delete asks."""
        if event.key() == Qt.Key.Key_Escape:
            self.closed.emit()
        elif event.matches(QKeySequence.StandardKey.Delete):
            self._ask_remove()
        else:
            super().keyPressEvent(event)

    def _lay_out(self, heading: QLabel) -> None:
        top = QHBoxLayout()
        top.setSpacing(4)
        top.addWidget(self._back)
        top.addWidget(heading, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addLayout(top)
        layout.addWidget(self._empty)
        layout.addWidget(self._list, 1)
        for button in (self._restore, self._remove, self._clear):
            layout.addWidget(button)
        layout.addStretch(0)

    def _button(self, text: str, action: Callable[[], None]) -> QPushButton:
        button = QPushButton(text, self)
        button.setProperty("shape", "raised")
        button.setAccessibleName(text)
        button.clicked.connect(lambda _checked=False: action())
        return button

    def _ask_remove(self) -> None:
        entry = self._list.currentIndex().data(BinRole.ENTRY)
        if entry is not None and self._confirms(tr("Delete this for good? It cannot be brought back.")):
            self.remove_requested.emit(entry)

    def _ask_empty(self) -> None:
        if self._confirms(tr("Delete everything in the bin for good? It cannot be brought back.")):
            self.empty_requested.emit()

    def _confirms(self, question: str) -> bool:
        buttons = QMessageBox.StandardButton
        box = QMessageBox(QMessageBox.Icon.Warning, "Retort", question, parent=self.window())
        delete = box.addButton(tr("Delete"), QMessageBox.ButtonRole.DestructiveRole)
        box.setDefaultButton(box.addButton(buttons.Cancel))
        box.exec()
        return box.clickedButton() is delete

    def _show_menu(self, point: QPoint) -> None:
        index = self._list.indexAt(point)
        if index.isValid():
            menu = self.menu_for(index)
            menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
            menu.popup(self._list.viewport().mapToGlobal(point))

    def _show_state(self) -> None:
        has_entries = bool(self._entries.rowCount())
        is_marked = has_entries and self._list.currentIndex().isValid()
        self._list.setVisible(has_entries)
        self._empty.setVisible(not has_entries)
        self._clear.setVisible(has_entries and not is_marked)
        self._restore.setVisible(is_marked)
        self._remove.setVisible(is_marked)

    def _dress(self) -> None:
        self._back.setIcon(self._theme.icons.icon("back", self._theme.tokens.secondary))
        self._list.scheduleDelayedItemsLayout()  # rows are as high as their text


class BinRow(QStyledItemDelegate):
    """Two lines: what it was, and how long it stays."""

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self._theme = theme

    def sizeHint(self, _option: QStyleOptionViewItem, _index: _Index) -> QSize:
        """Every row is equally high."""
        return QSize(0, self._theme.scaled(ROW_HEIGHT))

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: _Index) -> None:
        """The background of the style sheet, then the lines."""
        fonts, tokens = self._theme.fonts, self._theme.tokens
        style = option.widget.style() if option.widget else QApplication.style()
        style.drawPrimitive(QStyle.PrimitiveElement.PE_PanelItemViewItem, option, painter, option.widget)
        inside = option.rect.adjusted(PADDING, PADDING - 1, -PADDING, -PADDING + 1)
        middle = inside.top() + inside.height() // 2
        upper = QRect(inside.left(), inside.top(), inside.width(), middle - inside.top())
        lower = QRect(inside.left(), middle, inside.width(), inside.bottom() - middle + 1)
        painter.save()
        for rect, font, colour, text in (
            (upper, fonts.interface, tokens.text, str(index.data())),
            (lower, fonts.small, tokens.secondary, str(index.data(BinRole.DETAIL))),
        ):
            painter.setFont(font)
            painter.setPen(QColor(colour))
            line = QFontMetrics(font).elidedText(text, Qt.TextElideMode.ElideRight, rect.width())
            painter.drawText(rect, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeading, line)
        painter.restore()
