"""What a listing says of the models in a repository."""

from collections.abc import Iterator

import pytest

from engine.contract.paths import Paths
from engine.gateway.control import Control
from engine.gateway.hub import Hub
from engine.gateway.repository import group_files
from engine.library.network_log import NetworkLog
from tests.gateway.conftest import LITTLE
from tests.support.fake_hub import FakeHub


@pytest.fixture
def client(hub: FakeHub, paths: Paths) -> Iterator[Hub]:
    client = Hub(NetworkLog(paths.network_log), LITTLE)
    yield client
    client.close()


def test_parts_that_are_missing_are_counted(hub: FakeHub, client: Hub) -> None:
    names = [f"big-Q4_K_M-{number:05}-of-00003.gguf" for number in (1, 3)]
    hub.add("acme/parts", dict.fromkeys([*names, "big-Q8_0.gguf"], bytes(5000)))
    listing = client.list("acme/parts", "", Control())
    missing = {group.quantization: group.num_missing for group in group_files(listing.files)}
    assert missing == {"Q4_K_M": 1, "Q8_0": 0}
