"""More than a hundred messages that mean harm: nothing is fetched or opened, nothing ends or stands still."""

import random
import socket
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication

from app.chat_view.chat_view import ChatView
from app.conversations.conversation import Conversation, Message
from app.lists.message_list import MessageList

LONGEST_STEP_S = 0.1  # of CPU; what one pass of the event loop may take
HOST = "http://127.0.0.1:{port}"
FETCHING = [
    "![x]({host}/i.png)",
    "![x][r]\n\n[r]: {host}/i.png",
    "![x](<{host}/i.png> 't')",
    "[![x]({host}/i)]({host}/l)",
    "<img src='{host}/i.png'>",
    "<img src={host}/i.png/>",
    "<svg><image href='{host}/i'/></svg>",
    "<link rel=stylesheet href='{host}/c.css'>",
    "<style>@import '{host}/c.css';</style>",
    "<table background='{host}/i.png'>",
    '<body style="background-image: url({host}/i)">',
    "<iframe src='{host}'></iframe>",
    "<script src='{host}/x.js'></script>",
    "<object data='{host}/o'></object>",
    "<video poster='{host}/p'></video>",
    "<audio src='{host}/a'></audio>",
    "<meta http-equiv=refresh content='0;{host}'>",
    "![x](file:///etc/passwd)",
    "![x](/etc/passwd)",
    "![x](../../../etc/passwd)",
    "![x](//127.0.0.1/share/x.png)",
    "![x](\\\\127.0.0.1\\share\\x.png)",
    "![x](file://127.0.0.1/share/x)",
    "<img src='//127.0.0.1/share/x'>",
    "![x](data:image/png;base64,AAAA)",
    "![x](data:text/html,<script>x</script>)",
    "![x](javascript:alert(1))",
    "[x](javascript:alert(1))",
    "[x](vbscript:x)",
    "[x](data:text/html,x)",
    "[x](file:///etc/passwd)",
    "<{host}/auto>",
    "{host}/bare",
    "www.example.invalid/x",
    "someone@example.invalid",
    "![x](app://secret)",
    "![x](qrc:/x.png)",
    "![x](:/x.png)",
    "$\\includegraphics{{{host}/i.png}}$",
    "$$\\input{{/etc/passwd}}$$",
    "$\\href{{{host}}}{{x}}$",
    "```html\n<img src='{host}/i.png'>\n```",
    "`<img src='{host}/i.png'>`",
    "| ![x]({host}/i) |\n|---|\n| ![y]({host}/j) |",
    "[^1]\n\n[^1]: ![x]({host}/i)",
    "> ![x]({host}/i)",
    "- ![x]({host}/i)",
    "# ![x]({host}/i)",
    '![x]({host}/i "t")',
    "![x](  {host}/i.png  )",
    "<b style='background: url({host}/b)' onclick='x'>b</b>",
    "<div style=\"background: url('{host}/d')\">\n<img src={host}/i onerror=x>\n</div>",
    "<a href=javascript:alert(1)>x</a> <a href='{host}'>y</a>",
    "<details open ontoggle=x background='{host}/t'>\n<summary>&lt;img src={host}/s&gt;</summary>",
    "<p>&#x3c;script src={host}/e&#x3e;<br onload=x src={host}/f>",
]
BREAKING = [
    "x" * 5_000_000,
    "word " * 1_000_000,
    "line of text\n" * 300_000,
    "para\n\n" * 200_000,
    "```python\n" + "x = 1 # c\n" * 300_000,
    "```\n" + "x" * 5_000_000,
    "> " * 1000 + "deep",
    ">" * 1000 + "deep",
    "".join("  " * depth + "- a\n" for depth in range(1000)),
    "- " * 1000 + "x",
    "1. " * 1000 + "x",
    "[" * 50_000,
    "[" * 900 + "a",
    "![[" * 5000,
    "[a](" * 5000,
    "*a **a " * 10_000,
    "*" * 50_000,
    "_a __a " * 5000,
    "".join("`" * length + " " for length in range(300)),
    "$a " * 8000,
    "$$" * 8000,
    "\\( " * 8000,
    "\\[\n" * 3000,
    "|" + "a|" * 2000 + "\n|" + "-|" * 2000 + "\n|" + "b|" * 2000,
    "|a|b|\n|-|-|\n" + "|x|y|\n" * 5000,
    "&amp;" * 10_000,
    "<" * 20_000,
    "<div>" * 5000,
    "<b>" * 10_000,
    "<b>" * 10_000 + "x" + "</b>" * 10_000,
    "<b><i>x" * 1000 + "</b></i>" * 400,
    "<sub>a" * 1200,
    "<div>\n" + "<sub>\n" * 450 + "x" + "</sub>" * 400,
    "a <b x='" * 1000,
    "<!-- " * 2000,
    "<!--\n\n" * 2000,
    "<br>" * 5000,
    "a <br>\n" * 3000,
    "<script>\n" * 3000,
    "http://a.b/" * 3000,
    "a:" * 10_000,
    "www." * 8000,
    "a@b.c " * 5000,
    "\n".join(f"[r{number}]: http://x/{number}" for number in range(3000)),
    "[x]: http://x\n\n" + "[x] " * 900,
    "[^a] " * 900,
    "a" + "\u0301" * 20_000,
    "👩‍💻" * 10_000,
    "مرحبا " * 5000,
    "\u202e" * 1000 + "abc",
    "safe\u202egnp.exe",
    "\u2066\u2067\u2068" * 500,
    "a\0b" * 1000,
    "# h\n" * 3000,
    "---\n\n" * 3000,
    "```\na\n```\n" * 2000,
    "\\" * 20_000,
    "\t" * 20_000,
    "a\r\n\r\n" * 3000,
    "~~a " * 8000,
    "i" * 9_900,
]


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
    assert not [event for event in opened if "site-packages" not in event and ".svg" not in event]


@pytest.mark.slow
def test_nothing_makes_the_window_stand_still(view: ChatView, messages: MessageList) -> None:
    show_and_measure(view, messages, "warm-up\n\n```python\nx = 1\n```", seconds=2)
    slow = {}
    for number, text in enumerate(BREAKING):
        longest = min(show_and_measure(view, messages, text) for _ in range(2))
        if longest > LONGEST_STEP_S:
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
