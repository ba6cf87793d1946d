"""How long the event loop of a whole window stands still: opening, streaming, resizing, hostile text.

A timer of 5 ms ticks in the window's thread. A gap is the time between two ticks, less those 5 ms; beside the
time on the wall stands the CPU time that the thread took in it: a gap with little of it is the machine's,
which gave its processors to somebody else. The window is a real one with store, engine host and test model,
which streams 600 tokens of one character a second, as much text as 200 of a usual model, into a conversation
of 1,000 messages.

    python -m benchmarks.event_loop [--seconds S] [--hostile]        (on Xvfb: QT_QPA_PLATFORM=xcb DISPLAY=:N)
"""

import argparse
import json
import os
import random
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from PySide6.QtCore import QEvent, QEventLoop, QObject, QPoint, QPointF, Qt, QTimer
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QApplication

from app.application import Application, build
from app.conversations.conversation import Conversation
from app.conversations.store import ConversationStore
from benchmarks.chat_view import ANSWER, conversation_of
from engine.contract.params import LoadParams
from engine.contract.paths import Paths
from tests.support.hostile_messages import BREAKING, FETCHING

TICK_MS = 5
GOAL_MS, HOSTILE_GOAL_MS = 50, 100
CHARACTERS = 3  # of a token; the test model's tokens have one each
MODEL = "fake:rate=600,tokens=1000000,text=" + ANSWER.replace(",", ";")
NUM_MESSAGES = 1000


@dataclass(slots=True)
class Gap:
    """How long nothing could happen, and for how much of it the thread was at work."""

    wall_ms: float
    cpu_ms: float


@dataclass(slots=True)
class Gaps:
    """All gaps of a scene."""

    goal_ms: float
    gaps: list[Gap] = field(default_factory=list)
    ms_per_token: float = 0.0  # CPU time of the thread, where tokens arrived

    def report(self) -> dict[str, float]:
        """The largest gaps, and how many were too long on the wall and by CPU time."""
        per_token = {"cpu_ms_per_token": round(self.ms_per_token, 3)} if self.ms_per_token else {}
        return per_token | {
            "ticks": len(self.gaps),
            "wall_max_ms": round(max(gap.wall_ms for gap in self.gaps), 1),
            "wall_too_long": sum(gap.wall_ms > self.goal_ms for gap in self.gaps),
            "cpu_max_ms": round(max(gap.cpu_ms for gap in self.gaps), 1),
            "cpu_too_long": sum(gap.cpu_ms > self.goal_ms for gap in self.gaps),
        }


class Watch(QObject):
    """Ticks."""

    def __init__(self) -> None:
        super().__init__()
        self._gaps: list[Gap] = []
        self._timer = QTimer(self, interval=TICK_MS)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._tick)

    def watch(self, goal_ms: float, scene: Callable[[], None]) -> Gaps:
        """The gaps while a scene is played."""
        self._gaps = []
        self._at, self._cpu = time.perf_counter(), time.thread_time()
        self._timer.start()
        scene()
        self._timer.stop()
        self._tick()
        return Gaps(goal_ms, self._gaps)

    def _tick(self) -> None:
        at, cpu = time.perf_counter(), time.thread_time()
        self._gaps.append(Gap(1000 * (at - self._at) - TICK_MS, 1000 * (cpu - self._cpu)))
        self._at, self._cpu = at, cpu


def run_for(seconds: float) -> None:
    """Let the event loop run, as it does in the application."""
    loop = QEventLoop()
    QTimer.singleShot(round(1000 * seconds), loop.quit)
    loop.exec()


def wait_for(is_ready: Callable[[], bool]) -> None:
    """Run until something is true; raises TimeoutError where it never is."""
    deadline = time.monotonic() + 60
    while not is_ready():
        if time.monotonic() > deadline:
            raise TimeoutError("the window did not become ready")
        run_for(0.02)


def repeat(seconds: float, every_ms: int, action: Callable[[], None]) -> None:
    """Do something again and again from the event loop, as input does."""
    timer = QTimer(interval=every_ms)
    timer.timeout.connect(action)
    timer.start()
    run_for(seconds)
    timer.stop()


def turn_wheel(application: Application, notches: int) -> None:
    """Turn the wheel over the conversation."""
    viewport = application.workings.chat_view.viewport()
    centre = QPointF(viewport.rect().center())
    buttons, keys = Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier
    event = QWheelEvent(
        centre, viewport.mapToGlobal(centre), QPoint(), QPoint(0, 120 * notches), buttons, keys,
        Qt.ScrollPhase.NoScrollPhase, False,
    )  # fmt: skip
    QApplication.sendEvent(viewport, event)


