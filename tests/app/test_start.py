"""Starting and ending as a process of its own."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from PySide6.QtWidgets import QApplication, QMessageBox
from pytestqt.qtbot import QtBot

from app.application import build
from engine.contract.paths import Paths
from engine.contract.processes import child_environment
from engine.library.records import Records
from tests.support.tiny_model import write_tiny_model
from tests.support.window import WAIT_MS

WAIT_S = 60.0
COMMAND = [sys.executable, "-c", "import sys; from app.__main__ import main; sys.exit(main([]))"]


@pytest.fixture
def started(paths: Paths) -> Iterator[subprocess.Popen[bytes]]:
    environment = child_environment() | {
        "QT_QPA_PLATFORM": "offscreen",
        "RETORT_HOME": os.environ["RETORT_HOME"],
    }
    environment.pop("DISPLAY", None)
    process = subprocess.Popen(COMMAND, env=environment | {"DISPLAY": ":none"}, stderr=subprocess.DEVNULL)
    yield process
    process.kill()
    process.wait()


def wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WAIT_S
    while not holds():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.05)


def engine_processes(window: subprocess.Popen[bytes]) -> list[psutil.Process]:
    """The host and the workers below a window."""
    children = psutil.Process(window.pid).children(recursive=True)
    return [child for child in children if {"engine.host", "engine.worker"} & set(words_of(child))]


def words_of(process: psutil.Process) -> list[str]:
    try:
        return list(process.cmdline())
    except psutil.NoSuchProcess:
        return []


def test_what_is_heavy_is_not_imported_before_the_window_can_be_seen() -> None:
    heavy = {
        "msgspec",
        "sqlcipher3",
        "engine.contract.messages",
        "app.chat_view.inline_layout",
        "app.workings",
    }
    program = f"import sys, app.application; print(sorted({heavy!r} & set(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", program], env=child_environment(), capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


@pytest.mark.slow
def test_a_window_that_is_killed_leaves_no_process_behind(started: subprocess.Popen[bytes]) -> None:
    wait_until(lambda: len(engine_processes(started)) >= 2)
    children = engine_processes(started)
    started.kill()
    started.wait()
    _, alive = psutil.wait_procs(children, timeout=WAIT_S)
    assert alive == []


@pytest.mark.slow
def test_closing_the_window_ends_the_program_and_its_engine(paths: Paths) -> None:
    program = """
import sys
from PySide6.QtCore import QTimer
from app import application
from engine.contract.paths import Paths

def host_runs(log):
    return log.exists() and "runs" in log.read_text()

def build_and_close_soon(paths, qt):
    built = application.Application(paths, qt)
    looking = QTimer(built.window, interval=50)
    log = paths.log / "window.log"
    looking.timeout.connect(lambda: host_runs(log) and built.window.close())
    looking.start()
    return built

application.build = build_and_close_soon
sys.exit(application.run_window(Paths.from_environment(), []))
"""
    environment = child_environment() | {"QT_QPA_PLATFORM": "offscreen"}
    done = subprocess.run([sys.executable, "-c", program], env=environment, timeout=WAIT_S, check=False)
    assert done.returncode == 0
    assert "runs" in (paths.log / "window.log").read_text(encoding="utf-8")  # the engine host did


@pytest.mark.slow
def test_the_start_after_an_unexpected_end_says_so_and_the_one_after_does_not(
    started: subprocess.Popen[bytes], paths: Paths
) -> None:
    wait_until((paths.log / "running").exists)
    started.kill()
    started.wait()
    program = """
import sys
from PySide6.QtCore import QTimer
from app import application
from engine.contract.paths import Paths

class ClosedSoon(application.Application):
    def show(self, model_file=""):
        super().show(model_file)
        QTimer.singleShot(800, self.tell_and_close)

    def tell_and_close(self):
        print("notice:", self.window.page.notice.text)
        self.window.close()

application.build = ClosedSoon
sys.exit(application.run_window(Paths.from_environment(), []))
"""
    environment = child_environment() | {"QT_QPA_PLATFORM": "offscreen"}
    command = [sys.executable, "-c", program]
    said = [
        subprocess.run(
            command, env=environment, timeout=WAIT_S, check=True, capture_output=True, text=True
        ).stdout
        for _ in range(2)
    ]
    assert "Retort ended unexpectedly the last time" in said[0]
    assert said[1].strip() == "notice:"
    assert len(list(paths.log.glob("crash-*.txt"))) == 1


@pytest.mark.slow
def test_a_second_start_leaves_the_folder_to_the_first_window(
    started: subprocess.Popen[bytes], paths: Paths
) -> None:
    wait_until((paths.data / "requests").exists)  # made by the owner of the folder
    environment = child_environment() | {"QT_QPA_PLATFORM": "offscreen", "DISPLAY": ":none"}
    second = subprocess.run(COMMAND, env=environment, timeout=WAIT_S, check=False)
    assert second.returncode == 0
    assert started.poll() is None


@pytest.mark.llama
@pytest.mark.slow
def test_a_model_file_opened_by_a_second_start_comes_into_the_first_ones_library(
    started: subprocess.Popen[bytes], paths: Paths, tmp_path: Path
) -> None:
    wait_until((paths.data / "requests").exists)
    model = write_tiny_model(tmp_path / "from the desktop.gguf")
    environment = child_environment() | {"QT_QPA_PLATFORM": "offscreen", "DISPLAY": ":none"}
    second = [sys.executable, "-m", "app", model.name]
    done = subprocess.run(second, env=environment, timeout=WAIT_S, check=False, cwd=tmp_path)
    assert done.returncode == 0
    records = Records(paths.records)
    wait_until(lambda: len(records.all()) == 1)
    (record,) = records.all()
    assert (record.path, record.is_reference) == (str(model), True)
    assert started.poll() is None


def test_conversations_that_cannot_be_opened_are_explained_and_the_window_ends(
    paths: Paths, qapp: QApplication, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths.conversations.write_bytes(b"this is no database" * 500)
    said: list[str] = []
    monkeypatch.setattr(QMessageBox, "critical", lambda _parent, _title, text: said.append(text))
    application = build(paths, qapp)
    qtbot.addWidget(application.window)
    application.show()
    qtbot.waitUntil(lambda: bool(said), timeout=WAIT_MS)
    assert "not touched" in said[0]
    assert not application.is_complete
    assert application.exit_status == 1
    assert application.window.isHidden()
