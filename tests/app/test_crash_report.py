import faulthandler
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.crash_report import KEPT_REPORTS, CrashWatch, crash_reports, last_lines, without_home
from app.theme.theme import Theme
from app.views.crash_dialog import CrashDialog
from engine.contract.processes import child_environment

CRASH = """
import faulthandler, sys
from pathlib import Path
from app.crash_report import CrashWatch

assert CrashWatch(Path(sys.argv[1])).start() is None
faulthandler._sigsegv()
"""


@pytest.fixture(autouse=True)
def faults_go_to_the_terminal_again() -> Iterator[None]:
    """The run of tests has a fault handler of its own."""
    yield
    faulthandler.enable(2)


@pytest.fixture
def report(tmp_path: Path) -> Path:
    path = tmp_path / "crash-20261122-120000.txt"
    path.write_text("Retort ended unexpectedly.\n", encoding="utf-8")
    return path


def test_a_run_that_ends_as_it_should_leaves_nothing(tmp_path: Path) -> None:
    watch = CrashWatch(tmp_path)
    assert watch.start() is None
    watch.end()
    assert list(tmp_path.iterdir()) == []


def test_a_crash_in_native_code_is_found_at_the_next_start_with_its_last_words(tmp_path: Path) -> None:
    (tmp_path / "window.log").write_text("one\ntwo\n", encoding="utf-8")
    crashed = subprocess.run(
        [sys.executable, "-c", CRASH, str(tmp_path)],
        env=child_environment(),
        capture_output=True,
        check=False,
    )
    assert crashed.returncode != 0
    watch = CrashWatch(tmp_path)
    report = watch.start()
    watch.end()
    assert report is not None
    text = report.read_text(encoding="utf-8")
    assert "Segmentation fault" in text
    assert "The end of window.log:\none\ntwo" in text


def test_a_run_that_was_ended_from_outside_is_told_too(tmp_path: Path) -> None:
    (tmp_path / "running").write_text("2026-11-22 12:00:00", encoding="utf-8")
    watch = CrashWatch(tmp_path)
    report = watch.start()
    watch.end()
    assert report is not None
    assert "ended from outside" in report.read_text(encoding="utf-8")
    assert not (tmp_path / "running").exists()


def test_a_few_reports_are_kept(tmp_path: Path) -> None:
    for number in range(KEPT_REPORTS + 3):
        (tmp_path / f"crash-20261122-12000{number}.txt").touch()
    (tmp_path / "running").touch()
    watch = CrashWatch(tmp_path)
    newest = watch.start()
    watch.end()
    assert len(crash_reports(tmp_path)) == KEPT_REPORTS
    assert newest in crash_reports(tmp_path)


def test_the_name_of_the_user_is_left_out() -> None:
    assert without_home("/home/ada/models/a.gguf", ["/home/ada"]) == "~/models/a.gguf"


def test_the_end_of_a_long_log_is_read_and_a_missing_one_is_empty(tmp_path: Path) -> None:
    log = tmp_path / "window.log"
    log.write_text("\n".join(f"line {number}" for number in range(100_000)), encoding="utf-8")
    assert last_lines(log, 2) == ["line 99998", "line 99999"]
    assert last_lines(tmp_path / "none.log", 2) == []


def test_the_report_can_be_read_copied_saved_and_deleted(
    report: Path, theme: Theme, qtbot: QtBot, qapp: QApplication, tmp_path: Path
) -> None:
    dialog = CrashDialog(report, theme)
    qtbot.addWidget(dialog)
    text = report.read_text(encoding="utf-8")
    assert dialog.text.toPlainText() == text
    dialog.copy()
    assert QGuiApplication.clipboard().text() == text
    dialog.save_as(str(tmp_path / "kept.txt"))
    assert (tmp_path / "kept.txt").read_text(encoding="utf-8") == text
    dialog.delete()
    assert not report.exists()
