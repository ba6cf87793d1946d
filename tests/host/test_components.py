"""Components through a whole host: offline by default, fetched by the gateway, installed, removed."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.contract.component_messages import (
    CheckComponentsRequest,
    ComponentsChecked,
    ComponentsListed,
    ComponentsRequest,
    ComponentStatus,
    InstallComponentRequest,
    RemoveComponentRequest,
)
from engine.contract.errors import ComponentMissing, InvalidRequest, OfflineError, StorageFailed
from engine.contract.hub_messages import TransferProgress
from engine.contract.messages import CancelRequest, ErrorEvent, Event, FinishedEvent, LoadRequest, Request
from engine.contract.paths import Paths
from engine.library.component_lock import ComponentLock
from tests.support.host_recorder import HostRecorder
from tests.support.made_wheels import PackageIndex, know_only, lock_of, write_wheel
from tests.support.tiny_checkpoint import DEEPSEEK, write_chat_checkpoint


@pytest.fixture
def index(monkeypatch: pytest.MonkeyPatch) -> Iterator[PackageIndex]:
    with PackageIndex() as fake:
        monkeypatch.setenv("RETORT_INDEX", f"{fake.endpoint}/simple")
        yield fake


@pytest.fixture
def lock(index: PackageIndex, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ComponentLock:
    wheel = write_wheel(tmp_path / "made", "tiny", {"tiny_module.py": b"", "data.bin": os.urandom(2**23)})
    index.add_wheels(wheel)
    made = lock_of(wheel)
    know_only(monkeypatch, tmp_path / "locks", made)
    return made


def told(host: HostRecorder, request: Request) -> ComponentStatus:
    host.submit(request)
    event = host.wait_for(
        lambda e: isinstance(e, ComponentsListed | ErrorEvent) and e.request_id == request.request_id
    )
    assert isinstance(event, ComponentsListed), event
    return event.components[0]


def refused(host: HostRecorder, request: Request) -> str:
    host.submit(request)
    event = host.end_of(request.request_id)
    assert isinstance(event, ErrorEvent)
    return event.code


def test_a_component_is_fetched_installed_checked_and_removed(
    host: HostRecorder, index: PackageIndex, lock: ComponentLock
) -> None:
    before = told(host, ComponentsRequest(request_id="l"))
    assert (before.state, before.download_bytes) == ("absent", lock.download_bytes)
    assert refused(host, InstallComponentRequest(request_id="o", name="tiny")) == OfflineError.code
    assert index.paths == []
    installed = told(host, InstallComponentRequest(request_id="i", name="tiny", online=True))
    assert (installed.state, installed.arrived_bytes) == ("installed", 0)  # the wheels are not kept
    phases = [e.phase for e in host.events if isinstance(e, TransferProgress) and e.request_id == "i"]
    assert phases.index("fetching") < phases.index("installing")
    told_of = [e for e in host.events if isinstance(e, TransferProgress) and e.phase == "installing"]
    assert [e.done_bytes for e in told_of] == sorted(e.done_bytes for e in told_of)
    assert told_of[-1].done_bytes > lock.download_bytes  # it goes on while the wheel is unpacked
    host.submit(CheckComponentsRequest(request_id="c"))
    checked = host.wait_for(lambda e: isinstance(e, ComponentsChecked))
    assert isinstance(checked, ComponentsChecked)
    assert checked.damaged == ()
    removed = told(host, RemoveComponentRequest(request_id="r", name="tiny"))
    assert (removed.state, removed.disk_bytes) == ("absent", 0)


def test_a_cancelled_installation_keeps_what_has_arrived_and_goes_on_from_there(
    host: HostRecorder, index: PackageIndex, lock: ComponentLock
) -> None:
    index.bytes_per_s = 6 * 2**20

    def is_on_the_disk(event: Event) -> bool:
        return isinstance(event, TransferProgress) and event.done_bytes > 5 * 2**20

    host.submit(InstallComponentRequest(request_id="i", name="tiny", online=True))
    host.wait_for(is_on_the_disk)
    host.submit(CancelRequest(request_id="i"))
    ended = host.end_of("i")
    assert isinstance(ended, FinishedEvent)
    assert ended.reason == "cancelled"
    kept = told(host, ComponentsRequest(request_id="l"))
    assert kept.state == "absent"
    assert kept.arrived_bytes >= 4 * 2**20
    index.bytes_per_s = 0
    assert told(host, InstallComponentRequest(request_id="j", name="tiny", online=True)).state == "installed"
    assert index.requests[-1].start == kept.arrived_bytes


def test_wheels_from_a_folder_need_no_network(
    host: HostRecorder, index: PackageIndex, lock: ComponentLock, tmp_path: Path
) -> None:
    made = str(tmp_path / "made")
    assert told(host, InstallComponentRequest(request_id="i", name="tiny", folder=made)).state == "installed"
    assert index.paths == []
    (tmp_path / "made" / lock.wheels[0].file).write_bytes(b"something else")
    bad = InstallComponentRequest(request_id="b", name="tiny", folder=made)
    assert refused(host, bad) == StorageFailed.code
    unknown = InstallComponentRequest(request_id="u", name="jax", folder=made)
    assert refused(host, unknown) == InvalidRequest.code


def test_a_model_that_needs_torch_is_refused_by_the_name_of_the_component(
    host: HostRecorder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    know_only(monkeypatch, tmp_path / "locks")
    monkeypatch.setattr("engine.library.backend_choice.has_modules", lambda _modules: False)
    checkpoint = write_chat_checkpoint(tmp_path / "model", DEEPSEEK)
    host.submit(LoadRequest(request_id="m", model=str(checkpoint)))
    event = host.end_of("m")
    assert isinstance(event, ErrorEvent)
    assert (event.code, event.details) == (ComponentMissing.code, {"component": "torch"})
    assert Paths.from_environment().components.exists() is False
