"""Files that the hub gives by Xet only, by the real hf-xet from a store on this computer."""

import contextlib
import sys
import threading
import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from engine.contract.errors import DownloadDamaged, HubAnswerWrong
from engine.contract.hub_messages import TransferProgress
from engine.contract.paths import Paths
from engine.gateway import transfer
from engine.gateway.control import Cancelled, Control, Interrupted
from engine.library.journal import BLOCK_BYTES
from engine.library.network_log import NetworkLog
from tests.gateway.conftest import Pull
from tests.gateway.test_interruptions import content_of
from tests.support.fake_hub import FakeHub, FakeHubHandler, FileRequest
from tests.support.fake_store import TOKEN, FakeStore

pytestmark = pytest.mark.skipif(find_spec("hf_xet") is None, reason="hf-xet has no wheel for this machine")
CONTENT = content_of(2 * BLOCK_BYTES + 777)
TOKEN_PATH = "/api/models/acme/big/xet-read-token/c"


@pytest.fixture
def store(hub: FakeHub) -> Iterator[FakeStore]:
    """A store, and a hub that refuses the file and points to it."""
    with FakeStore(CONTENT) as found:

        def refuse(handler: FakeHubHandler, _request: FileRequest, _content: bytes) -> bool:
            link = f'<{handler.hub.endpoint}{TOKEN_PATH}>; rel="xet-auth"'
            handler.send_whole(400, b"", {"X-Xet-Hash": "ab" * 32, "Link": link})
            return True

        def give_token(handler: FakeHubHandler, path: str) -> bool:
            if path != TOKEN_PATH:
                return False
            headers = {"X-Xet-Cas-Url": found.url, "X-Xet-Access-Token": TOKEN}
            handler.send_whole(200, b"", {**headers, "X-Xet-Token-Expiration": str(int(time.time()) + 3600)})
            return True

        hub.add("acme/big", {"big.gguf": CONTENT})
        hub.file_lie, hub.api_lie = refuse, give_token
        yield found


def test_a_file_that_is_in_the_store_alone_is_fetched_hashed_and_listed(
    hub: FakeHub, store: FakeStore, paths: Paths, pull: Pull
) -> None:
    pulled = pull("acme/big")
    assert Path(pulled.model.path).read_bytes() == CONTENT
    assert pulled.fetched_bytes == len(CONTENT)
    assert len(hub.requests) == 1  # the plain way is tried first
    assert store.authorizations == {f"Bearer {TOKEN}"}  # and not the user's
    last = NetworkLog(paths.network_log).entries()[-1]
    assert (last.purpose, last.received_bytes) == ("fetching acme/big by Xet", len(CONTENT))
    assert {path.split("/")[1] for path in store.paths} == {"v2", "v1", "block"}  # no telemetry


def test_what_has_arrived_is_used_by_the_next_pull(
    hub: FakeHub, store: FakeStore, paths: Paths, pull: Pull
) -> None:
    control = Control()

    def end_late(event: TransferProgress) -> None:
        if event.done_bytes > BLOCK_BYTES:
            control.end()

    store.holds_from = 5
    with pytest.raises(Interrupted):
        pull("acme/big", control=control, emit=end_late)
    store.paths.clear()
    store.holds_from = 10**9
    assert pull("acme/big").fetched_bytes == len(CONTENT) - BLOCK_BYTES
    assert "/block/0" not in store.paths


def test_a_store_that_gives_other_bytes_is_said(hub: FakeHub, store: FakeStore, pull: Pull) -> None:
    store.content = CONTENT[:-1] + b"?"
    with pytest.raises(DownloadDamaged):
        pull("acme/big")


def test_a_silent_store_does_not_hold_a_cancel_up(
    hub: FakeHub, store: FakeStore, paths: Paths, pull: Pull
) -> None:
    store.is_silent = True
    control = Control()
    ended: list[float] = []

    def run() -> None:
        with pytest.raises(Cancelled):
            pull("acme/big", control=control)
        ended.append(time.monotonic())

    thread = threading.Thread(target=run)
    thread.start()
    while not store.paths:
        time.sleep(0.01)
    began = time.monotonic()
    control.cancel()
    thread.join()
    assert ended[0] - began < 1.0
    assert not list(paths.partial.glob("*.part"))


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-Xet-Cas-Url": "file:///etc", "X-Xet-Access-Token": "t", "X-Xet-Token-Expiration": "9"},
        {"X-Xet-Cas-Url": "http://h", "X-Xet-Access-Token": "t", "X-Xet-Token-Expiration": "soon"},
    ],
    ids=["nothing", "a file", "no time"],
)
def test_a_hub_that_names_no_store_is_said(
    hub: FakeHub, store: FakeStore, pull: Pull, headers: dict[str, str]
) -> None:
    def endless(handler: FakeHubHandler, path: str) -> bool:
        if path == TOKEN_PATH:
            handler.begin(200, {**headers, "Connection": "close"})
            with contextlib.suppress(OSError):
                while not handler.hub.is_closing.is_set():
                    handler.wfile.write(b"endless!" * 8192)
            handler.hang_up()
        return path == TOKEN_PATH

    hub.api_lie = endless
    with pytest.raises(HubAnswerWrong):
        pull("acme/big")
    assert store.paths == []


def test_without_the_library_it_is_said(
    hub: FakeHub, store: FakeStore, pull: Pull, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "hf_xet", None)
    with pytest.raises(HubAnswerWrong, match="hf-xet is not installed"):
        pull("acme/big")


def test_a_long_file_is_asked_for_in_ranges_that_the_hub_gives(
    hub: FakeHub, pull: Pull, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transfer, "MAX_RANGE_BYTES", BLOCK_BYTES + 5)
    hub.add("acme/big", {"big.gguf": CONTENT})
    assert pull("acme/big").fetched_bytes == len(CONTENT)
    assert max(request.end - request.start for request in hub.requests) == BLOCK_BYTES + 5
