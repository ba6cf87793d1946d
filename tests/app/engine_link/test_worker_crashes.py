"""Workers that die at random moments while a window listens: window and host live on, as they were before.

Ten deaths by default; with RETORT_FULL_TESTS=1 five hundred.
"""

import os
import random
import time

import psutil
import pytest
from pytestqt.qtbot import QtBot

from app.engine_link.engine_client import EngineClient
from app.engine_link.host_process import HostProcess
from engine.contract.chat import ChatMessage
from engine.contract.errors import EngineError, WorkerDied
from tests.support.host_recorder import worker_processes
from tests.support.window import WAIT_MS

DEATHS = 500 if os.environ.get("RETORT_FULL_TESTS") else 10
WARM_UP = 3
SEED = 20261122
FREEDOM_BYTES = 8 * 2**20  # allocators keep some of what they once had
MODEL = "fake:rate=200,tokens=100000,load_s=0.05"
QUESTION = (ChatMessage(role="user", text="Who are you?"),)


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_window_and_host_outlive_their_workers_and_keep_nothing_of_them(
    client: EngineClient, host_process: HostProcess, qtbot: QtBot
) -> None:
    failed: dict[str, EngineError] = {}
    client.failed.connect(failed.__setitem__)
    rng = random.Random(SEED)

    def die_once() -> None:
        client.load(MODEL)  # by hand: no limit of restarts
        request = client.generate(MODEL, QUESTION, conversation_id="c")
        host = psutil.Process(host_process.pid)
        qtbot.waitUntil(lambda: bool(worker_processes(host)), timeout=WAIT_MS)
        time.sleep(rng.choice([0.0, 0.1, 0.5]) * rng.random())
        for worker in worker_processes(host):
            worker.kill()
        qtbot.waitUntil(lambda: request in failed, timeout=WAIT_MS)
        assert isinstance(failed[request], WorkerDied)
        qtbot.waitUntil(lambda: not host.children(recursive=True), timeout=WAIT_MS)

    for _ in range(WARM_UP):
        die_once()
    pid = host_process.pid
    host = psutil.Process(pid)
    files, memory = host.num_handles() if os.name == "nt" else host.num_fds(), host.memory_info().rss
    for _ in range(DEATHS):
        die_once()
    assert host_process.pid == pid
    assert (host.num_handles() if os.name == "nt" else host.num_fds()) == files
    grown = host.memory_info().rss - memory
    print(f"the host holds {grown / 2**20:.2f} MiB more after {DEATHS} deaths")
    assert grown < FREEDOM_BYTES
    finished: list[str] = []
    client.finished.connect(lambda request_id, _event: finished.append(request_id))
    last = client.generate("fake:tokens=5", QUESTION, conversation_id="c")
    qtbot.waitUntil(lambda: last in finished, timeout=WAIT_MS)
