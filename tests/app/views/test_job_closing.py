"""The window closes with jobs running: they go on without it, or stop with it and start over."""

import json
from pathlib import Path

import psutil
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.application import Application
from engine.contract.jobs import QuantizeJob
from engine.library.gguf import read_header
from tests.support.window import WAIT_MS, Open

pytestmark = [pytest.mark.slow, pytest.mark.llama]
SLOW = json.dumps({"base": "Q2_K"})


def begin(application: Application, target: Path, qtbot: QtBot) -> None:
    """Begin a quantization and wait until it runs."""
    jobs = application.workings.workbench.jobs
    jobs.begin(QuantizeJob(source="builtin", target=str(target), recipe=SLOW))
    qtbot.waitUntil(lambda: jobs.entry(0).progress is not None, timeout=WAIT_MS)


def answer(application: Application, button: str) -> None:
    """Close the window and press a button of the question that comes."""
    application.window.close()
    question = application.workings.workbench.closing.question
    assert question is not None
    assert application.window.isVisible()
    QTest.keyClick(getattr(question, button), Qt.Key.Key_Space)


def test_stopped_jobs_start_over_with_the_next_window(
    open_window: Open, tmp_path: Path, qtbot: QtBot
) -> None:
    target = tmp_path / "out.gguf"
    first = open_window()
    begin(first, target, qtbot)
    answer(first, "stay")
    assert first.window.isVisible()
    assert first.workings.workbench.jobs.is_busy
    answer(first, "stop_wanted")
    assert not first.window.isVisible()
    assert not target.exists()
    second = open_window()
    jobs = second.workings.workbench.jobs
    qtbot.waitUntil(lambda: jobs.rowCount() == 1, timeout=WAIT_MS)
    assert jobs.entry(0).record.starts == 2
    assert jobs.entry(0).words.startswith("Started over") or jobs.entry(0).is_over
    qtbot.waitUntil(lambda: not jobs.is_busy, timeout=WAIT_MS)
    assert read_header(target).size_bytes == target.stat().st_size
    second.window.close()
    assert not second.window.isVisible()


def is_seen(application: Application) -> bool:
    """Whether there is a window now."""
    return application.window.isVisible()


def test_jobs_are_finished_without_the_window_which_can_come_back_meanwhile(
    application: Application, tmp_path: Path, qtbot: QtBot
) -> None:
    target = tmp_path / "out.gguf"
    begin(application, target, qtbot)
    jobs, closing = application.workings.workbench.jobs, application.workings.workbench.closing
    answer(application, "finish_wanted")
    assert closing.is_finishing
    assert not is_seen(application)
    application.come_forward()  # as a second start asks for
    assert is_seen(application)
    assert QApplication.quitOnLastWindowClosed()
    jobs.begin(QuantizeJob(source="builtin", target=str(target), recipe=SLOW))
    answer(application, "finish_wanted")
    assert not is_seen(application)
    qtbot.waitUntil(lambda: not psutil.Process().children(), timeout=WAIT_MS)  # it has ended by itself
    assert not jobs.is_busy
    assert read_header(target).size_bytes == target.stat().st_size
