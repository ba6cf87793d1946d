"""How long until the window can be seen, beside an empty PySide6 window in the same minute.

Each start is a fresh process; the two kinds take turns, so that other load meets both alike. The time runs
from the start of the process to the end of the first paint: on the wall clock, and in CPU of the process.

    python benchmarks/first_paint.py [--runs N]
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

REPORT = """
import os, sys, time
def report():
    print(time.process_time(), flush=True)
def report_and_end(close=lambda: None):
    report()
    sys.stdin.read()
    close()
    os._exit(0)
"""

EMPTY_WINDOW = (
    REPORT
    + """
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication, QMainWindow
class Window(QMainWindow):
    def paintEvent(self, event):
        super().paintEvent(event)
        QTimer.singleShot(0, report_and_end)
qt = QApplication(["empty"])
window = Window()
window.resize(1200, 820)
window.show()
qt.exec()
"""
)

RETORT_WINDOW = (
    REPORT
    + """
from PySide6.QtWidgets import QApplication
from app.application import build
from engine.contract.paths import Paths
qt = QApplication(["retort"])
application = build(Paths.from_environment(), qt)
application.window.first_painted.connect(report)
application.show()  # connects what builds the rest
application.window.first_painted.connect(lambda: report_and_end(application.close))
qt.exec()
"""
)


@dataclass(frozen=True, slots=True)
class Moment:
    """When something was reached: milliseconds since the start, on the wall clock and of CPU."""

    wall: float
    cpu: float


def start_once(program: str, num_moments: int, platform: str, home: str) -> list[Moment]:
    """Start a window and note when it says that it has reached its moments."""
    environment = os.environ | {
        "QT_QPA_PLATFORM": platform,
        "RETORT_HOME": home,
        "PYTHONPATH": str(ROOT),
        "QT_LOGGING_RULES": "qt.qpa.*=false",
    }
    started = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-c", program],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdin and process.stdout
    moments = []
    for _ in range(num_moments):
        cpu_s = float(process.stdout.readline())
        moments.append(Moment(1000 * (time.perf_counter() - started), 1000 * cpu_s))
    process.stdin.close()
    process.wait()
    process.stdout.close()
    return moments


def measure(platform: str, runs: int) -> dict[str, Moment]:
    """Medians of interleaved starts: when each window is painted, and when Retort's takes a message."""
    times: dict[str, list[Moment]] = {"empty": [], "retort": [], "retort_ready": []}
    with tempfile.TemporaryDirectory() as home:
        for run in range(runs + 1):
            (empty,) = start_once(EMPTY_WINDOW, 1, platform, home)
            painted, ready = start_once(RETORT_WINDOW, 2, platform, home)
            if run:  # the first of each fills the file caches
                for name, moment in (("empty", empty), ("retort", painted), ("retort_ready", ready)):
                    times[name].append(moment)
    return {
        name: Moment(
            statistics.median(moment.wall for moment in moments),
            statistics.median(moment.cpu for moment in moments),
        )
        for name, moments in times.items()
    }


def main() -> None:
    """Measure every platform there is; a table for people, one JSON line last for programs."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--runs", type=int, default=9)
    runs = parser.parse_args().runs
    report: dict[str, object] = {"benchmark": "first_paint", "runs": runs}
    print(f"{'platform':<10} {'clock':<6} {'empty ms':>9} {'Retort ms':>10} {'ratio':>6} {'ready ms':>9}")
    for platform in ("offscreen", *(["xcb"] if os.environ.get("DISPLAY") else [])):
        found = measure(platform, runs)
        figures: dict[str, float] = {}
        for clock in ("wall", "cpu"):
            empty, painted, ready = (
                getattr(found[name], clock) for name in ("empty", "retort", "retort_ready")
            )
            ratio = painted / empty
            print(f"{platform:<10} {clock:<6} {empty:>9.0f} {painted:>10.0f} {ratio:>6.2f} {ready:>9.0f}")
            figures |= {
                f"empty_{clock}_ms": round(empty, 1),
                f"retort_{clock}_ms": round(painted, 1),
                f"{clock}_ratio": round(ratio, 3),
                f"ready_{clock}_ms": round(ready, 1),
            }
        report[platform] = figures
    print(json.dumps(report))


if __name__ == "__main__":
    main()
