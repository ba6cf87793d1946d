"""What tests of the window get: a display without a screen, whole applications, a guard for timers."""

import gc
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import shiboken6
from PySide6.QtCore import QEvent, QTimer
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.application import Application, build
from app.conversations.store import ConversationStore
from app.theme.fonts import load_fonts
from app.theme.icons import Icons
from app.theme.theme import Theme
from engine.contract.paths import Paths, resources
from tests.support.window import WAIT_MS, Open

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The display without a screen says this of windows and popups, and means nothing by it."""
    cannot = "This plugin does not support (propagateSizeHints|raise|grabbing the keyboard)"
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.qt_log_ignore(cannot))


@pytest.fixture(scope="session", autouse=True)
def imported_modules_out_of_sight() -> Iterator[None]:
    """What was imported before these tests is not looked through for timers again and again."""
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.fixture(autouse=True)
def no_timer_left_running() -> Iterator[None]:
    """A test that leaves one of our own timers running fails."""
    before = _running_timers()
    yield
    left = _running_timers() - before
    assert not left, f"{len(left)} timers are still running"


def _running_timers() -> set[int]:
    timers = [thing for thing in gc.get_objects() if type(thing) is QTimer and shiboken6.isValid(thing)]
    return {id(timer) for timer in timers if timer.isActive()}


@pytest.fixture
def paths() -> Paths:
    """The folders of this test, made."""
    paths = Paths.from_environment()
    paths.ensure()
    return paths


@pytest.fixture
def store(paths: Paths) -> Iterator[ConversationStore]:
    """An empty store."""
    store = ConversationStore(paths.conversations)
    yield store
    store.close()


@pytest.fixture
def theme(qapp: QApplication) -> Theme:
    """The light theme with the shipped fonts and icons."""
    return Theme(qapp, load_fonts(resources() / "fonts"), Icons(resources() / "icons"), "light")


@pytest.fixture
def open_window(qapp: QApplication, qtbot: QtBot) -> Iterator[Open]:
    """Opens whole windows on this test's folders, with the real engine behind them."""
    opened: list[Application] = []

    def open_one() -> Application:
        application = build(Paths.from_environment(), qapp)
        opened.append(application)
        application.show()
        qtbot.waitUntil(
            lambda: application.is_complete and application.window.isActiveWindow(), timeout=WAIT_MS
        )
        return application

    yield open_one
    for application in opened:
        application.close()
        application.window.deleteLater()
    qapp.sendPostedEvents(None, QEvent.Type.DeferredDelete)


@pytest.fixture
def application(open_window: Open) -> Application:
    """One whole window."""
    return open_window()


@pytest.fixture
def damaged_model(tmp_path: Path) -> Path:
    """A file that begins like a model and goes on with nothing that makes sense."""
    path = tmp_path / "damaged.gguf"
    path.write_bytes(b"GGUF" + b"\xff" * 4096)
    return path
