"""The settings in the whole window."""

import pytest
from PySide6.QtCore import QObject, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QComboBox, QLabel, QWidget
from pytestqt.qtbot import QtBot

from app.application import Application
from app.engine_link.engine_client import EngineClient
from app.engine_link.engine_preferences import EnginePreferences
from app.engine_link.host_process import HostProcess
from app.shortcuts import COMMAND_IDS, Shortcuts
from app.theme.theme import Theme
from app.views.settings.general_section import GeneralSection
from app.views.settings.models_section import ModelsSection
from app.views.settings.settings_page import SECTIONS, SettingsPage
from app.views.settings.shortcuts_section import ShortcutsSection
from engine.contract.paths import Paths
from engine.contract.processes import child_command, child_environment
from engine.contract.settings import SETTINGS, EngineSettings
from tests.support.window import Open


def page_of(application: Application) -> SettingsPage:
    page = application.window.findChild(SettingsPage)
    assert isinstance(page, SettingsPage)
    return page


def choose(box: QComboBox, value: object) -> None:
    box.setCurrentIndex(box.findData(value))
    box.activated.emit(box.currentIndex())


@pytest.mark.slow
def test_every_section_opens_and_every_control_in_it_has_a_name(application: Application) -> None:
    for section_id in SECTIONS:
        application.window.settings_requested.emit(section_id)
        page = page_of(application)
        assert page.section_id == section_id
        section = page.section(section_id)
        in_sight = [c for c in section.findChildren(QWidget) if c.isVisible()]
        controls = [c for c in in_sight if c.focusPolicy() & Qt.FocusPolicy.TabFocus]
        unnamed = [c for c in controls if not (c.accessibleName() or _is_part(c))]
        assert unnamed == [], section_id
        for label in section.findChildren(QLabel):
            assert label.textFormat() == Qt.TextFormat.PlainText, label.text()


def _is_part(control: QWidget) -> bool:
    """The line edits inside of spin boxes and key fields, and scrolling areas, take their owner's name."""
    parent: QObject | None = control.parent()
    named = isinstance(parent, QWidget) and bool(parent.accessibleName())
    return named or (isinstance(control, QAbstractButton) and bool(control.text()))


@pytest.mark.slow
def test_keys_open_the_settings_and_esc_goes_back_to_the_chat(application: Application) -> None:
    window = application.window
    QTest.keyClick(window, Qt.Key.Key_Comma, Qt.KeyboardModifier.ControlModifier)
    assert not window.shows_chat
    QTest.keyClicks(window, "abc")
    assert window.page.composer.text == ""  # nothing is typed into what cannot be seen
    QTest.keyClick(window, Qt.Key.Key_Escape)
    assert window.shows_chat


@pytest.mark.slow
def test_looks_and_language_are_kept_for_the_next_start(open_window: Open) -> None:
    first = open_window()
    first.window.settings_requested.emit("appearance")
    looks = page_of(first).section("appearance")
    choose(looks.findChildren(QComboBox)[1], "high")
    choose(looks.findChildren(QComboBox)[2], 125)
    first.window.settings_requested.emit("general")
    general = page_of(first).section("general")
    choose(general.findChildren(QComboBox)[1], True)
    first.close()
    second = open_window()
    assert (second.theme.contrast, second.theme.font_scale) == ("high", 125)
    assert second.window.page.composer.field.sends_with_ctrl


@pytest.mark.slow
def test_a_narrow_window_has_a_box_in_place_of_the_list(application: Application, qtbot: QtBot) -> None:
    application.window.toggle_sidebar()
    application.window.resize(560, 700)
    application.window.settings_requested.emit("log")
    page = page_of(application)
    qtbot.waitUntil(lambda: page.width() < 600)
    box = next(b for b in page.findChildren(QComboBox) if b.accessibleName() == "Sections")
    assert box.isVisible()
    choose(box, "about")
    assert page.section_id == "about"
    assert page.section("about").horizontalScrollBar().maximum() == 0


@pytest.fixture
def preferences(paths: Paths) -> EnginePreferences:
    """Preferences of a client whose host is not started: a test answers in its place."""
    host = HostProcess(child_command("engine.host"), child_environment(), paths.log / "host.log")
    return EnginePreferences(EngineClient(host))


def test_engine_settings_come_from_the_table(
    preferences: EnginePreferences, theme: Theme, qtbot: QtBot
) -> None:
    section = ModelsSection(preferences, theme)
    qtbot.addWidget(section)
    assert list(section.controls) == [setting.name for setting in SETTINGS]
    assert not section.controls["models_at_once"].isEnabled()
    preferences._client.settings_listed.emit("", EngineSettings(models_at_once=5, model_folders=("/models",)))
    assert section.controls["models_at_once"].value() == 5  # type: ignore[union-attr]
    assert section.controls["model_folders"].folders == ["/models"]  # type: ignore[union-attr]


def test_keys_that_are_taken_are_said_and_not_bound(theme: Theme, qtbot: QtBot) -> None:
    shortcuts = Shortcuts()
    section = ShortcutsSection(shortcuts, theme)
    qtbot.addWidget(section)
    assert list(section.fields) == list(COMMAND_IDS)
    section.fields["quit"].keys_pressed.emit("Ctrl+N")
    assert section.said.text() == "Ctrl+N already means “New chat”."
    assert section.fields["quit"].keySequence().toString() == "Ctrl+Q"
    section.fields["quit"].keys_pressed.emit("Ctrl+J")
    assert shortcuts.keys("quit") == ("Ctrl+J",)
    assert section.said.isHidden()


def test_keys_pressed_in_a_field_are_bound(theme: Theme, qtbot: QtBot) -> None:
    shortcuts = Shortcuts()
    section = ShortcutsSection(shortcuts, theme)
    qtbot.addWidget(section)
    section.show()
    field = section.fields["quit"]
    QTest.keyClick(field, Qt.Key.Key_J, Qt.KeyboardModifier.ControlModifier)
    qtbot.waitUntil(lambda: shortcuts.keys("quit") == ("Ctrl+J",))
    QTest.keyClick(field, Qt.Key.Key_Backspace)
    qtbot.waitUntil(lambda: shortcuts.keys("quit") == ())


@pytest.mark.slow
def test_titles_by_the_model_can_be_switched_off_for_good(open_window: Open) -> None:
    first = open_window()
    first.window.settings_requested.emit("general")
    general = page_of(first).section("general")
    assert isinstance(general, GeneralSection)
    assert general.titles.isChecked()
    QTest.keyClick(general.titles, Qt.Key.Key_Space)
    assert not first.workings.title_writer.is_enabled
    first.close()
    assert not open_window().workings.title_writer.is_enabled
