"""A fake hub, and a puller that asks it with little patience."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from engine.contract.hub_messages import ModelPulled, PullRequest, TransferProgress
from engine.contract.paths import Paths
from engine.gateway.control import Control
from engine.gateway.hub import Hub
from engine.gateway.pace import SpeedLimit
from engine.gateway.patience import Patience
from engine.gateway.pull import Puller
from engine.library.network_log import NetworkLog
from tests.support.fake_hub import FakeHub

LITTLE = Patience(
    connect_s=1.0,
    read_s=0.6,
    answer_s=2.0,
    tries=4,
    first_wait_s=0.02,
    longest_wait_s=0.1,
    longest_asked_wait_s=1.0,
    stall_window_s=0.5,
    least_bytes_per_s=20_000,
    keep_free_bytes=2**20,
)

Pull = Callable[..., ModelPulled]


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHub]:
    with FakeHub() as fake:
        monkeypatch.setenv("HF_ENDPOINT", fake.endpoint)
        monkeypatch.setenv("HF_TOKEN", "hf_secret")
        yield fake


@pytest.fixture
def paths(hub: FakeHub) -> Paths:
    found = Paths.from_environment()
    found.ensure()
    return found


@pytest.fixture
def pull(hub: FakeHub, paths: Paths) -> Iterator[Pull]:
    """Fetch in this process."""
    client = Hub(NetworkLog(paths.network_log), LITTLE)
    speed_limit = SpeedLimit()
    puller = Puller(paths, client, LITTLE, speed_limit)

    def pull_one(
        repository: str = "acme/tiny",
        file: str = "",
        *companions: str,
        revision: str = "",
        control: Control | None = None,
        emit: Callable[[TransferProgress], None] = lambda _event: None,
        limit_bytes_per_s: int = 0,
    ) -> ModelPulled:
        speed_limit.set(limit_bytes_per_s)
        request = PullRequest(
            request_id="p", repository=repository, file=file, companions=companions, revision=revision
        )
        return puller.pull(request, control or Control(), emit)

    yield pull_one
    client.close()


@pytest.fixture
def model_bytes(tiny_model: Path) -> bytes:
    """A real model, so long that it has several blocks."""
    return tiny_model.read_bytes()
