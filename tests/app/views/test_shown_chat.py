"""Writing another version of a message, and what is typed and not sent, in the whole window."""

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from app.application import Application
from app.conversations.message import Attachment, Draft
from app.conversations.settings import ConversationSettings
from tests.support.window import WAIT_MS, Open

pytestmark = pytest.mark.slow


def ask(application: Application, qtbot: QtBot, text: str) -> None:
    """Say something, and wait for the whole answer."""
    application.workings.choice.choose("fake:tokens=3,text=abc")
    application.workings.shown.send(text)
    qtbot.waitUntil(lambda: not application.workings.shown.session.is_answering, timeout=WAIT_MS)


def texts(application: Application) -> list[str]:
    messages = application.workings.messages
    return [messages.message(row).text for row in range(messages.rowCount())]


def press_enter(application: Application) -> None:
    QTest.keyClick(application.window.page.composer.field, Qt.Key.Key_Return)


def test_an_edited_message_is_sent_as_another_version_and_both_can_be_shown(
    application: Application, qtbot: QtBot
) -> None:
    ask(application, qtbot, "First try")
    composer, view = application.window.page.composer, application.workings.chat_view
    view.edit_requested.emit(application.workings.messages.message(0).id)
    assert composer.text == "First try"
    composer.text = "Second try"
    press_enter(application)
    qtbot.waitUntil(lambda: texts(application) == ["Second try", "abc"], timeout=WAIT_MS)
    qtbot.waitUntil(lambda: not application.workings.shown.session.is_answering, timeout=WAIT_MS)
    assert application.workings.messages.versions(0) == (2, 2)
    view.version_requested.emit(application.workings.messages.message(0).id, -1)
    assert texts(application) == ["First try", "abc"]
    assert application.workings.messages.versions(0) == (1, 2)


def test_an_edit_that_is_cancelled_gives_back_what_was_typed(application: Application, qtbot: QtBot) -> None:
    ask(application, qtbot, "First try")
    composer = application.window.page.composer
    QTest.keyClicks(composer.field, "half a thought")
    application.workings.chat_view.edit_requested.emit(application.workings.messages.message(0).id)
    assert composer.text == "First try"
    QTest.keyClick(composer.field, Qt.Key.Key_Escape)
    assert (composer.text, application.window.page.notice.text) == ("half a thought", "")
    assert texts(application) == ["First try", "abc"]


def test_an_answer_is_asked_for_again_by_the_view(application: Application, qtbot: QtBot) -> None:
    ask(application, qtbot, "Say it")
    application.workings.chat_view.regenerate_requested.emit(application.workings.messages.message(1).id)
    qtbot.waitUntil(lambda: not application.workings.shown.session.is_answering, timeout=WAIT_MS)
    assert application.workings.messages.versions(1) == (2, 2)


def test_what_is_typed_is_there_at_the_next_start(open_window: Open, qtbot: QtBot) -> None:
    first = open_window()
    ask(first, qtbot, "Something")
    told = first.workings.shown.conversation_id
    notes = Attachment(name="a.txt", text="one", size_bytes=3)
    first.window.page.composer.draft = Draft(text="in the old one", attachments=(notes,))
    first.workings.new_chat()
    QTest.keyClicks(first.window.page.composer.field, "in a new one")
    first.close()
    second = open_window()
    assert second.window.page.composer.text == "in a new one"
    second.workings.open_conversation(told)
    assert second.window.page.composer.draft == Draft(text="in the old one", attachments=(notes,))


def test_what_is_typed_is_on_the_disk_within_a_second(application: Application, qtbot: QtBot) -> None:
    QTest.keyClicks(application.window.page.composer.field, "half a thought")
    store = application.workings.store
    qtbot.waitUntil(lambda: store.draft("").text == "half a thought", timeout=20_000)


def test_what_was_sent_is_no_draft_any_more(application: Application, qtbot: QtBot) -> None:
    application.workings.choice.choose("fake:tokens=3,text=abc")
    QTest.keyClicks(application.window.page.composer.field, "Hello")
    press_enter(application)
    qtbot.waitUntil(lambda: not application.workings.shown.session.is_answering, timeout=WAIT_MS)
    qtbot.waitUntil(lambda: application.workings.store.draft("") == Draft(), timeout=20_000)
    application.workings.new_chat()
    assert application.window.page.composer.text == ""


def test_the_model_of_a_conversation_goes_before_the_one_chosen(
    application: Application, qtbot: QtBot
) -> None:
    application.workings.choice.choose("fake:tokens=3,text=abc")
    application.workings.shown.session.change_settings(ConversationSettings(model="fake:tokens=3,text=xyz"))
    application.workings.shown.send("Who?")
    qtbot.waitUntil(lambda: not application.workings.shown.session.is_answering, timeout=WAIT_MS)
    assert texts(application) == ["Who?", "xyz"]
