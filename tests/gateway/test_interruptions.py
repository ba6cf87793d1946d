"""What happens to a download that is killed, paused, cancelled, damaged on its way or runs out of disk."""

import json
import os
import random
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.contract.errors import InvalidRequest, StorageFailed
from engine.contract.hub_messages import PullRequest, TransferProgress
from engine.contract.paths import Paths
from engine.contract.processes import child_command, child_environment
from engine.contract.wire import encode
from engine.gateway.control import Cancelled, Control, Interrupted
from engine.library.journal import BLOCK_BYTES
from tests.gateway.conftest import Pull
from tests.support.fake_hub import FakeHub, FakeHubHandler, FileRequest

MIB = 2**20
IS_FULL = bool(os.environ.get("RETORT_FULL_TESTS"))
NUM_KILLS = 100 if IS_FULL else 2
KILLED_BYTES = (64 if IS_FULL else 9) * MIB
REFETCHED_PER_KILL = 16 * MIB
IN_TIME_S = 1.0


def content_of(size_bytes: int, seed: int = 1) -> bytes:
    drawn = random.Random(seed)  # draws less than 256 MiB at a time
    return b"".join(drawn.randbytes(min(MIB, size_bytes - at)) for at in range(0, size_bytes, MIB))


class PullInProcess:
    """`python -m engine.gateway` with one pull under way."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            child_command("engine.gateway"),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=child_environment(),
        )
        assert self.process.stdin is not None
        self.process.stdin.write(encode(PullRequest(request_id="p", repository="acme/big")))
        self.process.stdin.flush()

    def kill_after(self, seconds: float, *, of_fetching: bool) -> bool:
        """Kill it so long after its start, or its first byte; false where it had ended of itself before."""
        with self.process as process:
            assert process.stdout is not None
            killer = threading.Timer(seconds, process.kill)
            if not of_fetching:
                killer.start()
            for line in process.stdout:
                told = json.loads(line)
                if told["type"] == "transfer_progress" and not killer.is_alive() and of_fetching:
                    of_fetching = False
                    killer.start()
                if told["type"] in ("model_pulled", "error"):
                    killer.cancel()
                    process.kill()
                    assert told["type"] == "model_pulled", line
                    return False
            killer.join()
            return True


@pytest.mark.skipif(sys.platform == "win32", reason="a kill there is not a kill -9")
@pytest.mark.timeout(1800)
def test_a_kill_at_any_moment_costs_little_and_leaves_nothing_wrong(hub: FakeHub, paths: Paths) -> None:
    content = content_of(KILLED_BYTES)
    hub.add("acme/big", {"big.gguf": content})
    hub.bytes_per_s = 32 * MIB
    seed = random.randrange(10**6)
    moments = random.Random(seed)
    final = paths.models / "acme" / "big" / "big.gguf"
    num_kills, losses = 0, []
    while num_kills < NUM_KILLS:
        hub.requests.clear()
        hub.sent_by_request.clear()
        while PullInProcess().kill_after(
            moments.uniform(0.0, len(content) / hub.bytes_per_s), of_fetching=moments.random() < 0.8
        ):
            num_kills += 1
            assert not final.exists() or final.read_bytes() == content, f"seed {seed}"
        assert final.read_bytes() == content, f"seed {seed}"
        ends = [r.start + sent for r, sent in zip(hub.requests, hub.sent_by_request, strict=True)]
        starts = [request.start for request in hub.requests[1:]] + [len(content)]
        losses += [end - start for end, start in zip(ends, starts, strict=True)]
        assert not [left for left in paths.partial.iterdir() if left.suffix != ".lock"], f"seed {seed}"
        shutil.rmtree(paths.models)
        shutil.rmtree(paths.records)
    print(f"{num_kills} kills, fetched again at most {max(losses) / MIB:.1f} MiB, seed {seed}")
    assert max(losses) <= REFETCHED_PER_KILL, f"seed {seed}"


def test_a_byte_flipped_in_an_unfinished_file_costs_its_block(hub: FakeHub, paths: Paths, pull: Pull) -> None:
    content = content_of(5 * BLOCK_BYTES)
    hub.add("acme/big", {"big.gguf": content})
    control = Control()

    def stop_late(event: TransferProgress) -> None:
        if event.done_bytes > 4 * BLOCK_BYTES + 1000:
            control.end()

    hub.bytes_per_s = 64 * MIB
    with pytest.raises(Interrupted):
        pull("acme/big", control=control, emit=stop_late)
    (part,) = paths.partial.glob("*.part")
    with part.open("r+b") as file:
        file.seek(BLOCK_BYTES + 5)
        file.write(b"!")
    hub.requests.clear()
    pulled = pull("acme/big")
    assert Path(pulled.model.path).read_bytes() == content
    assert (hub.requests[0].start, hub.requests[0].end) == (BLOCK_BYTES, 2 * BLOCK_BYTES)
    assert pulled.fetched_bytes == 2 * BLOCK_BYTES


def test_damage_at_a_seam_is_found_without_fetching_the_file_twice(
    hub: FakeHub, paths: Paths, pull: Pull
) -> None:
    content = content_of(8 * BLOCK_BYTES)
    hub.add("acme/big", {"big.gguf": content})

    def damage_the_second_connection(handler: FakeHubHandler, request: FileRequest, content: bytes) -> bool:
        number = len(handler.hub.requests)
        if number > 2:
            return False
        body = bytearray(content[request.start : request.end])
        if number == 2:
            body[0] ^= 1
        span = f"bytes {request.start}-{request.end - 1}/{len(content)}"
        handler.begin(206, {"Content-Length": str(len(body)), "Content-Range": span})
        handler.send_body(bytes(body[: 3 * BLOCK_BYTES + 999 if number == 1 else None]))
        handler.hang_up()
        return True

    hub.file_lie = damage_the_second_connection
    pulled = pull("acme/big")
    assert Path(pulled.model.path).read_bytes() == content
    assert pulled.fetched_bytes == len(content) + BLOCK_BYTES


def test_damage_elsewhere_is_found_and_costs_the_file_once_more_at_most(
    hub: FakeHub, paths: Paths, pull: Pull
) -> None:
    content = content_of(20 * BLOCK_BYTES)
    hub.add("acme/big", {"big.gguf": content})

    def damage_the_first(handler: FakeHubHandler, request: FileRequest, content: bytes) -> bool:
        if len(handler.hub.requests) > 1:
            return False
        damaged = bytearray(content)
        damaged[2 * BLOCK_BYTES] ^= 1
        handler.send_range(request, bytes(damaged))
        return True

    hub.file_lie = damage_the_first
    pulled = pull("acme/big")
    assert Path(pulled.model.path).read_bytes() == content
    assert pulled.fetched_bytes <= 2 * len(content)


def when_under_way(
    pull: Pull, control: Control, act: Callable[[], None]
) -> tuple[list[TransferProgress], float]:
    """Pull on a thread, do something once bytes arrive; what was told, and how long it took from there."""
    told: list[TransferProgress] = []
    began = threading.Event()
    ended: list[BaseException | None] = []

    def emit(event: TransferProgress) -> None:
        told.append(event)
        if event.phase == "fetching":
            began.set()

    def run() -> None:
        try:
            pull("acme/big", control=control, emit=emit)
        except Cancelled as error:
            ended.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    assert began.wait(10)
    moment = time.monotonic()
    act()
    thread.join()
    assert len(ended) == 1
    return told, time.monotonic() - moment


def test_a_cancel_takes_effect_at_once_and_leaves_nothing(hub: FakeHub, paths: Paths, pull: Pull) -> None:
    hub.add("acme/big", {"big.gguf": content_of(16 * MIB)})
    hub.bytes_per_s = 4 * MIB
    control = Control()
    _, seconds = when_under_way(pull, control, control.cancel)
    assert seconds < IN_TIME_S
    assert not [left for left in paths.partial.iterdir() if left.suffix != ".lock"]


def test_a_server_that_says_nothing_does_not_hold_a_cancel_up(hub: FakeHub, paths: Paths, pull: Pull) -> None:
    hub.add("acme/big", {"big.gguf": content_of(MIB)})
    asked = threading.Event()

    def say_nothing(handler: FakeHubHandler, request: FileRequest, content: bytes) -> bool:
        asked.set()
        handler.hub.is_closing.wait(0.5)
        handler.hang_up()
        return True

    hub.file_lie = say_nothing
    control = Control()
    ended: list[float] = []

    def run() -> None:
        with pytest.raises(Cancelled):
            pull("acme/big", control=control)
        ended.append(time.monotonic())

    thread = threading.Thread(target=run)
    thread.start()
    assert asked.wait(10)
    began = time.monotonic()
    control.cancel()
    thread.join()
    assert ended[0] - began < 0.4  # before the server would have said anything


def test_a_pause_rests_at_once_and_goes_on_where_it_was(hub: FakeHub, paths: Paths, pull: Pull) -> None:
    content = content_of(2 * MIB)
    hub.add("acme/big", {"big.gguf": content})
    hub.bytes_per_s = 2 * MIB
    control = Control()
    rested = threading.Event()
    fetching = threading.Event()

    def emit(event: TransferProgress) -> None:
        if event.phase == "paused":
            rested.set()
        if event.phase == "fetching":
            fetching.set()

    pulled: list[int] = []
    thread = threading.Thread(
        target=lambda: pulled.append(pull("acme/big", control=control, emit=emit).fetched_bytes)
    )
    thread.start()
    assert fetching.wait(10)
    control.pause(True)
    assert rested.wait(IN_TIME_S)
    num_requests = len(hub.requests)
    time.sleep(0.2)
    assert len(hub.requests) == num_requests
    control.pause(False)
    thread.join()
    assert pulled == [len(content)]


def test_a_disk_without_room_is_said_before_a_byte_is_fetched(
    hub: FakeHub, paths: Paths, pull: Pull, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.add("acme/big", {"big.gguf": content_of(2 * MIB)})
    usage = shutil.disk_usage(paths.data)
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: usage._replace(free=2 * MIB))
    with pytest.raises(StorageFailed, match="are missing"):
        pull("acme/big")
    assert hub.requests == []


@pytest.mark.skipif(sys.platform == "win32", reason="there is no such limit")
def test_a_disk_that_fills_up_is_said_and_what_has_arrived_is_used_once_there_is_room(
    hub: FakeHub, paths: Paths, pull: Pull
) -> None:
    import resource  # noqa: PLC0415  (not on Windows)

    content = content_of(6 * BLOCK_BYTES)
    hub.add("acme/big", {"big.gguf": content})
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4 * BLOCK_BYTES + 5000, before[1]))
    try:
        with pytest.raises(StorageFailed, match="disk is full"):
            pull("acme/big")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    pulled = pull("acme/big")
    assert Path(pulled.model.path).read_bytes() == content
    assert pulled.fetched_bytes == 2 * BLOCK_BYTES


def test_a_speed_limit_holds(hub: FakeHub, paths: Paths, pull: Pull) -> None:
    size_bytes, limit = 2 * MIB, 4 * MIB
    hub.add("acme/big", {"big.gguf": content_of(size_bytes)})
    began = time.monotonic()
    pull("acme/big", limit_bytes_per_s=limit)
    assert time.monotonic() - began > 0.8 * size_bytes / limit


def test_several_pulls_at_once_share_the_limit(hub: FakeHub, paths: Paths, pull: Pull) -> None:
    size_bytes, limit = MIB, 4 * MIB
    names = ("acme/one", "acme/two", "acme/three")
    for seed, name in enumerate(names):
        hub.add(name, {"m.gguf": content_of(size_bytes, seed)})
    began = time.monotonic()
    threads = [
        threading.Thread(target=pull, args=(name,), kwargs={"limit_bytes_per_s": limit}) for name in names
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert time.monotonic() - began > 0.8 * len(names) * size_bytes / limit
    for seed, name in enumerate(names):
        assert (paths.models / name / "m.gguf").read_bytes() == content_of(size_bytes, seed)


def test_two_pulls_of_one_file_do_not_write_into_each_other(hub: FakeHub, paths: Paths, pull: Pull) -> None:
    hub.add("acme/big", {"big.gguf": content_of(4 * MIB)})
    hub.bytes_per_s = 4 * MIB
    control = Control()
    refused: list[str] = []

    def pull_again() -> None:
        try:
            pull("acme/big")
        except InvalidRequest as error:
            refused.append(str(error))
        control.cancel()

    when_under_way(pull, control, pull_again)
    assert refused == ["big.gguf is being fetched already"]
