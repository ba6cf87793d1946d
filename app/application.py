"""The application: the window first, and everything that works behind it once the window can be seen."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QLibraryInfo, QLocale, Qt, QTranslator
from PySide6.QtWidgets import QApplication, QMessageBox

from app.crash_report import CrashWatch
from app.garbage import GarbageCollection
from app.model_names import BUILTIN, model_name
from app.opened_files import OpenedFiles
from app.owner_lock import OwnerLock
from app.self_test import find_faults, refusal
from app.shortcuts import Shortcuts
from app.theme.fonts import load_fonts
from app.theme.icons import Icons
from app.theme.theme import Theme
from app.translation import choose_language, tr, use_language
from app.views.chat_page import ChatPage
from app.views.main_window import MainWindow
from app.views.model_picker import ModelPicker
from app.views.sidebar import Sidebar
from app.views.status_strip import StatusStrip
from app.views.window_commands import WindowCommands
from app.views.window_settings import WindowSettings
from engine.contract.paths import Paths, resources

if TYPE_CHECKING:
    from app.views.settings.settings_page import SettingsPage
    from app.workings import Workings


class Application:
    """The window and its workings; `show` it, and `close` it in the end."""

    def __init__(self, paths: Paths, qt: QApplication) -> None:
        """Build the window alone."""
        paths.ensure()
        self._paths = paths
        self._workings: Workings | None = None
        self._settings_page: SettingsPage | None = None
        self._is_closed = False
        self._model_file = ""  # to open once there is something that can
        self.exit_status = 0
        self.settings = WindowSettings(paths.config / "window.ini")
        self._qt_words = _speak(self.settings.language, qt)
        self.shortcuts = Shortcuts(self.settings.shortcuts)
        self.theme = Theme(
            qt,
            load_fonts(resources() / "fonts"),
            Icons(resources() / "icons"),
            self.settings.theme,
            contrast=self.settings.contrast,
            font_scale=self.settings.font_scale,
        )
        self.window = MainWindow(
            Sidebar(self.theme),
            ModelPicker(self.theme),
            ChatPage(self.theme),
            StatusStrip(self.theme),
            self.theme,
            commands=WindowCommands(self.shortcuts),
        )
        self._garbage = GarbageCollection(self.window)
        name = model_name(self.settings.model or BUILTIN)
        self.window.picker.show_model(name)
        self.window.page.show_model_name(name)
        self.theme.changed.connect(self._keep_theme)
        self.shortcuts.changed.connect(self._keep_shortcuts)
        self.window.closed.connect(self.close)
        self.window.settings_requested.connect(self._show_settings)
        self.window.page.composer.field.sends_with_ctrl = self.settings.sends_with_ctrl

    @property
    def is_complete(self) -> bool:
        """Whether there is something behind the window."""
        return self._workings is not None

    @property
    def workings(self) -> "Workings":
        """Everything behind the window; there is none before it was painted."""
        assert self._workings is not None
        return self._workings

    def show(self, model_file: str = "") -> None:
        """Show the window; once it is painted, build the rest and open the model file if one is named."""
        self.window.restoreGeometry(self.settings.geometry)
        self.window.sidebar_frame.want(self.settings.shows_sidebar)
        self._model_file = self._model_file or model_file
        self.window.first_painted.connect(self._complete)
        self.window.show()
        self.window.page.composer.setFocus()

    def come_forward(self, model_file: str = "") -> None:
        """Show the window over others, and open a model file if one is named."""
        self.window.setWindowState(self.window.windowState() & ~Qt.WindowState.WindowMinimized)
        self.window.show()  # it may have been put away while jobs are finished
        self.window.raise_()
        self.window.activateWindow()
        if model_file and self._workings is None:
            self._model_file = model_file
        elif model_file:
            self.workings.open_model(model_file)

    def close(self) -> None:
        """Keep what is unsaved and end every child process."""
        if self._is_closed:
            return
        self._is_closed = True
        self.window.hide()
        self.settings.geometry = self.window.saveGeometry()
        self.settings.shows_sidebar = self.window.sidebar_frame.is_wanted
        self.settings.shows_panel = self.window.frame.is_open
        self.settings.sync()
        if self._workings is not None:
            self._workings.close()
        self._garbage.end()

    def _complete(self) -> None:
        if self._is_closed:
            return
        # SQLite, msgspec and Qt's text layouts take as long to import as all of the window
        from app.conversations.errors import StoreError  # noqa: PLC0415
        from app.workings import Workings  # noqa: PLC0415

        try:
            self._workings = Workings(self._paths, self.window, self.settings, self.theme)
        except StoreError as error:
            QMessageBox.critical(self.window, "Retort", str(error))
            self.exit_status = 1
            self.window.close()
        else:
            self._workings.start(self._model_file)
            self._garbage.start()

    def tell_of_crash(self, report: Path) -> None:
        """Say that the run before ended unexpectedly, and offer to read what was noted of it."""
        self.window.page.notice.show_plain(
            tr("Retort ended unexpectedly the last time. What had been said is kept."),
            tr("Read the report"),
            lambda: self._show_report(report),
        )

    def _show_report(self, report: Path) -> None:
        from app.views.crash_dialog import CrashDialog  # noqa: PLC0415  (rarely needed)

        dialog = CrashDialog(report, self.theme, self.window)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.open()

    def _show_settings(self, section_id: str) -> None:
        if self._workings is None:
            return
        if self._settings_page is None:
            from app.views.settings.make_page import make_settings_page  # noqa: PLC0415  (not at every start)

            self._settings_page = make_settings_page(
                settings=self.settings,
                client=self._workings.client,
                library=self._workings.library,
                preferences=self._workings.preferences,
                packs=self._workings.engine.packs,
                gate=self._workings.model_pages.gate,
                history=self._workings.model_pages.history,
                shortcuts=self.shortcuts,
                field=self.window.page.composer.field,
                titles=self._workings.title_writer,
                paths=self._paths,
                theme=self.theme,
            )
            self._settings_page.closed.connect(self.window.show_chat)
        self.window.show_page(self._settings_page)
        self._settings_page.show_section(section_id)

    def _keep_theme(self) -> None:
        self.settings.theme = self.theme.choice
        self.settings.contrast = self.theme.contrast
        self.settings.font_scale = self.theme.font_scale

    def _keep_shortcuts(self) -> None:
        self.settings.shortcuts = {str(command): keys for command, keys in self.shortcuts.own.items()}


def _speak(chosen: str, qt: QApplication) -> QTranslator:
    """Speak the chosen language, else the system's; what cannot be read leaves English.

    Answers the words of Qt's own dialogs and keys, which hold as long as they are kept.
    """
    language = choose_language(chosen, QLocale.system().uiLanguages())
    QLocale.setDefault(QLocale(language))
    try:
        use_language(language, resources() / "translations")
    except (OSError, ValueError) as error:
        print(f"the language {language} cannot be read: {error}", file=sys.stderr)
    qt_words = QTranslator()
    if qt_words.load(f"qtbase_{language}", QLibraryInfo.path(QLibraryInfo.LibraryPath.TranslationsPath)):
        qt.installTranslator(qt_words)
    return qt_words


def build(paths: Paths, qt: QApplication) -> Application:
    """The window, made and not shown yet."""
    return Application(paths, qt)


def run_window(paths: Paths, arguments: Sequence[str]) -> int:
    """Open the window, with the model file that the arguments may name; returns the exit status."""
    faults = find_faults()
    if faults:
        print(refusal(faults), file=sys.stderr)
        return 1
    model_file = arguments[0] if arguments else ""
    paths.ensure()
    lock = OwnerLock(paths.data)
    if not lock.take():
        lock.ask_owner(model_file)
        return 0
    qt = QApplication(["retort"])
    qt.setApplicationName("retort")
    qt.setApplicationDisplayName("Retort")
    application = build(paths, qt)
    lock.asked.connect(application.come_forward)
    OpenedFiles(qt).opened.connect(application.come_forward)
    lock.listen()
    application.show(model_file)
    watch = CrashWatch(paths.log)
    report = watch.start()
    if report is not None:
        application.tell_of_crash(report)
    try:
        qt.exec()
        return application.exit_status
    finally:
        application.close()
        watch.end()
        lock.release()
