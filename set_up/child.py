"""Running a program and reading what it prints, line by line; a stopped set-up leaves no child behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

KEPT_LINES = 400  # of the output's end: enough for any error message


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a program ended and the last lines it printed, stdout and stderr together."""

    status: int
    lines: list[str]

    @property
    def text(self) -> str:
        """The kept lines as one text."""
        return "\n".join(self.lines)


def run_program(
    command: list[str],
    *,
    environ: Mapping[str, str] | None = None,
    on_line: Callable[[str], None] | None = None,
    log: Path | None = None,
    timeout_s: float | None = None,
) -> Outcome:
    """Run a program to its end without stdin; a Ctrl-C ends it and everything it started first."""
    kept: deque[str] = deque(maxlen=KEPT_LINES)
    own_group = os.name != "nt"  # on Windows Ctrl-C reaches the whole console by itself
    child = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        errors="replace",
        env=dict(environ) if environ is not None else None,
        start_new_session=own_group,
    )
    assert child.stdout is not None
    log_file = log.open("w", encoding="utf-8") if log else None
    alarm = threading.Timer(timeout_s, child.kill) if timeout_s else None
    if alarm:
        alarm.start()
    try:
        for raw in child.stdout:
            line = raw.rstrip("\r\n")
            kept.append(line)
            if log_file:
                log_file.write(line + "\n")
            if on_line:
                on_line(line)
        return Outcome(child.wait(), list(kept))
    except BaseException:
        end(child, own_group=own_group)
        raise
    finally:
        if alarm:
            alarm.cancel()
        child.stdout.close()
        if log_file:
            log_file.close()


def end(child: subprocess.Popen[str], *, own_group: bool) -> None:
    """End a program and what it started: asked first, so that it tidies up, then made to."""
    if sys.platform == "win32" or not own_group:
        child.kill()
    else:
        for number in (signal.SIGINT, signal.SIGKILL):
            try:
                os.killpg(child.pid, number)
                child.wait(timeout=10)
            except ProcessLookupError:
                break
            except subprocess.TimeoutExpired:
                continue
    child.wait()
