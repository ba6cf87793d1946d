"""How far a transfer is, on stderr: on a terminal one line that is written anew, in a log one per tenth."""

import sys

from engine.cli.models import in_gib
from engine.contract.hub_messages import TransferProgress
from engine.contract.messages import Event

_PHASES = {
    "checking": "checking",
    "fetching": "fetched",
    "paused": "paused at",
    "verifying": "verifying",
    "installing": "installing",
}


class TransferLines:
    """Shows the progress of one request."""

    def __init__(self) -> None:
        self._is_terminal = sys.stderr.isatty()
        self._is_line_open = False
        self._last = ("", -1)

    def show(self, event: Event) -> None:
        """Show progress; other events are passed over."""
        if not isinstance(event, TransferProgress):
            return
        percent = 100 * event.done_bytes // max(1, event.total_bytes)
        line = _in_words(event, percent)
        if self._is_terminal:
            print(f"\r{line:<78}", end="", file=sys.stderr, flush=True)
            self._is_line_open = True
        elif (event.phase, percent // 10) != self._last:
            self._last = event.phase, percent // 10
            print(line, file=sys.stderr, flush=True)

    def end(self) -> None:
        """Whatever is said next has a line of its own."""
        if self._is_line_open:
            self._is_line_open = False
            print(file=sys.stderr)


def _in_words(event: TransferProgress, percent: int) -> str:
    if event.phase == "waiting":
        return f"waiting: {event.notice}"
    line = f"{_PHASES[event.phase]} {percent} % of {in_gib(event.total_bytes)}"
    if event.bytes_per_s:
        line += f", {event.bytes_per_s / 2**20:.1f} MiB/s"
    if event.remaining_s is not None:
        minutes, seconds = divmod(round(event.remaining_s), 60)
        line += f", {minutes}:{seconds:02} left"
    return line
