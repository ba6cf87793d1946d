"""Wheels from an index: found by its page of links, gone on with after a break, refused if they differ."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from engine.contract.component_messages import FetchWheelsRequest, LockedWheel, WheelsFetched
from engine.contract.errors import DownloadDamaged, HubUnreachable, InvalidRequest, NotOnHub
from engine.contract.paths import Paths
from engine.gateway.control import Cancelled, Control
from engine.gateway.hub import Hub
from engine.gateway.pace import SpeedLimit
from engine.gateway.wheels import WheelFetcher
from engine.library.components import WHEELS, component_status
from engine.library.network_log import NetworkLog
from tests.gateway.conftest import LITTLE
from tests.support.fake_hub import FakeHubHandler, FileRequest
from tests.support.made_wheels import PackageIndex, lock_of, write_wheel

Fetch = Callable[..., WheelsFetched]
LARGE = 6 * 2**20  # more than one block of a part


@pytest.fixture
def index(monkeypatch: pytest.MonkeyPatch) -> Iterator[PackageIndex]:
    with PackageIndex() as fake:
        monkeypatch.setenv("RETORT_INDEX", f"{fake.endpoint}/simple")
        yield fake


@pytest.fixture
def paths() -> Paths:
    found = Paths.from_environment()
    found.ensure()
    return found


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    return write_wheel(tmp_path / "made", "tiny", {"tiny/data.bin": os.urandom(LARGE)})


@pytest.fixture
def fetch(index: PackageIndex, paths: Paths) -> Iterator[Fetch]:
    hub = Hub(NetworkLog(paths.network_log), LITTLE)
    fetcher = WheelFetcher(paths, hub, LITTLE, SpeedLimit())

    def fetch_all(*wheels: LockedWheel, control: Control | None = None) -> WheelsFetched:
        request = FetchWheelsRequest(request_id="w", purpose="tiny 1.0", wheels=wheels)
        return fetcher.fetch(request, control or Control(), lambda _event: None)

    yield fetch_all
    hub.close()


def test_a_wheel_arrives_with_its_hash_and_every_request_is_listed(
    index: PackageIndex, fetch: Fetch, wheel: Path, paths: Paths
) -> None:
    index.add_wheels(wheel)
    lock = lock_of(wheel)
    assert fetch(*lock.wheels).fetched_bytes == wheel.stat().st_size
    assert (paths.components / WHEELS / wheel.name).read_bytes() == wheel.read_bytes()
    assert fetch(*lock.wheels).fetched_bytes == 0  # it is there
    listed = NetworkLog(paths.network_log).entries()
    assert [entry.purpose for entry in listed] == ["fetching tiny 1.0"] * 2
    assert component_status(paths, lock).arrived_bytes == wheel.stat().st_size


def test_what_broke_off_goes_on_where_it_ended(index: PackageIndex, fetch: Fetch, wheel: Path) -> None:
    index.add_wheels(wheel)

    def break_off(handler: FakeHubHandler, request: FileRequest, content: bytes) -> bool:
        if request.start:
            return False
        handler.begin(206, {"Content-Range": f"bytes 0-{len(content) - 1}/{len(content)}"})
        handler.send_body(content[: 5 * 2**20])
        handler.hang_up()
        return True

    index.file_lie = break_off
    fetch(*lock_of(wheel).wheels)
    assert [request.start > 4 * 2**20 for request in index.requests] == [False, True]


def test_what_arrived_of_a_cancelled_one_is_kept_for_the_next(
    index: PackageIndex, fetch: Fetch, wheel: Path, paths: Paths
) -> None:
    index.add_wheels(wheel)
    control, lock = Control(), lock_of(wheel)

    def cancel_in_the_middle(handler: FakeHubHandler, request: FileRequest, content: bytes) -> bool:
        handler.begin(206, {"Content-Range": f"bytes 0-{len(content) - 1}/{len(content)}"})
        handler.send_body(content[: 5 * 2**20])
        control.cancel()
        handler.hang_up()
        return True

    index.file_lie = cancel_in_the_middle
    with pytest.raises(Cancelled):
        fetch(*lock.wheels, control=control)
    index.file_lie = None
    arrived = component_status(paths, lock).arrived_bytes
    assert fetch(*lock.wheels).fetched_bytes == wheel.stat().st_size - arrived


def test_another_file_of_the_same_name_is_refused(
    index: PackageIndex, fetch: Fetch, wheel: Path, paths: Paths, tmp_path: Path
) -> None:
    other = tmp_path / "other" / wheel.name
    other.parent.mkdir()
    other.write_bytes(wheel.read_bytes()[:-1] + b"!")
    index.add_wheels(other)
    with pytest.raises(DownloadDamaged):
        fetch(*lock_of(wheel).wheels)
    assert not (paths.components / WHEELS / wheel.name).exists()


def test_what_the_index_does_not_have_is_said(index: PackageIndex, fetch: Fetch, wheel: Path) -> None:
    with pytest.raises(NotOnHub, match="tiny"):
        fetch(*lock_of(wheel).wheels)


def test_an_index_that_does_not_answer_is_given_up(
    index: PackageIndex, fetch: Fetch, wheel: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RETORT_INDEX", "http://127.0.0.1:9/simple")
    with pytest.raises(HubUnreachable):
        fetch(*lock_of(wheel).wheels)


def test_a_name_that_leads_elsewhere_is_never_asked_for(index: PackageIndex, fetch: Fetch) -> None:
    bad = LockedWheel(file="../../etc/x.whl", sha256="0" * 64, size_bytes=1, index="python_packages")
    with pytest.raises(InvalidRequest, match="no name of a wheel"):
        fetch(bad)
    assert index.paths == []
