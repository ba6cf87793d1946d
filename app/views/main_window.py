"""The main window: puts the parts side by side and maps keys and drops to what the application does."""

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
    QResizeEvent,
    QShortcut,
)
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QMainWindow, QMenu, QToolButton, QVBoxLayout, QWidget

from app.theme.theme import THEME_CHOICES, Theme, ThemeChoice
from app.views.chat_page import ChatPage
from app.views.model_picker import ModelPicker
from app.views.sidebar import Sidebar
from app.views.status_strip import StatusStrip

DEFAULT_SIZE = QSize(1200, 820)
NARROW = 860  # below this the sidebar or the model's facts take too much
HEADER_HEIGHT = 47
THEME_NAMES: dict[ThemeChoice, str] = {"system": "As the system", "light": "Light", "dark": "Dark"}


class MainWindow(QMainWindow):
    """Lays out and forwards; holds no state of its own but what is open."""

    first_painted = Signal()
    closed = Signal()
    model_file_chosen = Signal(str)
    new_requested = Signal()
    stop_requested = Signal()

    def __init__(
        self, sidebar: Sidebar, picker: ModelPicker, page: ChatPage, strip: StatusStrip, theme: Theme
    ) -> None:
        super().__init__()
        self.setWindowTitle("Retort")
        self.setAcceptDrops(True)
        self.resize(DEFAULT_SIZE)
        self.sidebar = sidebar
        self.picker = picker
        self.page = page
        self.strip = strip
        self._theme = theme
        self._has_painted = False
        self._show_sidebar = self._header_button("Show the conversations", "Show the conversations (Ctrl+B)")
        self._show_sidebar.clicked.connect(self.toggle_sidebar)
        self._show_sidebar.setVisible(False)
        self.theme_menu = self._make_theme_menu()
        self._theme_button = self._header_button("Theme", "Light or dark")
        self._theme_button.setMenu(self.theme_menu)
        self._theme_button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self._lay_out()
        sidebar.collapse_requested.connect(self.toggle_sidebar)
        sidebar.new_requested.connect(self.new_requested)
        picker.file_requested.connect(self.ask_for_model_file)
        for keys, action in (
            (QKeySequence(QKeySequence.StandardKey.New), self.new_requested.emit),
            (QKeySequence(QKeySequence.StandardKey.Open), self.ask_for_model_file),
            (QKeySequence("Ctrl+B"), self.toggle_sidebar),
            (QKeySequence(Qt.Key.Key_Escape), self.stop_requested.emit),
        ):
            QShortcut(keys, self, action)
        theme.changed.connect(self._dress)
        self._dress()

    @property
    def shows_sidebar(self) -> bool:
        """Whether the list of conversations is open."""
        return not self.sidebar.isHidden()

    def toggle_sidebar(self) -> None:
        """Open or hide the list of conversations."""
        self.sidebar.setVisible(not self.shows_sidebar)
        self._show_sidebar.setVisible(not self.shows_sidebar)
        self._fit_header()

    def ask_for_model_file(self) -> None:
        """Let the user pick a model file."""
        dialog = QFileDialog(self, "Open a model", "", "Model files (*.gguf)")
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(self.model_file_chosen)
        dialog.open()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Tell once that the window can be seen."""
        super().paintEvent(event)
        if not self._has_painted:
            self._has_painted = True
            QTimer.singleShot(0, self.first_painted.emit)

    def closeEvent(self, event: QCloseEvent) -> None:
        """Tell that the user is done."""
        super().closeEvent(event)
        self.closed.emit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Leave out what has no room."""
        super().resizeEvent(event)
        self._fit_header()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Whatever is typed outside a field goes into the composer."""
        modifiers = event.modifiers() & ~(
            Qt.KeyboardModifier.ShiftModifier | Qt.KeyboardModifier.KeypadModifier
        )
        if event.text().strip() and event.text().isprintable() and not modifiers:
            self.page.composer.setFocus()
            self.page.composer.field.insertPlainText(event.text())
        else:
            super().keyPressEvent(event)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Take a model file."""
        if _model_file(event):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """Open the model file that was dropped."""
        if path := _model_file(event):
            event.acceptProposedAction()
            self.model_file_chosen.emit(path)

    def _lay_out(self) -> None:
        header = QWidget(self)
        header.setObjectName("header")
        header.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        header.setFixedHeight(HEADER_HEIGHT)
        across = QHBoxLayout(header)
        across.setContentsMargins(16, 0, 16, 1)
        across.setSpacing(8)
        across.addWidget(self._show_sidebar)
        across.addWidget(self.picker, 1)
        across.addWidget(self._theme_button)
        right = QVBoxLayout()
        right.setSpacing(0)
        right.addWidget(header)
        right.addWidget(self.page, 1)
        right.addWidget(self.strip)
        centre = QWidget(self)
        whole = QHBoxLayout(centre)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(0)
        whole.addWidget(self.sidebar)
        whole.addLayout(right, 1)
        self.setCentralWidget(centre)

    def _fit_header(self) -> None:
        self.picker.set_narrow(self.width() < (NARROW if self.shows_sidebar else NARROW - 256))

    def _header_button(self, name: str, tip: str) -> QToolButton:
        button = QToolButton(self)
        button.setAccessibleName(name)
        button.setToolTip(tip)
        button.setIconSize(QSize(20, 20))
        return button

    def _make_theme_menu(self) -> QMenu:
        menu = QMenu(self)
        group = QActionGroup(menu)
        for choice in THEME_CHOICES:
            action = QAction(THEME_NAMES[choice], menu, checkable=True)
            action.setData(choice)
            action.triggered.connect(lambda _checked=False, choice=choice: self._theme.choose(choice))
            group.addAction(action)
            menu.addAction(action)
        return menu

    def _dress(self) -> None:
        icons, tokens = self._theme.icons, self._theme.tokens
        self._show_sidebar.setIcon(icons.icon("sidebar", tokens.secondary))
        self._theme_button.setIcon(icons.icon(self._theme.choice, tokens.secondary))
        for action in self.theme_menu.actions():
            action.setChecked(action.data() == self._theme.choice)


def _model_file(event: QDropEvent) -> str:
    """The path of the one model file in a drop; empty for anything else."""
    urls = event.mimeData().urls()
    path = urls[0].toLocalFile() if len(urls) == 1 else ""
    return path if Path(path).suffix.lower() == ".gguf" else ""
