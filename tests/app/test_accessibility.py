"""The window for those who do not see it: every control has a name and a role, every message is read."""

import platform
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAccessible
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from app.application import Application
from app.views.crash_dialog import CrashDialog
from app.views.model_popup import ModelPopup
from app.views.settings.settings_page import SECTIONS
from app.views.shortcut_sheet import ShortcutSheet
from engine.contract.paths import Paths
from tests.support.accessible_tree import Thing, faults, names, walk
from tests.support.window import WAIT_MS, answering_worker, type_and_send, use, wait_for_answer, wait_for_text

pytestmark = pytest.mark.slow
Role = QAccessible.Role


def faultless(root: QWidget) -> list[Thing]:
    """Everything below a widget, in which there is no fault."""
    QApplication.processEvents()
    things = walk(root)
    assert list(faults(things)) == []
    return things


def messages(things: list[Thing]) -> list[str]:
    return [thing.name for thing in things if "/ChatView/" in thing.path and thing.role == Role.ListItem]


def test_an_empty_chat_and_what_is_around_it(application: Application) -> None:
    things = faultless(application.window)
    for role, name in (
        (Role.Button, "New chat"),
        (Role.Button, "Bin"),
        (Role.EditableText, "Search chats"),
        (Role.List, "Conversations"),
        (Role.Button, "Model: Built-in model"),
        (Role.CheckBox, "Settings of this chat"),
        (Role.ButtonMenu, "Menu"),
        (Role.EditableText, "Message"),
        (Role.Button, "Send"),
        (Role.Button, "Use a model file you have…"),
    ):
        assert name in names(things, role), name


def test_every_message_is_an_item_with_its_place_and_its_first_words(
    application: Application, qtbot: QtBot
) -> None:
    use(application, qtbot, "fake:tokens=8,text=hello there")
    for words in ("Who are you?", "word " * 60):
        type_and_send(application, words)
        wait_for_answer(application, qtbot)
    assert messages(faultless(application.window)) == [
        "You, 1 of 4, Who are you?",
        "Answer, 2 of 4, hello th",
        f"You, 3 of 4, {('word ' * 16).strip()}",
        "Answer, 4 of 4, hello th",
    ]
    application.workings.chat_view.setFocus()
    QTest.keyClick(application.workings.chat_view, Qt.Key.Key_Up)
    QTest.keyClick(application.workings.chat_view, Qt.Key.Key_Up)
    focused = QAccessible.queryAccessibleInterface(application.workings.chat_view).focusChild()
    assert focused is not None
    assert focused.text(QAccessible.Text.Name).startswith("You, 3 of 4")
    assert focused.text(QAccessible.Text.Value) == ("word " * 60).strip()
    QTest.keyClick(application.workings.chat_view, Qt.Key.Key_F, Qt.KeyboardModifier.ControlModifier)
    things = faultless(application.window)  # with the buttons of two messages and the bar for finding
    assert "Find in this chat" in names(things, Role.EditableText)
    assert "Next match" in names(things, Role.Button)
    assert names(things, Role.Button).count("Copy message") == 2


def test_an_answer_that_arrives_and_one_that_failed(application: Application, qtbot: QtBot) -> None:
    use(application, qtbot, "fake:rate=100,tokens=3000,text=abc ")
    type_and_send(application, "Go on")
    wait_for_text(application, qtbot)
    things = faultless(application.window)
    assert messages(things)[1].startswith("Answer, 2 of 2, abc abc")
    assert "Stop" in names(things, Role.Button)
    assert any(name.startswith("Engine: Answering") for name in names(things, Role.StaticText))
    answering_worker(application, qtbot).kill()
    wait_for_answer(application, qtbot)
    assert messages(faultless(application.window))[1].startswith("Answer, 2 of 2, failed. abc abc")


def test_what_is_found_and_what_is_in_the_bin(application: Application, qtbot: QtBot) -> None:
    use(application, qtbot, "fake:tokens=5")
    type_and_send(application, "A precious stone")
    wait_for_answer(application, qtbot)
    application.window.sidebar.search.setText("precious")
    qtbot.waitUntil(lambda: application.workings.search_results.rowCount() > 0, timeout=WAIT_MS)
    things = faultless(application.window.sidebar)
    found = [thing.name for thing in things if "/ResultsView/" in thing.path and thing.role == Role.ListItem]
    assert found
    assert all("precious" in name for name in found)
    assert "Clear the search" in names(things, Role.Button)
    application.workings.delete_conversation(application.workings.shown.conversation_id)
    assert "Undo" in names(faultless(application.window), Role.Button)  # the notice
    qtbot.waitUntil(lambda: bool(application.workings.store.bin()), timeout=WAIT_MS)
    application.workings.conversation_actions.show_bin()
    things = faultless(application.window.sidebar)
    assert any(
        "/BinView/" in thing.path and thing.role == Role.ListItem and "precious" in thing.name
        for thing in things
    )


