"""The whole window where there is little room, and what leads back to the chat."""

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot

from app.application import Application
from tests.support.window import type_and_send, use, wait_for_answer

pytestmark = pytest.mark.slow


def test_a_narrow_window_shows_the_chat_alone_until_the_conversations_are_called(
    application: Application,
) -> None:
    window = application.window

    def shows_sidebar() -> bool:
        return window.shows_sidebar

    window.resize(480, 700)
    assert not shows_sidebar()
    QTest.keyClick(window, Qt.Key.Key_K, Qt.KeyboardModifier.ControlModifier)
    assert shows_sidebar()
    assert window.sidebar.search.hasFocus()
    window.show_chat()
    assert not shows_sidebar()
    QTest.keyClick(window, Qt.Key.Key_B, Qt.KeyboardModifier.ControlModifier)
    QTest.keyClick(window, Qt.Key.Key_Escape)
    assert not shows_sidebar()
    window.resize(1200, 700)
    assert shows_sidebar()


def test_opening_a_conversation_leaves_the_settings(application: Application, qtbot: QtBot) -> None:
    use(application, qtbot, "fake:tokens=5")
    type_and_send(application, "First")
    wait_for_answer(application, qtbot)
    application.window.settings_requested.emit("")
    assert not application.window.shows_chat
    shown = application.workings.conversation_view
    shown.opened.emit(application.workings.shown.conversation_id)
    assert application.window.shows_chat


def test_the_header_says_what_the_model_is_wherever_there_is_room(
    application: Application, qtbot: QtBot
) -> None:
    picker, window = application.window.picker, application.window
    use(application, qtbot, "builtin")
    facts = next(label for label in picker.findChildren(QLabel) if label.text() == picker.facts)
    assert facts.isVisible()
    window.resize(600, 700)
    assert not facts.isVisible()
    window.resize(1200, 700)
    assert facts.isVisible()
