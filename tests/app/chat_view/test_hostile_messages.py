"""More than a hundred messages that mean harm: nothing is fetched or opened, nothing ends or stands still."""

import random
import socket
import sys
import sysconfig
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication

from app.chat_view.chat_view import ChatView
from app.conversations.conversation import Conversation, Message
from app.lists.message_list import MessageList
from tests.support.hostile_messages import BREAKING, FETCHING

ATTEMPTS = 8
LONGEST_STEP_S = 0.1  # of CPU; what one pass of the event loop may take on the machine of the goals
YARDSTICK_S = 0.0737  # of CPU that the loop below takes there (benchmarks/chat_view.py)
HOST = "http://127.0.0.1:{port}"


@pytest.fixture
def canary() -> Iterator[socket.socket]:
    """Notices whoever connects."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        listening.setblocking(False)
        yield listening


@pytest.fixture
def opened() -> Iterator[list[str]]:
    """The files and connections that Python opens meanwhile."""
    events: list[str] = []
    is_listening = True

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        if is_listening and event in ("open", "socket.connect", "socket.getaddrinfo", "subprocess.Popen"):
            events.append(f"{event} {arguments[0]}")

    sys.addaudithook(hook)
    yield events
    is_listening = False


def conversation_with(text: str) -> list[Message]:
    conversation = Conversation.new()
    conversation.append(role="user", text="Hello")
    answer = conversation.append(role="assistant", text="", model="m")
    return [conversation.path()[0], replace(answer, text=text, reasoning=text[:2000])]


def show_and_measure(view: ChatView, messages: MessageList, text: str, seconds: float = 0.3) -> float:
    """Show an answer, scroll through it, paint it; returns the longest step in seconds of CPU."""
    longest = 0.0

    def step(action: object) -> None:
        nonlocal longest
        started = time.thread_time()
        if callable(action):
            action()
        QApplication.processEvents()
        longest = max(longest, time.thread_time() - started)

    step(lambda: messages.show_path(conversation_with(text)))
    bar = view.verticalScrollBar()
    ends = time.monotonic() + seconds
    while time.monotonic() < ends and view.idle.is_busy:
        step(None)
        time.sleep(0.002)
    for part in (0.0, 0.5, 1.0):
        step(lambda: bar.setValue(round(part * bar.maximum())))  # noqa: B023
    step(lambda: view.toggle_reasoning(1))
    step(view.viewport().repaint)
    return longest


def test_there_are_more_than_a_hundred_of_them() -> None:
    assert len(FETCHING) + len(BREAKING) > 100


def test_nothing_is_fetched_or_opened(
    view: ChatView, messages: MessageList, canary: socket.socket, opened: list[str], tmp_path: Path
) -> None:
    view._look.picture_folder = tmp_path
    host = HOST.format(port=canary.getsockname()[1])
    show_and_measure(view, messages, "warm-up ![x](y.png)\n\n- [ ] t\n\n```python\nx\n```")
    opened.clear()
    for text in FETCHING:
        show_and_measure(view, messages, text.format(host=host), seconds=0.05)
    with pytest.raises(BlockingIOError):
        canary.accept()
    own = ("site-packages", ".svg", sysconfig.get_path("stdlib"))  # lexers and icons are read when needed
    assert not [event for event in opened if not any(place in event for place in own)]


def slowness() -> float:
    """How much slower this machine is just now than that of the goals; 1 where it is not."""
    loop = compile("s = 0\nfor i in range(300_000): s += i * i", "yardstick", "exec")
    started = time.thread_time()
    exec(loop, {})
    return max(1.0, (time.thread_time() - started) / YARDSTICK_S)


@pytest.mark.slow
def test_nothing_makes_the_window_stand_still(view: ChatView, messages: MessageList) -> None:
    show_and_measure(view, messages, "warm-up\n\n```python\nx = 1\n```", seconds=2)
    slow = {}
    for number, text in enumerate(BREAKING):
        for attempt in range(ATTEMPTS):  # other work makes a step longer, never shorter
            longest = show_and_measure(view, messages, text) / (slowness() if attempt else 1.0)
            if longest <= LONGEST_STEP_S:
                break
            time.sleep(0.2 * attempt)
        else:
            slow[f"{number}: {text[:20]!r}"] = round(1000 * longest)
    assert not slow


@pytest.mark.slow
def test_hostile_text_that_streams_in_does_no_harm(view: ChatView, messages: MessageList) -> None:
    random.seed(20261122)
    pieces = [
        text[:300].format(host="http://127.0.0.1:9") if "{host}" in text else text[:300] for text in FETCHING
    ]
    pieces += [text[:300] for text in BREAKING]
    conversation = Conversation.new()
    answer = conversation.append(role="assistant", text="", state="streaming", model="m")
    messages.show_path(conversation.path())
    for _ in range(300):
        messages.append_text(
            answer.id, random.choice(pieces)[: random.randrange(1, 300)] + random.choice(["", "\n", "\n\n"])
        )
        view._follower.flush()
        view.viewport().repaint()
    text = messages.message(0).text
    assert view.column.read_all(0).part(1).source == text  # type: ignore[union-attr]
