"""What every test gets: folders of its own, and a guard against threads and processes left behind."""

import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from engine.contract.paths import builtin_model
from tests.support.builtin_models import BUILTIN_Q8_0
from tests.support.host_recorder import HostRecorder
from tests.support.tiny_model import write_tiny_model

# The reference runs with llama.cpp's default of 4 threads, on fewer processors perhaps: they must not spin.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

LEAK_GRACE_S = 15.0
SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(autouse=True)
def own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Every test has its own data, config and cache folders."""
    home = tmp_path / "retort-home"
    monkeypatch.setenv("RETORT_HOME", str(home))
    return home


@pytest.fixture(autouse=True)
def nothing_left_behind() -> Iterator[None]:
    """A test that leaves a thread or a child process behind fails."""
    threads_before = set(threading.enumerate())
    processes_before = {child.pid for child in psutil.Process().children(recursive=True)}
    yield
    deadline = time.monotonic() + LEAK_GRACE_S
    while time.monotonic() < deadline:
        left = _left_behind(threads_before, processes_before)
        if not left:
            return
        time.sleep(0.02)
    pytest.fail(f"left behind: {', '.join(left)}")


def _left_behind(threads_before: set[threading.Thread], processes_before: set[int]) -> list[str]:
    threads = [f"thread {thread.name}" for thread in set(threading.enumerate()) - threads_before]
    children = (c for c in psutil.Process().children(recursive=True) if c.pid not in processes_before)
    return threads + [f"process {child.pid}" for child in children]


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random Llama with one token per byte and no chat template."""
    return write_tiny_model(tmp_path_factory.mktemp("models") / "tiny.gguf")


@pytest.fixture(scope="session")
def builtin() -> Path:
    """The model that ships with Retort."""
    return builtin_model()


@pytest.fixture(scope="session")
def builtin_q8() -> Path:
    """The same model in eight bits."""
    return BUILTIN_Q8_0


@pytest.fixture
def shared_data() -> Path:
    """Real models and texts beside the checkout; tests that need them are skipped where they are not."""
    if not SHARED_DATA.is_dir():
        pytest.skip("needs the real models and texts of ../shared/data, which are not beside this checkout")
    return SHARED_DATA


@pytest.fixture
def host() -> Iterator[HostRecorder]:
    """A real engine host."""
    recorder = HostRecorder()
    yield recorder
    recorder.close()


def pytest_report_header() -> str:
    """Say what this run leaves out."""
    torch = "left out (--without-torch)" if os.environ.get("RETORT_WITHOUT_TORCH") else "included"
    shared = "present" if SHARED_DATA.is_dir() else "absent: tests that need it are skipped"
    return f"torch tests: {torch}; ../shared/data: {shared}"
