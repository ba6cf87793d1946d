"""Jobs of the workbench from the command line: asked, watched on stderr, cancelled by Ctrl+C."""

import sys
import time
from pathlib import Path
from typing import TypeVar

from engine.cli.engine_session import EngineSession, new_request_id
from engine.contract.job_messages import JobDone, JobProgress, JobRequest
from engine.contract.jobs import Job, JobResult
from engine.contract.messages import Event

LINE_EVERY_S = 5.0  # into a file; a terminal's line is written over

_Result = TypeVar("_Result", bound=JobResult)


def do_job(session: EngineSession, job: Job, result: type[_Result]) -> _Result:
    """Do a job and wait for it; raises EngineError, KeyboardInterrupt where it was cancelled."""
    request = JobRequest(request_id=new_request_id(), job=job)
    printer = _ProgressPrinter()
    try:
        done = session.ask(request, JobDone, on_event=printer.show).result
    finally:
        printer.end()
    assert isinstance(done, result)
    return done


def absolute(path: str | None) -> str:
    """A path of the command line, whatever folder the other processes are in; empty where none was given."""
    return str(Path(path).expanduser().absolute()) if path else ""


class _ProgressPrinter:
    """One line that is written over in a terminal, a line now and then elsewhere."""

    def __init__(self) -> None:
        self._in_terminal = sys.stderr.isatty()
        self._next_line_at = time.monotonic() + LINE_EVERY_S
        self._width = 0

    def show(self, event: Event) -> None:
        """Tell the progress that an event brings."""
        if not isinstance(event, JobProgress):
            return
        line = _in_words(event)
        if self._in_terminal:
            print(f"\r{line.ljust(self._width)}", end="", file=sys.stderr, flush=True)
            self._width = len(line)
        elif time.monotonic() >= self._next_line_at:
            print(line, file=sys.stderr, flush=True)
            self._next_line_at = time.monotonic() + LINE_EVERY_S

    def end(self) -> None:
        """Leave the terminal's line as if nothing had been there."""
        if self._width:
            print(f"\r{' ' * self._width}\r", end="", file=sys.stderr, flush=True)


def _in_words(event: JobProgress) -> str:
    words = f"{100 * event.fraction:3.0f} %  {event.words}"
    if event.total:
        words += f" {event.done}/{event.total}"
    if event.remaining_s is not None:
        minutes, seconds = divmod(round(event.remaining_s), 60)
        words += f", {minutes}:{seconds:02d} left"
    return words