def test_every_section_of_the_settings(application: Application) -> None:
    for section_id, (name, _icon) in SECTIONS.items():
        application.window.settings_requested.emit(section_id)
        things = faultless(application.window)
        assert name in names(things, Role.ListItem)
        if section_id == "shortcuts":
            assert "New chat" in names(things, Role.HotkeyField)
    assert platform.python_version() in names(things, Role.StaticText)  # its heading does not hide it


def test_the_side_panel_the_models_and_the_menus(application: Application, qtbot: QtBot) -> None:
    use(application, qtbot, "fake:family=think,tokens=5")
    QTest.keyClick(application.window, Qt.Key.Key_Period, Qt.KeyboardModifier.ControlModifier)
    application.workings.chat_settings.set_sampling("temperature", 0.3)
    things = faultless(application.window)
    assert {"Preset", "KV cache type"} <= set(names(things, Role.ComboBox))
    assert {"Temperature", "Seed", "Context length"} <= set(names(things, Role.SpinBox))
    assert "Default of “Temperature”" in names(things, Role.Button)
    QTest.keyClick(application.window, Qt.Key.Key_M, Qt.KeyboardModifier.ControlModifier)
    popup = application.window.findChild(ModelPopup)
    assert popup is not None
    things = faultless(popup)
    assert any(name.startswith("Built-in model") for name in names(things, Role.Button))
    assert any(name.startswith("Eject") for name in names(things, Role.Button))
    popup.close()
    faultless(application.window.menu)


def test_the_sheet_of_shortcuts_and_the_report_of_a_crash(application: Application, paths: Paths) -> None:
    QTest.keyClick(application.window, Qt.Key.Key_Slash, Qt.KeyboardModifier.ControlModifier)
    sheet = application.window.findChild(ShortcutSheet)
    assert sheet is not None
    assert "New chat: Ctrl+N   Ctrl+Shift+O" in names(faultless(sheet), Role.StaticText)
    sheet.close()
    report = paths.log / "crash.txt"
    report.write_text("Fatal: 1\n", encoding="utf-8")
    application.tell_of_crash(report)
    assert "Read the report" in names(faultless(application.window), Role.Button)
    QTest.keyClick(application.window.page.notice.findChildren(QPushButton)[0], Qt.Key.Key_Space)
    dialog = application.window.findChild(CrashDialog)
    assert dialog is not None
    things = faultless(dialog)
    assert {"Copy", "Save as…", "Delete", "Close"} <= set(names(things, Role.Button))
    dialog.close()


def test_what_is_attached_can_be_removed_by_name(application: Application, tmp_path: Path) -> None:
    letter = tmp_path / "letter.txt"
    letter.write_text("Dear reader", encoding="utf-8")
    application.window.page.composer.attach_files([str(letter)])
    buttons = names(faultless(application.window), Role.Button)
    assert {"Remove letter.txt", "Turn letter.txt into text"} <= set(buttons)


@pytest.mark.llama
def test_the_workbench_and_every_field_of_its_map(application: Application, qtbot: QtBot) -> None:
    modifiers = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier
    QTest.keyClick(application.window, Qt.Key.Key_B, modifiers)
    bench = application.workings.workbench.control
    qtbot.waitUntil(lambda: bench.quantize.outcome is not None, timeout=WAIT_MS)
    things = faultless(application.window)
    fields = [t.name for t in things if t.role == Role.ListItem and "/TensorMap/" in t.path]
    assert len(fields) == len(bench.model.map.groups)
    assert any(name.startswith("Routed experts, ffn_up_exps: IQ4_XS, ") for name in fields)
    assert {"How", "Type", "Importance matrix", "Text"} <= set(names(things, Role.ComboBox))
    assert "Types of every part" in names(things, Role.Table)
    assert {"Quantize", "Convert", "Importance matrix", "Measure"} <= set(names(things, Role.PageTab))
    bench.model.map.setFocus()
    QTest.keyClick(bench.model.map, Qt.Key.Key_End)
    QTest.keyClick(bench.model.map, Qt.Key.Key_Home)
    QTest.keyClick(bench.model.map, Qt.Key.Key_Right)
    focused = QAccessible.queryAccessibleInterface(bench.model.map).focusChild()
    assert focused is not None
    assert (
        focused.text(QAccessible.Text.Name) == bench.model.details.text() == fields[bench.model.map.current]
    )
    for at in (2, 3):
        bench.page.tabs.setCurrentIndex(at)
        faultless(application.window)
