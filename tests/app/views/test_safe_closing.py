"""Closing the window while the disk is full."""

import json
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QPushButton
from pytestqt.qtbot import QtBot

from app.application import Application
from app.views.closing_question import ClosingQuestion
from tests.support.accessible_tree import faults, walk
from tests.support.full_disk import Disk
from tests.support.window import WAIT_MS, Open

pytestmark = pytest.mark.slow
LONG = "precious " * 3000


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    disk = Disk(monkeypatch)
    disk.is_full = True
    return disk


@pytest.fixture
def application(disk: Disk, open_window: Open, qtbot: QtBot) -> Application:
    """A window in which something was said that the disk does not take."""
    application = open_window()
    application.workings.shown.send(LONG)
    qtbot.waitUntil(lambda: bool(application.window.page.notice.text), timeout=WAIT_MS)
    return application


def ask(application: Application) -> ClosingQuestion:
    """Try to close the window; what is asked."""
    assert not application.window.close()
    question = application.window.findChild(ClosingQuestion)
    assert question is not None
    assert application.window.isVisible()
    return question


def press(question: ClosingQuestion, name: str) -> None:
    button = next(one for one in question.findChildren(QPushButton) if one.text() == name)
    QTest.keyClick(button, Qt.Key.Key_Space)


def test_keeping_it_open_loses_nothing(application: Application, disk: Disk, qtbot: QtBot) -> None:
    question = ask(application)
    assert list(faults(walk(question))) == []
    press(question, "Keep open")
    assert application.window.isVisible()
    disk.is_full = False
    kept = application.workings.shown.session.conversation
    qtbot.waitUntil(lambda: application.workings.store.has(kept), timeout=WAIT_MS)
    assert application.window.close()


def test_a_copy_elsewhere_has_what_the_disk_has_not(application: Application, tmp_path: Path) -> None:
    question = ask(application)
    question.copy_wanted.emit(str(tmp_path / "no such folder" / "chats.json"))
    assert application.window.isVisible()
    question.copy_wanted.emit(str(tmp_path / "chats.json"))
    assert not application.window.isVisible()
    written = json.loads((tmp_path / "chats.json").read_text(encoding="utf-8"))
    assert [one["messages"][0]["text"] for one in written["conversations"]] == [LONG]


def test_what_was_given_up_does_not_keep_the_window_open(application: Application) -> None:
    press(ask(application), "Close and lose it")
    assert not application.window.isVisible()


def test_room_on_the_disk_answers_the_question(application: Application, disk: Disk, qtbot: QtBot) -> None:
    ask(application)
    disk.is_full = False
    qtbot.waitUntil(lambda: not application.window.isVisible(), timeout=WAIT_MS)
