"""`retort` as a process of its own, the way a user runs it."""

import subprocess
import sys
from dataclasses import dataclass

from engine.contract.processes import child_environment

TIME_LIMIT_S = 280
DISPLAY_VARIABLES = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")


@dataclass(frozen=True)
class Outcome:
    """What a command left behind."""

    status: int
    stdout: str
    stderr: str


def retort(*words: str, stdin: str | None = None, display: bool = True) -> Outcome:
    """Run a command; `stdin` None is an empty input, `display` false takes every display away."""
    environment = child_environment()
    if not display:
        environment = {name: value for name, value in environment.items() if name not in DISPLAY_VARIABLES}
    done = subprocess.run(
        [sys.executable, "-m", "app", *words],
        input=stdin or "",
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=TIME_LIMIT_S,
        env=environment | {"PYTHONWARNINGS": "error"},
        check=False,
    )
    return Outcome(done.returncode, done.stdout, done.stderr)
