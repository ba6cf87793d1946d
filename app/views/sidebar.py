"""The sidebar: a new chat, the search, the list of conversations or what takes its place, and the bin."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QMenu,
    QPushButton,
    QStackedWidget,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.theme.theme import Theme
from app.translation import tr
from app.views.bin_view import BinView
from app.views.results_view import ResultsView
from app.views.search_field import SearchField


class Sidebar(QWidget):
    """Lays out; the lists are put in when there are some."""

    new_requested = Signal()
    collapse_requested = Signal()
    bin_requested = Signal()
    library_requested = Signal()
    workbench_requested = Signal()
    import_requested = Signal()
    export_requested = Signal()  # of everything
    folder_requested = Signal()  # a new one

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("sidebar")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._theme = theme
        self._collapse = self._tool_button(tr("Hide the conversations"), tr("Hide the conversations"))
        self._collapse.clicked.connect(self.collapse_requested)
        self._more = self._tool_button(tr("More"), tr("Folders, export and import"))
        self._more.clicked.connect(self._show_more)
        self._new = QPushButton(f"  {tr('New chat')}", self)  # Qt has no other gap between icon and text
        self._new.setProperty("shape", "raised")
        self._new.setAccessibleName(tr("New chat"))
        self._new.setToolTip(tr("New chat"))
        self._new.clicked.connect(self.new_requested)
        self.search = SearchField(theme, self)
        self._pages = QStackedWidget(self)
        self._pages.addWidget(QWidget())  # keeps the place until there is a list
        self._models = QPushButton(f"  {tr('Models')}", self)
        self._models.setProperty("shape", "entry")
        self._models.setAccessibleName(tr("Models"))
        self._models.clicked.connect(self.library_requested)
        self._workbench = QPushButton(f"  {tr('Workbench')}", self)
        self._workbench.setProperty("shape", "entry")
        self._workbench.setAccessibleName(tr("Workbench"))
        self._workbench.clicked.connect(self.workbench_requested)
        self._bin_button = QPushButton(f"  {tr('Bin')}", self)
        self._bin_button.setProperty("shape", "entry")
        self._bin_button.setAccessibleName(tr("Bin"))
        self._bin_button.clicked.connect(self.bin_requested)
        for button in (self._new, self._models, self._workbench, self._bin_button):
            theme.give_icon_size(button, 18)
        self._list: QWidget | None = None
        self._results: ResultsView | None = None
        self._bin: BinView | None = None
        self._lay_out()
        theme.changed.connect(self._dress)
        self._dress()

    def set_list(self, view: QWidget) -> None:
        """Put the list of conversations in its place."""
        self._list = view
        self._pages.addWidget(view)
        self.show_list()

    def set_results(self, view: ResultsView) -> None:
        """Take what shows the results of a search while there is something in the field."""
        self._results = view
        self._pages.addWidget(view)
        view.left_up.connect(self.focus_search)
        self.search.left_down.connect(view.enter)
        self.search.entered.connect(view.choose_first)
        self.search.left.connect(self.show_list)
        self.search.textChanged.connect(self._follow_search)

    def set_bin(self, view: BinView) -> None:
        """Take what shows the bin."""
        self._bin = view
        self._pages.addWidget(view)
        view.closed.connect(self._leave_bin)

    def focus_search(self) -> None:
        """Let the user type what to search for."""
        self.search.setFocus()
        self.search.selectAll()

    def show_list(self) -> None:
        """Show the conversations."""
        if self._list is not None:
            self._pages.setCurrentWidget(self._list)

    def show_bin(self) -> None:
        """Show the bin in place of the conversations."""
        if self._bin is not None:
            self.search.clear()
            self._pages.setCurrentWidget(self._bin)
            self._bin.enter()

    def show_downloads(self, number: int, fraction: float) -> None:
        """Say beside the entry of the models how far what is fetched is."""
        progress = f" · {round(100 * fraction)} %" if number else ""
        self._models.setText(f"  {tr('Models')}{progress}")
        words = tr("Downloading, {percent} %", percent=round(100 * fraction)) if number else ""
        self._models.setAccessibleDescription(words)
        self._models.setToolTip(words)

    def more_menu(self) -> QMenu:
        """What concerns all conversations."""
        icons, colour = self._theme.icons, self._theme.tokens.text
        menu = QMenu(self)
        menu.addAction(icons.icon("folder-new", colour), tr("New folder"), self.folder_requested.emit)
        menu.addSeparator()
        menu.addAction(icons.icon("export", colour), tr("Export all chats…"), self.export_requested.emit)
        menu.addAction(icons.icon("import", colour), tr("Import chats…"), self.import_requested.emit)
        return menu

    def _follow_search(self, words: str) -> None:
        if words.strip() and self._results is not None:
            self._pages.setCurrentWidget(self._results)
        elif self._pages.currentWidget() is self._results:
            self.show_list()

    def _leave_bin(self) -> None:
        self.show_list()
        self._bin_button.setFocus()

    def _show_more(self) -> None:
        menu = self.more_menu()
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.popup(self._more.mapToGlobal(self._more.rect().bottomLeft()))

    def _lay_out(self) -> None:
        wordmark = QLabel("Retort", self)
        wordmark.setObjectName("wordmark")
        top = QHBoxLayout()
        top.setContentsMargins(2, 0, 0, 0)
        top.addWidget(wordmark)
        top.addStretch()
        top.addWidget(self._more)
        top.addWidget(self._collapse)
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 8, 12, 8)
        column.setSpacing(8)
        column.addLayout(top)
        column.addWidget(self._new)
        column.addWidget(self.search)
        column.addWidget(self._pages, 1)
        column.addWidget(self._models)
        column.addWidget(self._workbench)
        column.addWidget(self._bin_button)

    def _tool_button(self, name: str, tip: str) -> QToolButton:
        button = QToolButton(self)
        button.setAccessibleName(name)
        button.setToolTip(tip)
        self._theme.give_icon_size(button, 20)
        return button

    def _dress(self) -> None:
        icons, tokens = self._theme.icons, self._theme.tokens
        self._collapse.setIcon(icons.icon("sidebar", tokens.secondary))
        self._more.setIcon(icons.icon("more", tokens.secondary))
        self._new.setIcon(icons.icon("new-chat", tokens.text))
        self._models.setIcon(icons.icon("model", tokens.secondary))
        self._bin_button.setIcon(icons.icon("delete", tokens.secondary))
        self._workbench.setIcon(icons.icon("workbench", tokens.secondary))
