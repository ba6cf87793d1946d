"""The main window: puts the parts side by side and maps keys and drops to what the application does."""

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QSize, Qt, QTimer, Signal
from PySide6.QtGui import (
    QAction,
    QActionGroup,
    QCloseEvent,
    QDragEnterEvent,
    QDropEvent,
    QKeyEvent,
    QKeySequence,
    QPaintEvent,
)
from PySide6.QtWidgets import (
    QFileDialog,
    QHBoxLayout,
    QMainWindow,
    QMenu,
    QStackedWidget,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.shortcuts import CommandId
from app.theme.theme import THEME_CHOICES, Theme, ThemeChoice
from app.translation import mark, tr
from app.views.chat_page import ChatPage
from app.views.model_picker import ModelPicker
from app.views.notice import Notice
from app.views.panel_frame import PanelFrame
from app.views.shortcut_sheet import ShortcutSheet
from app.views.sidebar import Sidebar
from app.views.sidebar_frame import SidebarFrame
from app.views.status_strip import StatusStrip
from app.views.tab_order import InOrder, move_focus
from app.views.window_commands import WindowCommands

DEFAULT_SIZE = QSize(1200, 820)
SMALLEST_SIZE = QSize(420, 360)
NARROW = 604  # a header below this has no room for the model's facts
HEADER_HEIGHT = 47
THEME_NAMES: dict[ThemeChoice, str] = {
    "system": mark("As the system"), "light": mark("Light"), "dark": mark("Dark"),
}  # fmt: skip


class MainWindow(QMainWindow):
    """Lays out and forwards; holds no state of its own but what is open."""

    first_painted = Signal()
    closed = Signal()
    model_file_chosen = Signal(str)
    new_requested = Signal()
    stop_requested = Signal()
    workbench_requested = Signal()
    library_requested = Signal()
    hub_requested = Signal()
    settings_requested = Signal(str)  # the section to show; empty for the one shown last

    def __init__(
        self,
        sidebar: Sidebar,
        picker: ModelPicker,
        page: ChatPage,
        strip: StatusStrip,
        theme: Theme,
        *,
        commands: WindowCommands,
    ) -> None:
        super().__init__()
        self.setWindowTitle("Retort")
        self.setAcceptDrops(True)
        self.resize(DEFAULT_SIZE)
        self.setMinimumSize(SMALLEST_SIZE)
        self.sidebar = sidebar
        self.picker = picker
        self.page = page
        self.strip = strip
        self.commands = commands
        self.frame = PanelFrame(page, theme, self)
        self.may_close: Callable[[], bool] = lambda: True
        self._theme = theme
        self._has_painted = False
        self._show_sidebar = self._header_button(tr("Show the conversations"), "toggle_sidebar")
        self._panel_button = self._header_button(tr("Settings of this chat"), "toggle_panel")
        self._panel_button.setCheckable(True)
        self.theme_menu = self._make_theme_menu()
        self.menu = commands.make_menu(self, self.theme_menu)
        self._more = self._header_button(tr("Menu"))
        self.menu.setAccessibleName(tr("Menu"))
        self._more.setMenu(self.menu)
        self._more.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self._pages = QStackedWidget(self)
        self._pages.addWidget(self.frame)
        self.banner = Notice(theme, self)  # of what concerns every page
        self.banner.setProperty("place", "above")
        self._lay_out()
        self._wire()
        theme.changed.connect(self._dress)
        commands.shortcuts.changed.connect(self._dress)
        self._dress()

    @property
    def shows_sidebar(self) -> bool:
        """Whether the list of conversations is open."""
        return self.sidebar_frame.is_shown

    @property
    def shows_chat(self) -> bool:
        """Whether the chat is shown, and no other page in its place."""
        return self._pages.currentIndex() == 0

    def toggle_sidebar(self) -> None:
        """Open or hide the list of conversations."""
        self.sidebar_frame.toggle()

    def show_page(self, page: QWidget) -> None:
        """Show another page in place of the chat."""
        if self._pages.indexOf(page) < 0:
            self._pages.addWidget(page)
        self._pages.setCurrentWidget(page)
        page.setFocus()

    def show_chat(self) -> None:
        """Show the chat again, and nothing over it."""
        self._pages.setCurrentIndex(0)
        self.sidebar_frame.leave()
        self.page.composer.setFocus()

    def go_back(self) -> None:
        """What Esc means: close what lies over the page, leave the page, else stop the answer."""
        if self.sidebar_frame.covers_rest:
            self.sidebar_frame.leave()
        elif not self.shows_chat:
            self.show_chat()
        elif self.frame.covers_chat:
            self.frame.toggle()
        else:
            self.stop_requested.emit()

    def ask_for_model_file(self) -> None:
        """Let the user pick a model file."""
        dialog = QFileDialog(self, tr("Open a model"), "", tr("Model files (*.gguf)"))
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(self.model_file_chosen)
        dialog.open()

    def ask_for_model_folder(self) -> None:
        """Let the user pick the folder of a checkpoint."""
        dialog = QFileDialog(self, tr("Open a model folder"))
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(self.open_model_folder)
        dialog.open()

    def open_model_folder(self, path: str) -> None:
        """Use the checkpoint in a folder, or say that there is none."""
        if is_model_folder(path):
            self.model_file_chosen.emit(path)
        else:
            self.page.notice.show_error(
                tr(
                    "There is no model in “{name}”: a model folder has a config.json and .safetensors files "
                    "in it.",
                    name=Path(path).name,
                )
            )

    def ask_for_text_files(self) -> None:
        """Let the user pick files whose text goes with the next message."""
        dialog = QFileDialog(self, tr("Attach text files"))
        dialog.setFileMode(QFileDialog.FileMode.ExistingFiles)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.filesSelected.connect(self.page.composer.attach_files)
        dialog.open()

    def show_shortcuts(self) -> None:
        """Show the sheet of keyboard shortcuts."""
        sheet = ShortcutSheet(self.commands.shortcuts, self._theme, self)
        sheet.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        sheet.change_requested.connect(lambda: self.settings_requested.emit("shortcuts"))
        sheet.open()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Tell once that the window can be seen."""
        super().paintEvent(event)
        if not self._has_painted:
            self._has_painted = True
            QTimer.singleShot(0, self.first_painted.emit)

    def closeEvent(self, event: QCloseEvent) -> None:
        """Tell that the user is done, unless something would be lost by it."""
        if not self.may_close():
            event.ignore()
            return
        super().closeEvent(event)
        self.closed.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Whatever is typed or pasted outside a field goes into the composer."""
        modifiers = event.modifiers() & ~(
            Qt.KeyboardModifier.ShiftModifier | Qt.KeyboardModifier.KeypadModifier
        )
        is_text = event.text().strip() and event.text().isprintable() and not modifiers
        is_paste = event.matches(QKeySequence.StandardKey.Paste)
        if not self.shows_chat or not (is_text or is_paste):
            super().keyPressEvent(event)
            return
        self.page.composer.setFocus()
        if is_paste:
            self.page.composer.field.paste_clipboard()
        else:
            self.page.composer.field.insertPlainText(event.text())

    def focusNextPrevChild(self, forward: bool) -> bool:
        """Tab goes from the sidebar over the header to the page that is shown, and back."""
        page = self._pages.currentWidget()
        in_page = page.in_order if isinstance(page, InOrder) else ()
        header = (self._show_sidebar, self.picker, self._panel_button, self._more)
        return move_focus((self.sidebar, *header, self.banner, *in_page), forward=forward)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Take a model file or folder, or text files."""
        if _dropped_files(event):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """Open the model file or folder that was dropped; attach other files."""
        paths = _dropped_files(event)
        if not paths:
            return
        event.acceptProposedAction()
        models = [path for path in paths if is_model_folder(path) or Path(path).suffix.lower() == ".gguf"]
        if models:
            self.model_file_chosen.emit(models[0])
        else:
            self.show_chat()
            self.page.composer.attach_files(paths)

    def _lay_out(self) -> None:
        self._header = QWidget(self)
        self._header.setObjectName("header")
        self._header.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        across = QHBoxLayout(self._header)
        across.setContentsMargins(16, 0, 16, 1)
        across.setSpacing(8)
        across.addWidget(self._show_sidebar)
        across.addWidget(self.picker, 1)
        across.addWidget(self._panel_button)
        across.addWidget(self._more)
        rest = QWidget(self)
        right = QVBoxLayout(rest)
        right.setContentsMargins(0, 0, 0, 0)
        right.setSpacing(0)
        right.addWidget(self._header)
        right.addWidget(self.banner)
        right.addWidget(self._pages, 1)
        right.addWidget(self.strip)
        self.sidebar_frame = SidebarFrame(self.sidebar, rest, self._theme, self)
        self.setCentralWidget(self.sidebar_frame)

    def _wire(self) -> None:
        commands, theme = self.commands, self._theme
        commands.add_to(self)
        self.sidebar.collapse_requested.connect(self.toggle_sidebar)
        self.sidebar_frame.toggled.connect(self._fit_header)
        self.sidebar.new_requested.connect(self._new_chat)
        self.sidebar.workbench_requested.connect(self.workbench_requested)
        self.sidebar.library_requested.connect(self.library_requested)
        self.picker.file_requested.connect(self.ask_for_model_file)
        self.picker.folder_requested.connect(self.ask_for_model_folder)
        self.page.empty_state.model_folder_requested.connect(self.ask_for_model_folder)
        self.page.composer.attach_requested.connect(self.ask_for_text_files)
        self.page.empty_state.model_file_requested.connect(self.ask_for_model_file)
        self.frame.toggled.connect(self._panel_button.setChecked)
        self._panel_button.clicked.connect(self._toggle_panel)
        self._show_sidebar.clicked.connect(self.toggle_sidebar)
        does = {
            "new_chat": self._new_chat,
            "search": self._search,
            "attach": self.ask_for_text_files,
            "stop": self.go_back,
            "choose_model": self.picker.open_popup,
            "open_model": self.ask_for_model_file,
            "open_model_folder": self.ask_for_model_folder,
            "workbench": self.workbench_requested.emit,
            "library": self.library_requested.emit,
            "hub": self.hub_requested.emit,
            "toggle_sidebar": self.toggle_sidebar,
            "toggle_panel": self._toggle_panel,
            "larger_text": lambda: theme.step_font_scale(1),
            "smaller_text": lambda: theme.step_font_scale(-1),
            "normal_text": lambda: theme.choose_font_scale(100),
            "full_screen": lambda: self.setWindowState(self.windowState() ^ Qt.WindowState.WindowFullScreen),
            "settings": lambda: self.settings_requested.emit(""),
            "shortcuts": self.show_shortcuts,
            "log": lambda: self.settings_requested.emit("log"),
            "quit": self.close,
        }
        for action in self.actions():
            if action.objectName() in does:
                action.triggered.connect(does[action.objectName()])

    def _new_chat(self) -> None:
        self.show_chat()
        self.new_requested.emit()

    def _search(self) -> None:
        if not self.shows_sidebar:
            self.toggle_sidebar()
        self.sidebar.focus_search()

    def _toggle_panel(self) -> None:
        self.show_chat()
        self.frame.toggle()

    def _fit_header(self) -> None:
        self._show_sidebar.setVisible(not self.shows_sidebar)
        self.picker.set_narrow(self.sidebar_frame.rest_width < self._theme.scaled(NARROW))

    def _header_button(self, name: str, command_id: CommandId | None = None) -> QToolButton:
        button = QToolButton(self)
        button.setAccessibleName(name)
        button.setProperty("command", command_id)
        self._theme.give_icon_size(button, 20)
        return button

    def _make_theme_menu(self) -> QMenu:
        menu = QMenu(tr("Theme"), self)
        group = QActionGroup(menu)
        for choice in THEME_CHOICES:
            action = QAction(tr(THEME_NAMES[choice]), menu, checkable=True)
            action.setData(choice)
            action.triggered.connect(lambda _checked=False, choice=choice: self._theme.choose(choice))
            group.addAction(action)
            menu.addAction(action)
        return menu

    def _dress(self) -> None:
        icons, tokens = self._theme.icons, self._theme.tokens
        self._header.setFixedHeight(self._theme.scaled(HEADER_HEIGHT))
        for button, icon in (
            (self._show_sidebar, "sidebar"), (self._panel_button, "sliders"), (self._more, "more"),
        ):  # fmt: skip
            button.setIcon(icons.icon(icon, tokens.secondary))
            name, command_id = button.accessibleName(), button.property("command")
            button.setToolTip(self.commands.shortcuts.hint(command_id, name) if command_id else name)
        for action in self.theme_menu.actions():
            action.setChecked(action.data() == self._theme.choice)


def _dropped_files(event: QDropEvent) -> list[str]:
    """The paths in a drop; empty where there is anything but files and models of this computer."""
    paths = [url.toLocalFile() for url in event.mimeData().urls()]
    return paths if all(path and (Path(path).is_file() or is_model_folder(path)) for path in paths) else []


def is_model_folder(path: str) -> bool:
    """Whether a folder looks like a checkpoint; what is wrong with it the engine says when it reads it."""
    return (Path(path) / "config.json").is_file()
