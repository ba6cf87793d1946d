"""A workbench with a real host behind it and no window around it."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QEvent
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.engine_link.engine_client import EngineClient
from app.engine_link.host_process import HostProcess
from app.engine_link.model_library import ModelLibrary
from app.engine_link.workbench_client import WorkbenchClient
from app.lists.job_list import JobList
from app.theme.theme import Theme
from app.views.workbench.bench_control import BenchControl
from engine.contract.paths import Paths, resources
from engine.contract.processes import child_command, child_environment
from tests.support.builtin_models import BUILTIN_Q8_0

WAIT_MS = 60_000  # generous: jobs are processes, and a test machine may be busy
Wait = Callable[[Callable[[], bool]], None]


@pytest.fixture
def wait(qtbot: QtBot) -> Wait:
    """Waits until something has become true."""
    return lambda condition: qtbot.waitUntil(condition, timeout=WAIT_MS)


@pytest.fixture
def host_process(paths: Paths) -> HostProcess:
    """The real host, not started."""
    return HostProcess(child_command("engine.host"), child_environment(), paths.log / "host.log")


@pytest.fixture
def short_text(tmp_path: Path) -> Path:
    """Three chunks and a little of the text that Retort ships: quickly read."""
    text = (resources() / "builtin" / "STORIES.md").read_text(encoding="utf-8")[:5000]
    path = tmp_path / "short.txt"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture
def bench(
    host_process: HostProcess, paths: Paths, theme: Theme, qapp: QApplication, wait: Wait
) -> Iterator[BenchControl]:
    """The workbench with the built-in model in eight bits on it."""
    engine = EngineClient(host_process)
    client = WorkbenchClient(host_process)
    control = BenchControl(
        client=client,
        jobs=JobList(client),
        library=ModelLibrary(engine),
        current_model=lambda: str(BUILTIN_Q8_0),
        paths=paths,
        theme=theme,
    )
    control.page.resize(900, 900)
    control.page.show()
    control.open()
    wait(lambda: control.subject.map is not None)
    yield control
    control.dry_run.close()
    engine.close()
    control.page.deleteLater()
    qapp.sendPostedEvents(None, QEvent.Type.DeferredDelete)


def choose_type(bench: BenchControl, name: str) -> None:
    """Choose a type as a user does."""
    box = bench.quantize.recipe.type_box
    box.setCurrentIndex(box.findData(name))
    box.activated.emit(box.currentIndex())
