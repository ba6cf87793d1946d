"""The conversations in the sidebar: one click opens, the context menu does the rest."""

from functools import partial

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QPoint, QSize, Qt, Signal
from PySide6.QtGui import QColor, QIcon, QKeyEvent, QKeySequence, QPainter, QPalette
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
from app.translation import tr

ROW_HEIGHT = 36  # of headings too: a list of equally high rows is laid out without asking each
INDENT = 18  # of a conversation below its folder

_Index = QModelIndex | QPersistentModelIndex


class ConversationView(QListView):
    """F2 renames, Delete deletes; letters that are typed are left to the window."""

    opened = Signal(str)  # conversation id
    delete_requested = Signal(str)
    export_requested = Signal(str, str)  # conversation id; md or json
    new_folder_requested = Signal(str)  # conversation id to put into it

    def __init__(self, conversations: ConversationList, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._conversations = conversations
        self._theme = theme
        self._current_id = ""
        self.setModel(conversations)
        self.setItemDelegate(ConversationRow(theme, self))
        self.setAccessibleName(tr("Conversations"))
        self.setUniformItemSizes(True)
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
        header = self._conversations.header(conversation_id)
        menu = QMenu(self)
        menu.addAction(icons.icon("rename", colour), tr("Rename"), lambda: self.edit_title(conversation_id))
        menu.addAction(
            icons.icon("pin", colour),
            tr("Unpin") if header.is_pinned else tr("Pin"),
            lambda: self._conversations.set_pinned(conversation_id, not header.is_pinned),
        )
        menu.addMenu(self._folder_menu(conversation_id, menu))
        export = QMenu(tr("Export"), menu)
        export.setIcon(icons.icon("export", colour))
        for name, kind in (("Markdown…", "md"), ("JSON…", "json")):
            export.addAction(name, partial(self.export_requested.emit, conversation_id, kind))
        menu.addMenu(export)
        menu.addSeparator()
        menu.addAction(
            icons.icon("delete", colour), tr("Delete"), lambda: self.delete_requested.emit(conversation_id)
        )
        return menu

    def menu_for_folder(self, folder_id: str) -> QMenu:
        """What can be done with a folder."""
        icons, colour = self._theme.icons, self._theme.tokens.text
        menu = QMenu(self)
        menu.addAction(icons.icon("rename", colour), tr("Rename"), lambda: self.edit_title(folder_id))
        menu.addAction(
            icons.icon("delete", colour),
            tr("Remove the folder, keep its chats"),
            lambda: self._conversations.remove_folder(folder_id),
        )
        return menu

    def edit_title(self, conversation_id: str) -> None:
        """Let the user type another title, or name of a folder, into the row."""
        row = self._conversations.row_of(conversation_id)
        self.scrollTo(row)
        self.edit(row)

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
        elif folder_id := index.data(ConversationRole.FOLDER_ID):
            self._conversations.toggle_folder(folder_id)

    def _show_menu(self, point: QPoint) -> None:
        index = self.indexAt(point)
        if conversation_id := index.data(ConversationRole.ID):
            menu = self.menu_for(conversation_id)
        elif folder_id := index.data(ConversationRole.FOLDER_ID):
            menu = self.menu_for_folder(folder_id)
        else:
            return
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.popup(self.viewport().mapToGlobal(point))

    def _folder_menu(self, conversation_id: str, parent: QMenu) -> QMenu:
        here = self._conversations.header(conversation_id).folder_id
        menu = QMenu(tr("Move to folder"), parent)
        menu.setIcon(self._theme.icons.icon("open", self._theme.tokens.text))
        for folder in self._conversations.folders:
            action = menu.addAction(folder.name.replace("&", "&&"))
            action.setCheckable(True)
            action.setChecked(folder.id == here)
            action.triggered.connect(partial(self._move, conversation_id, folder.id))
        if here is not None:
            menu.addAction(tr("No folder"), partial(self._move, conversation_id, ""))
        menu.addSeparator()
        menu.addAction(tr("New folder"), partial(self.new_folder_requested.emit, conversation_id))
        return menu

    def _move(self, conversation_id: str, folder_id: str, _checked: bool = False) -> None:
        self._conversations.move(conversation_id, folder_id)

    def _mark_current(self) -> None:
        self.setCurrentIndex(self._conversations.row_of(self._current_id))


class ConversationRow(QStyledItemDelegate):
    """Gives headings, folders and titles their font and icon; the style sheet does the rest."""

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self._theme = theme

    def sizeHint(self, _option: QStyleOptionViewItem, _index: _Index) -> QSize:
        """Every row is equally high."""
        return QSize(0, ROW_HEIGHT)

    def updateEditorGeometry(self, editor: QWidget, option: QStyleOptionViewItem, _index: _Index) -> None:
        """A title is typed over the whole row."""
        editor.setGeometry(option.rect.adjusted(0, 2, 0, -2))

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: _Index) -> None:
        """A conversation inside a folder begins further right, its background does not."""
        super().paint(painter, option, index)
        if index.data(ConversationRole.FOLDER_ID):
            name = "chevron-down" if index.data(ConversationRole.IS_OPEN) else "chevron-right"
            side = 16
            top = option.rect.top() + (option.rect.height() - side) // 2
            icon = self._theme.icons.icon(name, self._theme.tokens.secondary)
            icon.paint(painter, option.rect.right() - side - 6, top, side, side)

    def initStyleOption(self, option: QStyleOptionViewItem, index: _Index) -> None:
        """Headings are small and grey; a title is one line whatever it contains."""
        super().initStyleOption(option, index)
        fonts, tokens = self._theme.fonts, self._theme.tokens
        is_heading = bool(index.data(ConversationRole.IS_HEADING))
        option.font = fonts.heading if is_heading else fonts.interface
        option.text = " ".join(str(index.data()).split())
        if index.data(ConversationRole.FOLDER_ID):
            option.features |= QStyleOptionViewItem.ViewItemFeature.HasDecoration
            option.icon = self._theme.icons.icon("open", tokens.secondary)
            option.decorationSize = QSize(16, 16)
        elif index.data(ConversationRole.IS_INSIDE):
            option.features |= QStyleOptionViewItem.ViewItemFeature.HasDecoration
            option.icon = (
                QIcon()
            )  # nothing in the place of the folder's icon: the title stands under its name
            option.decorationSize = QSize(INDENT, 16)
        colour = QColor(tokens.secondary if is_heading else tokens.text)
        option.palette.setColor(QPalette.ColorRole.Text, colour)
        option.palette.setColor(QPalette.ColorRole.HighlightedText, colour)
