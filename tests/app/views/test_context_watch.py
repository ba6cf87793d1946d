"""The whole window with a context that becomes full."""

import pytest
from PySide6.QtWidgets import QPushButton
from pytestqt.qtbot import QtBot

from app.application import Application
from app.conversations.message import Draft
from tests.support.window import WAIT_MS

pytestmark = pytest.mark.slow


def say(application: Application, qtbot: QtBot, text: str) -> None:
    session = application.workings.shown.session
    application.window.page.composer.submitted.emit(Draft(text=text))
    qtbot.waitUntil(lambda: not session.is_answering, timeout=WAIT_MS)


def press(application: Application, name: str) -> None:
    buttons = application.window.page.notice.findChildren(QPushButton)
    next(button for button in buttons if button.text() == name and not button.isHidden()).click()


def test_what_no_longer_fits_is_marked_and_left_out_once_the_user_says_so(
    application: Application, qtbot: QtBot
) -> None:
    choice = application.workings.choice
    qtbot.waitUntil(lambda: choice.loaded is not None, timeout=WAIT_MS)  # 1,024 tokens
    composer, messages = application.window.page.composer, application.workings.messages
    application.workings.chat_settings.change(max_tokens=16, sampling={"temperature": 0})
    say(application, qtbot, "Tell me a story. " * 80)
    assert messages.rowCount() == 2
    long_text = "Tell me another story. " * 110
    composer.text = long_text
    assert composer.gauge.text.startswith("about ")
    assert messages.is_dimmed(0)
    composer.submitted.emit(composer.draft)
    assert "no room left" in application.window.page.notice.text
    press(application, "Do not send")
    assert (composer.text, messages.rowCount()) == (long_text, 2)
    composer.submitted.emit(composer.draft)
    press(application, "Leave out the oldest")
    session = application.workings.shown.session
    assert session.num_left_out == 2
    qtbot.waitUntil(lambda: messages.rowCount() == 4 and not session.is_answering, timeout=WAIT_MS)
    answer = session.conversation.path()[-1]
    assert answer.state == "complete"
    assert answer.stats.prompt_tokens < 1000  # the second question alone
    assert composer.text == ""


def test_a_message_that_is_too_long_by_itself_is_not_sent(application: Application, qtbot: QtBot) -> None:
    qtbot.waitUntil(lambda: application.workings.choice.loaded is not None, timeout=WAIT_MS)
    composer = application.window.page.composer
    composer.text = "far too long " * 2000
    composer.submitted.emit(composer.draft)
    assert "longer than the model has room for" in application.window.page.notice.text
    assert composer.text
    assert application.workings.messages.rowCount() == 0
