"""What the tests of the window share."""

from collections.abc import Callable

import psutil
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from app.application import Application
from app.conversations.conversation import Message
from engine.contract.settings_messages import StatusListed

WAIT_MS = 60_000  # generous: a test machine may be busy

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


def answering_worker(application: Application, qtbot: QtBot) -> psutil.Process:
    """The one that an answer comes from; there may be others, which only look what the machine has."""

    def answers(_request_id: str, status: StatusListed) -> bool:
        return any(worker.phase == "answering" for worker in status.workers)

    client = application.workings.client
    with qtbot.waitSignal(client.status_listed, timeout=WAIT_MS, check_params_cb=answers) as listed:
        client.ask_status()
    (worker,) = [worker for worker in listed.args[1].workers if worker.phase == "answering"]
    return psutil.Process(worker.pid)
