"""`run.py`'s words: `test` runs the tests, anything else is the application's command line."""

from __future__ import annotations

import os
import signal
from types import FrameType

from set_up.places import Places, places_of, python_in
from set_up.prepare import prepare
from set_up.progress import SetUpError, say
from set_up.readiness import Wanted, wanted_for


def main(words: list[str], run_py: str) -> int:
    """Prepare everything and start what the words ask for; return the exit status."""
    if hasattr(signal, "SIGTERM"):
        signal.signal(signal.SIGTERM, _stop)
    try:
        places = places_of(run_py)
        if words[:1] == ["test"]:
            from set_up.check_everything import check_everything, options_from  # noqa: PLC0415 - not for a start

            options = options_from(words[1:])
            prepare(places, Wanted(tests=True, torch=options.torch))
            return check_everything(places, options)
        prepare(places, wanted_for(words, os.environ))
        return start(places, words)
    except SetUpError as error:
        say(f"retort: {error}")
        return 1
    except KeyboardInterrupt:
        say("retort: stopped; what was finished is kept, and the next start goes on from there")
        return 130


def _stop(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def start(places: Places, words: list[str]) -> int:
    """Become the application; on Windows, where that can't be done, wait for it."""
    command = [str(python_in(places.environment)), "-m", "app", *words]
    # The application is found through .venv/…/retort.pth, never in the folder the user happens to be in.
    environ = {**os.environ, "PYTHONSAFEPATH": "1"}
    if os.name == "posix":
        os.execve(command[0], command, environ)
    import subprocess  # noqa: PLC0415 - slow to import and needed on Windows only

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a Ctrl-C is the application's
    return subprocess.call(command, env=environ)
