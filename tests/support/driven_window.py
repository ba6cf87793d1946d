"""A whole application in a process of its own, that sends messages and tells what was acknowledged.

Run as `python -m tests.support.driven_window`. It prints one JSON object per line: `question` (on the disk,
says the application), `text` (shown of an answer so far, with the time at which it came), `end`, `blocked`.
"""

import json
import sys
import time

from PySide6.QtCore import QObject, QTimer
from PySide6.QtWidgets import QApplication

from app.application import Application, build
from engine.contract.paths import Paths

MODEL = "fake:rate=400,tokens=160,text=The quick brown retort distils. "


class Driver:
    """Asks as soon as it may, in a new conversation every third time, and answers again every fourth."""

    def __init__(self, application: Application) -> None:
        self._application = application
        self._num_asked = 0
        application.window.first_painted.connect(lambda: QTimer.singleShot(0, self._begin))

    def _begin(self) -> None:
        if not self._application.is_complete:
            QTimer.singleShot(5, self._begin)
            return
        workings = self._application.workings
        workings.notices.blocked.connect(lambda reason: tell(event="blocked", reason=reason))
        workings.notices.unblocked.connect(lambda: tell(event="unblocked"))
        workings.choice.choose(MODEL)
        tell(event="ready", bad=[header.title for header in workings.store.headers() if not header.title])
        self._ask()

    def _ask(self) -> None:
        workings = self._application.workings
        if self._num_asked % 3 == 0:
            workings.new_chat()
        session = workings.shown.session
        self._num_asked += 1
        if self._num_asked % 4 == 0 and not session.conversation.is_empty:
            session.answer_again(session.conversation.path()[-1].id, model=MODEL)
        else:
            session.send(f"Question {self._num_asked} {time.time_ns()}", model=MODEL)
        self._watch()

    def _watch(self) -> None:
        session = self._application.workings.shown.session
        question, answer = session.conversation.path()[-2:]
        told = [False]

        def tell_question(phase: str) -> None:
            if phase == "Reading…" and not told[0]:  # the store has said that it is on the disk
                told[0] = True
                tell(
                    event="question", id=question.id, conversation=session.conversation.id, text=question.text
                )

        def tell_text(message_id: str, _text: str) -> None:
            length = len(session.conversation[message_id].text)
            tell(event="text", id=message_id, length=length, at=time.monotonic())

        def go_on(is_answering: bool) -> None:
            if not is_answering:
                for connection in connections:
                    QObject.disconnect(connection)
                tell(event="end", id=answer.id, text=session.conversation[answer.id].text)
                QTimer.singleShot(0, self._ask)

        connections = [
            session.activity_changed.connect(tell_question),
            session.text_arrived.connect(tell_text),
            session.answering_changed.connect(go_on),
        ]


def tell(**what: object) -> None:
    """One line for whoever started this process; it is written before anything else happens."""
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


def main() -> int:
    """Open the window and never stop by itself."""
    qt = QApplication(["retort"])
    application = build(Paths.from_environment(), qt)
    driver = Driver(application)
    application.show()
    status = int(qt.exec())
    del driver
    return status


if __name__ == "__main__":
    sys.exit(main())
