"""Workers that die at random moments: the host lives on, and nothing of them is left.

Twenty deaths by default; with RETORT_FULL_TESTS=1 five hundred.
"""

import gc
import os
import random
import threading
import time

import psutil
import pytest

from engine.contract.errors import WorkerDied
from engine.contract.messages import ErrorEvent, LoadRequest
from tests.support.host_recorder import HostRecorder, wait_until_no_worker_is_left, worker_processes

DEATHS = 500 if os.environ.get("RETORT_FULL_TESTS") else 20
WARM_UP = 5
SEED = 20261122
FREEDOM_BYTES = 8 * 2**20  # allocators keep some of what they once had
MODEL = "fake:rate=200,tokens=100000,load_s=0.05"


def die_once(host: HostRecorder, number: int, rng: random.Random) -> None:
    """Ask, kill the worker somewhere between its start and the middle of its answer, and hear of it."""
    host.submit(LoadRequest(request_id=f"load-{number}", model=MODEL))  # by hand: no limit of restarts
    host.ask(f"r{number}", MODEL)
    delay_s = rng.choice([0.0, 0.02, 0.1, 0.3, 0.6]) * rng.random()
    deadline = time.monotonic() + 20
    while not (workers := worker_processes()):
        assert time.monotonic() < deadline
        time.sleep(0.002)
    time.sleep(delay_s)
    workers[0].kill()
    error = host.end_of(f"r{number}")
    assert isinstance(error, ErrorEvent)
    assert error.code == WorkerDied.code
    host.events.clear()


def open_files() -> int:
    process = psutil.Process()
    return int(process.num_handles() if os.name == "nt" else process.num_fds())


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_a_host_outlives_its_workers_and_keeps_nothing_of_them() -> None:
    rng = random.Random(SEED)
    host = HostRecorder()
    for number in range(WARM_UP):
        die_once(host, number, rng)
    wait_until_no_worker_is_left()
    gc.collect()
    files, threads = open_files(), threading.active_count()
    memory = psutil.Process().memory_info().rss
    for number in range(WARM_UP, WARM_UP + DEATHS):
        die_once(host, number, rng)
    wait_until_no_worker_is_left()
    gc.collect()
    assert not psutil.Process().children(recursive=True)
    assert open_files() == files
    assert threading.active_count() == threads
    grown = psutil.Process().memory_info().rss - memory
    print(f"the host holds {grown / 2**20:.2f} MiB more after {DEATHS} deaths")
    assert grown < FREEDOM_BYTES
    host.ask("after", "fake:tokens=5")
    assert host.finished("after").reason == "stop"
    host.close()
