"""The host and the gateway: started on demand only, ended when it may not be, and said when it dies."""

import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from engine.contract.errors import GatewayDied, OfflineError
from engine.contract.hub_messages import (
    HubModelsFound,
    ModelPulled,
    PauseRequest,
    PullRequest,
    SearchRequest,
    TransferProgress,
)
from engine.contract.messages import CancelRequest, ErrorEvent, Event
from engine.contract.settings_messages import ChangeSettingRequest, SettingsListed
from tests.support.fake_hub import FakeHub
from tests.support.host_recorder import HostRecorder

SIZE_BYTES = 8 * 2**20


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHub]:
    with FakeHub() as fake:
        monkeypatch.setenv("HF_ENDPOINT", fake.endpoint)
        fake.add("acme/big", {"big.gguf": bytes(SIZE_BYTES)})
        yield fake


def gateways() -> list[psutil.Process]:
    return [child for child in psutil.Process().children() if "engine.gateway" in child.cmdline()]


def set_offline(host: HostRecorder, is_offline: bool) -> None:
    request_id = f"offline {time.monotonic()}"
    host.submit(ChangeSettingRequest(request_id=request_id, name="offline", value=is_offline))
    host.wait_for(lambda e: isinstance(e, SettingsListed) and e.request_id == request_id)


def is_fetching(event: Event) -> bool:
    return isinstance(event, TransferProgress) and event.phase == "fetching"


def test_while_offline_the_gateway_is_not_even_started(host: HostRecorder, hub: FakeHub) -> None:
    host.submit(SearchRequest(request_id="s", words="big"))
    error = host.end_of("s")
    assert isinstance(error, ErrorEvent)
    assert error.code == OfflineError.code
    assert gateways() == []
    assert hub.paths == []


def test_a_request_can_be_allowed_on_its_own(host: HostRecorder, hub: FakeHub) -> None:
    host.submit(SearchRequest(request_id="s", words="big", online=True))
    found = host.wait_for(lambda e: isinstance(e, HubModelsFound))
    assert isinstance(found, HubModelsFound)
    assert [model.repository for model in found.models] == ["acme/big"]


def test_a_pull_tells_how_far_it_is_and_ends_with_the_model(host: HostRecorder, hub: FakeHub) -> None:
    set_offline(host, False)
    hub.bytes_per_s = SIZE_BYTES * 2
    host.submit(PullRequest(request_id="p", repository="acme/big"))
    pulled = host.wait_for(lambda e: isinstance(e, ModelPulled))
    assert isinstance(pulled, ModelPulled)
    assert Path(pulled.model.path).stat().st_size == SIZE_BYTES
    assert pulled.model.problem  # zeros are no model, and that is said in words
    told = [event for event in host.events if isinstance(event, TransferProgress)]
    assert [event.done_bytes for event in told] == sorted(event.done_bytes for event in told)
    assert told[-1].done_bytes == told[-1].total_bytes == SIZE_BYTES
    assert any(event.bytes_per_s > 0 and event.remaining_s is not None for event in told)


def test_going_offline_ends_what_is_under_way_and_the_gateway(host: HostRecorder, hub: FakeHub) -> None:
    set_offline(host, False)
    hub.bytes_per_s = 2**20
    host.submit(PullRequest(request_id="p", repository="acme/big"))
    host.wait_for(is_fetching)
    set_offline(host, True)
    error = host.end_of("p")
    assert isinstance(error, ErrorEvent)
    assert error.code == OfflineError.code
    deadline = time.monotonic() + 10
    while gateways() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert gateways() == []


def test_a_gateway_that_dies_is_said_and_the_next_pull_goes_on(host: HostRecorder, hub: FakeHub) -> None:
    set_offline(host, False)
    hub.bytes_per_s = 4 * 2**20
    host.submit(PullRequest(request_id="p", repository="acme/big"))
    host.wait_for(is_fetching)
    (gateway,) = gateways()
    gateway.kill()
    error = host.end_of("p")
    assert isinstance(error, ErrorEvent)
    assert error.code == GatewayDied.code
    hub.bytes_per_s = 0
    host.submit(PullRequest(request_id="q", repository="acme/big"))
    host.wait_for(lambda e: isinstance(e, ModelPulled))


def test_a_pull_is_paused_goes_on_and_is_cancelled(host: HostRecorder, hub: FakeHub) -> None:
    set_offline(host, False)
    hub.bytes_per_s = 2 * 2**20
    host.submit(PullRequest(request_id="p", repository="acme/big"))
    host.wait_for(is_fetching)
    host.submit(PauseRequest(request_id="p"))
    host.wait_for(lambda e: isinstance(e, TransferProgress) and e.phase == "paused")
    host.events.clear()
    host.submit(PauseRequest(request_id="p", is_paused=False))
    host.wait_for(is_fetching)
    host.submit(CancelRequest(request_id="p"))
    assert host.finished("p").reason == "cancelled"
