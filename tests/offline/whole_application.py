"""The whole application at work, window and commands; run by `run_offline.py` under a watch, not by itself.

Prints one line per step and returns 1 where a step did not do what it should.
"""

import json
import os
import subprocess
import sys
import time
import urllib.request

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication

from app.application import Application, build
from engine.contract.paths import Paths

QUESTION = "Tell me a story about a retort."
TIME_LIMIT_MS = 240_000
# command, whether it can work without a network
COMMANDS: tuple[tuple[tuple[str, ...], bool], ...] = (
    (("models", "--json"), True),
    (("inspect", "builtin"), True),
    (("run", "builtin", "Once upon a time", "--max-tokens", "12"), True),
    (("settings", "get", "offline"), True),
    (("network",), True),
    (("search", "tiny"), False),
    (("pull", "acme/tiny"), False),
    (("doctor",), True),
)


class Script:
    """Opens the window, asks the built-in model something, waits for its answer and closes the window."""

    def __init__(self, application: Application) -> None:
        self._application = application
        self.answer = ""
        application.window.first_painted.connect(lambda: QTimer.singleShot(0, self._begin))

    def _begin(self) -> None:
        if not self._application.is_complete:
            QTimer.singleShot(20, self._begin)
            return
        workings = self._application.workings
        workings.choice.choose("builtin")
        workings.new_chat()
        session = workings.shown.session
        session.answering_changed.connect(self._look)
        session.send(QUESTION, model="builtin")

    def _look(self, is_answering: bool) -> None:
        if not is_answering:
            self.answer = self._application.workings.shown.session.conversation.path()[-1].text
            self._application.window.close()
            QApplication.exit(0)


def chat_in_the_window() -> bool:
    """A question and its answer, in a window without a screen."""
    qt = QApplication(["retort"])
    application = build(Paths.from_environment(), qt)
    script = Script(application)
    QTimer.singleShot(TIME_LIMIT_MS, lambda: QApplication.exit(1))
    application.show()
    status = int(qt.exec())
    application.close()
    print(f"window: {script.answer[:60]!r}", flush=True)
    return status == 0 and bool(script.answer.strip())


def command(words: tuple[str, ...], *, works_offline: bool) -> bool:
    """One command, which is refused in words where it needs the network."""
    done = subprocess.run(
        [sys.executable, "-m", "app", *words], capture_output=True, text=True, timeout=240, check=False
    )
    print(f"retort {' '.join(words)}: {done.returncode}", flush=True)
    return done.returncode == 0 if works_offline else done.returncode == 1 and "offline" in done.stderr


def answer_over_http() -> bool:
    """`retort serve`, asked from this computer."""
    with subprocess.Popen(
        [sys.executable, "-m", "app", "serve", "--port", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=os.environ | {"RETORT_API_KEY": "key"},
    ) as server:
        try:
            assert server.stdout is not None
            address = server.stdout.readline().strip()
            request = urllib.request.Request(f"{address}/models", headers={"Authorization": "Bearer key"})
            with urllib.request.urlopen(request, timeout=60) as answer:
                found = json.loads(answer.read())
        except (OSError, ValueError) as error:
            print(f"serve: {error}", flush=True)
            return False
        finally:
            server.terminate()
    print(f"serve: {len(found['data'])} models", flush=True)
    return bool(found["data"])


def main() -> int:
    """Every step; the exit status says whether all of them did what they should."""
    began = time.monotonic()
    steps = [chat_in_the_window()]
    steps += [command(words, works_offline=works) for words, works in COMMANDS]
    steps.append(answer_over_http())
    print(f"{sum(steps)} of {len(steps)} steps, {time.monotonic() - began:.0f} s", flush=True)
    return 0 if all(steps) else 1


if __name__ == "__main__":
    sys.exit(main())
