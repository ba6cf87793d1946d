"""The conversations in the sidebar: one click opens, the context menu renames and deletes."""

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QPoint, QSize, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QKeySequence, QPalette
from PySide6.QtWidgets import (
    QAbstractItemView,
    QListView,
    QMenu,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QWidget,
)

from app.lists.conversation_list import ConversationList, ConversationRole
from app.theme.theme import Theme

ROW_HEIGHT, HEADING_HEIGHT = 36, 34

_Index = QModelIndex | QPersistentModelIndex


class ConversationView(QListView):
    """F2 renames, Delete deletes; letters that are typed are left to the window."""

    opened = Signal(str)  # conversation id
    delete_requested = Signal(str)

    def __init__(self, conversations: ConversationList, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._conversations = conversations
        self._theme = theme
        self._current_id = ""
        self.setModel(conversations)
        self.setItemDelegate(ConversationRow(theme, self))
        self.setAccessibleName("Conversations")
        self.setMouseTracking(True)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setEditTriggers(QAbstractItemView.EditTrigger.EditKeyPressed)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.customContextMenuRequested.connect(self._show_menu)
        self.viewport().setAutoFillBackground(False)
        self.clicked.connect(self._open)
        self.activated.connect(self._open)
        conversations.rowsInserted.connect(self._mark_current)
        conversations.rowsRemoved.connect(self._mark_current)

    def set_current(self, conversation_id: str) -> None:
        """Mark the conversation that is shown; an id that is not listed yet is marked once it is."""
        self._current_id = conversation_id
        self._mark_current()

    def menu_for(self, conversation_id: str) -> QMenu:
        """What can be done with a conversation."""
        icons, colour = self._theme.icons, self._theme.tokens.text
        menu = QMenu(self)
        menu.addAction(icons.icon("rename", colour), "Rename", lambda: self.edit_title(conversation_id))
        menu.addAction(
            icons.icon("delete", colour), "Delete", lambda: self.delete_requested.emit(conversation_id)
        )
        return menu

    def edit_title(self, conversation_id: str) -> None:
        """Let the user type another title into the row."""
        self.edit(self._conversations.row_of(conversation_id))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Delete and the keys that move; anything printable goes on to the window."""
        conversation_id = self.currentIndex().data(ConversationRole.ID)
        if event.matches(QKeySequence.StandardKey.Delete) and conversation_id:
            self.delete_requested.emit(conversation_id)
        elif event.text().isprintable() and event.text():
            event.ignore()
        else:
            super().keyPressEvent(event)

    def _open(self, index: QModelIndex) -> None:
        if conversation_id := index.data(ConversationRole.ID):
            self.opened.emit(conversation_id)

    def _show_menu(self, point: QPoint) -> None:
        if conversation_id := self.indexAt(point).data(ConversationRole.ID):
            menu = self.menu_for(conversation_id)
            menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
            menu.popup(self.viewport().mapToGlobal(point))

    def _mark_current(self) -> None:
        self.setCurrentIndex(self._conversations.row_of(self._current_id))


class ConversationRow(QStyledItemDelegate):
    """Gives headings and titles their height and font; the style sheet does the rest."""

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self._theme = theme

    def sizeHint(self, _option: QStyleOptionViewItem, index: _Index) -> QSize:
        """Every row of a kind is equally high."""
        return QSize(0, HEADING_HEIGHT if index.data(ConversationRole.IS_HEADING) else ROW_HEIGHT)

    def updateEditorGeometry(self, editor: QWidget, option: QStyleOptionViewItem, _index: _Index) -> None:
        """A title is typed over the whole row."""
        editor.setGeometry(option.rect.adjusted(0, 2, 0, -2))

    def initStyleOption(self, option: QStyleOptionViewItem, index: _Index) -> None:
        """Headings are small and grey; a title is one line whatever it contains."""
        super().initStyleOption(option, index)
        fonts, tokens = self._theme.fonts, self._theme.tokens
        is_heading = bool(index.data(ConversationRole.IS_HEADING))
        option.font = fonts.heading if is_heading else fonts.interface
        option.text = " ".join(str(index.data()).split())
        colour = QColor(tokens.secondary if is_heading else tokens.text)
        option.palette.setColor(QPalette.ColorRole.Text, colour)
        option.palette.setColor(QPalette.ColorRole.HighlightedText, colour)
