"""What the tests of the window share."""

from collections.abc import Callable

import psutil
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from app.application import Application
from app.conversations.conversation import Message

WAIT_MS = 20_000  # generous: a test machine may be busy

Open = Callable[[], Application]


def use(application: Application, qtbot: QtBot, model: str) -> None:
    """Choose a model and wait until it is in memory."""
    application.workings.choice.choose(model)
    qtbot.waitUntil(lambda: application.workings.choice.loaded is not None, timeout=WAIT_MS)


def type_and_send(application: Application, text: str) -> None:
    """Type a message and press Enter."""
    QTest.keyClicks(application.window.page.composer.field, text)
    QTest.keyClick(application.window.page.composer.field, Qt.Key.Key_Return)


def answer(application: Application) -> Message:
    """The last message that is shown."""
    return application.workings.shown.session.conversation.path()[-1]


def wait_for_answer(application: Application, qtbot: QtBot) -> Message:
    """The last message, once nothing arrives any more."""
    qtbot.waitUntil(lambda: not application.workings.shown.session.is_answering, timeout=WAIT_MS)
    return answer(application)


def wait_for_text(application: Application, qtbot: QtBot, length: int = 10) -> None:
    """Wait until so many characters of an answer have arrived."""
    qtbot.waitUntil(lambda: len(answer(application).text) >= length, timeout=WAIT_MS)


def worker() -> psutil.Process:
    """The newest one: the worker of the model that was chosen last."""
    host = next(child for child in psutil.Process().children() if "engine.host" in child.cmdline())
    workers = [child for child in host.children() if "--generation" in child.cmdline()]
    return max(workers, key=lambda worker: int(worker.cmdline()[-1]))
