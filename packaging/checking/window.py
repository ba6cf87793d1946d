"""The window under an X server of our own: a question is typed, its answer has to be in the database."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from checking.installed import LIMIT_S, Installed

QUESTION = "Tell me a story."


def check_window(installed: Installed, picture: Path | None) -> None:
    """A question typed into the window is answered and kept, and the window's processes go with it."""
    with display() as name:
        window = subprocess.Popen(installed.command(DISPLAY=name, QT_QPA_PLATFORM="xcb"))
        try:
            _on_display(name, "xdotool", "search", "--sync", "--onlyvisible", "--name", "Retort")
            time.sleep(4)  # the workings are built once the window can be seen
            _on_display(name, "xdotool", "type", "--delay", "40", QUESTION)
            _on_display(name, "xdotool", "key", "Return")
            kept = _wait_for_answer(installed.home / ".local" / "share" / "retort")
            if picture:
                _on_display(name, "import", "-window", "root", str(picture))
        finally:
            window.terminate()
            window.wait(timeout=30)
        print(f"window: {kept} messages kept")
        _wait_for_end(installed)
    print("window: none of its processes is left")


def _wait_for_end(installed: Installed) -> None:
    end = time.monotonic() + 20
    while left := installed.processes():
        if time.monotonic() > end:
            raise SystemExit("the window left processes behind:\n" + "\n".join(left))
        time.sleep(0.2)


def _on_display(name: str, *command: str) -> None:
    environment = os.environ | {"DISPLAY": name}
    subprocess.run(command, env=environment, check=True, timeout=LIMIT_S, stdout=subprocess.DEVNULL)


def _wait_for_answer(data: Path) -> int:
    """Wait until the question and an answer to it are in the database; returns how many messages are."""
    end = time.monotonic() + LIMIT_S
    while time.monotonic() < end:
        with contextlib.suppress(sqlite3.OperationalError):
            found = next(data.rglob("conversations.sqlite3"), None)
            if found:
                base = sqlite3.connect(f"file:{found}?mode=ro", uri=True)
                with contextlib.closing(base):
                    count: int = base.execute("SELECT count(*) FROM messages").fetchone()[0]
                if count >= 2:
                    return count
        time.sleep(0.5)
    raise SystemExit("the window kept no answer")


@contextlib.contextmanager
def display() -> Iterator[str]:
    """An X server of our own, on a number that it finds free itself; any user of this computer may use it."""
    reading, writing = os.pipe()
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(writing), "-screen", "0", "1280x800x24", "-nolisten", "tcp", "-ac"],
        pass_fds=(writing,),
        stderr=subprocess.DEVNULL,
    )
    os.close(writing)
    try:
        with os.fdopen(reading) as told:
            yield f":{told.readline().strip()}"
    finally:
        server.terminate()
        server.wait()
