"""A client with a real engine host behind it."""

from collections.abc import Iterator

import pytest
from pytestqt.qtbot import QtBot

from app.engine_link.engine_client import EngineClient
from app.engine_link.host_process import HostProcess
from engine.contract.paths import Paths
from engine.contract.processes import child_command, child_environment


@pytest.fixture
def host_process(paths: Paths, qtbot: QtBot) -> HostProcess:
    """The real host, not started."""
    return HostProcess(child_command("engine.host"), child_environment(), paths.log / "host.log")


@pytest.fixture
def client(host_process: HostProcess) -> Iterator[EngineClient]:
    """A client of the real host."""
    client = EngineClient(host_process)
    yield client
    client.close()
