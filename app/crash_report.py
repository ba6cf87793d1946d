"""What is known of an end that nobody asked for: noted while Retort runs, read at the next start.

A mark is on the disk while the window is open; where it is still there at a start, the run before ended
unexpectedly. Nothing here is ever sent: the report is a text that the user reads, keeps or deletes.
"""

import faulthandler
import platform
import time
from collections.abc import Iterable
from pathlib import Path
from typing import IO

from engine.contract.version import RETORT_VERSION

LOG_LINES = 60  # of each log, in a report
KEPT_REPORTS = 5


class CrashWatch:
    """Marks a run as running, catches what native code says in its last moment, and finds what was left."""

    def __init__(self, folder: Path) -> None:
        """`folder` holds the logs."""
        self._folder = folder
        self._mark = folder / "running"
        self._last_words = folder / "last-words.txt"
        self._stream: IO[str] | None = None

    def start(self) -> Path | None:
        """Begin a run; answers the report of the run before where that one ended unexpectedly."""
        report = self._write_report() if self._mark.exists() else None
        self._stream = self._last_words.open("w", encoding="utf-8")
        faulthandler.enable(self._stream)
        self._mark.write_text(time.strftime("%Y-%m-%d %H:%M:%S"), encoding="utf-8")
        return report

    def end(self) -> None:
        """The run ends as it should."""
        if self._stream is not None:
            faulthandler.disable()
            self._stream.close()
            self._stream = None
        for path in (self._mark, self._last_words):
            path.unlink(missing_ok=True)

    def _write_report(self) -> Path:
        started = _read(self._mark).strip() or "at an unknown time"
        parts = [
            "Retort ended unexpectedly.",
            "",
            f"started   {started}",
            f"Retort    {RETORT_VERSION}",
            f"Python    {platform.python_version()}",
            f"system    {platform.platform()}",
            "",
            "Last words of the program:",
            _read(self._last_words).strip() or "none: it was ended from outside, or the computer stopped",
        ]
        for log in sorted(self._folder.glob("*.log")):
            parts += ["", f"The end of {log.name}:", *last_lines(log, LOG_LINES)]
        report = self._folder / f"crash-{time.strftime('%Y%m%d-%H%M%S')}.txt"
        report.write_text(without_home("\n".join(parts)) + "\n", encoding="utf-8")
        self._forget_old_reports()
        return report

    def _forget_old_reports(self) -> None:
        for old in crash_reports(self._folder)[KEPT_REPORTS:]:
            old.unlink(missing_ok=True)


def crash_reports(folder: Path) -> list[Path]:
    """The reports that are kept, the newest first."""
    return sorted(folder.glob("crash-*.txt"), reverse=True)


def last_lines(path: Path, count: int, most_bytes: int = 256 * 1024) -> list[str]:
    """The last lines of a text file that may be long; none where it cannot be read."""
    try:
        with path.open("rb") as file:
            file.seek(0, 2)
            file.seek(max(file.tell() - most_bytes, 0))
            return file.read().decode("utf-8", "replace").splitlines()[-count:]
    except OSError:
        return []


def without_home(text: str, homes: Iterable[str] = ()) -> str:
    """The text with the user's home folder, which holds their name, written as ~."""
    for home in (*homes, str(Path.home())):
        if len(home) > 1:
            text = text.replace(home, "~")
    return text


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