def play(application: Application, conversation_id: str, seconds: float) -> dict[str, Gaps]:
    """Every scene with the long conversation."""
    workings, window, watch = application.workings, application.window, Watch()
    rng = random.Random(1)

    def open_and_leave() -> None:
        workings.open_conversation(conversation_id)
        run_for(0.5)
        workings.new_chat()
        run_for(0.1)

    def resize() -> None:
        window.resize(rng.randrange(700, 1400), rng.randrange(600, 900))

    def open_and_leave_often() -> None:
        for _ in range(5):
            open_and_leave()

    found = {"opening": watch.watch(GOAL_MS, open_and_leave_often)}
    workings.open_conversation(conversation_id)
    workings.chat_view.jump_to_end()
    run_for(1)
    found["scrolling"] = watch.watch(
        GOAL_MS, lambda: repeat(seconds, 30, lambda: turn_wheel(application, rng.choice((3, 1, -1))))
    )
    found["resizing"] = watch.watch(GOAL_MS, lambda: repeat(seconds, 100, resize))
    window.resize(1200, 820)
    workings.chat_view.jump_to_end()
    workings.shown.send("Go on")
    wait_for(lambda: _length(application) > 20)
    cpu, length = time.thread_time(), _length(application)
    found["streaming"] = watch.watch(GOAL_MS, lambda: run_for(2 * seconds))
    num_tokens = (_length(application) - length) / CHARACTERS
    found["streaming"].ms_per_token = 1000 * (time.thread_time() - cpu) / num_tokens
    found["streaming and scrolling"] = watch.watch(
        GOAL_MS, lambda: repeat(seconds, 30, lambda: turn_wheel(application, rng.choice((2, 1, -1))))
    )
    found["streaming and resizing"] = watch.watch(GOAL_MS, lambda: repeat(seconds, 100, resize))
    workings.shown.stop()
    wait_for(lambda: not workings.shown.session.is_answering)
    return found


def _length(application: Application) -> int:
    messages = application.workings.messages
    return len(messages.message(messages.rowCount() - 1).text)


def play_hostile(application: Application) -> Gaps:
    """Every hostile message is shown, scrolled through and left."""
    workings = application.workings

    def show_all() -> None:
        bar = workings.chat_view.verticalScrollBar()
        for text in [text.replace("{host}", "http://127.0.0.1:9") for text in FETCHING] + BREAKING:
            conversation = Conversation.new()
            conversation.append(role="user", text="Hello")
            conversation.append(role="assistant", text=text, model="m")
            workings.messages.show_path(conversation.path())
            run_for(0.25)
            for part in (0.0, 0.5, 1.0):
                bar.setValue(round(part * bar.maximum()))
                run_for(0.03)

    return Watch().watch(HOSTILE_GOAL_MS, show_all)


def main() -> None:
    """Play every scene; a table for people, one JSON line last for programs."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--hostile", action="store_true")
    options = parser.parse_args()
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    with tempfile.TemporaryDirectory() as home:
        os.environ["RETORT_HOME"] = home
        qt = QApplication(["retort"])
        paths = Paths.from_environment()
        paths.ensure()
        conversation = conversation_of(NUM_MESSAGES)
        store = ConversationStore(paths.conversations)
        store.insert(conversation)
        store.close(60)
        application = build(paths, qt)
        application.show()
        wait_for(lambda: application.is_complete)
        wait_for(lambda: application.workings.preferences.settings is not None)
        application.workings.preferences.change_load(MODEL, LoadParams(context_length=2**20))
        application.workings.choice.choose(MODEL)
        wait_for(lambda: application.workings.choice.loaded is not None)
        run_for(2)
        found = {} if options.hostile else play(application, conversation.id, options.seconds)
        if options.hostile:
            found["hostile messages"] = play_hostile(application)
        application.close()
        qt.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    reports = {scene: gaps.report() for scene, gaps in found.items()}
    for scene, report in reports.items():
        print(f"{scene:26}", "  ".join(f"{name} {value:g}" for name, value in report.items()))
    platform = QApplication.platformName()
    print(json.dumps({"benchmark": "event_loop", "platform": platform, "scenes": reports}))


if __name__ == "__main__":
    main()
