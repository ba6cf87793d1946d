"""A published pack is fetched from one pinned address, and only with the bytes that are pinned."""

import hashlib
from pathlib import Path

import msgspec
import pytest

from engine.contract.errors import DownloadDamaged, InvalidRequest, NetworkError
from engine.contract.hub_messages import TransferProgress
from engine.contract.pack_messages import FetchPackRequest
from engine.contract.packs import LLAMA_COMMIT, PublishedPack, this_platform
from engine.contract.paths import Paths
from engine.gateway.control import Control
from engine.gateway.pace import SpeedLimit
from engine.gateway.packs import PackFetcher
from engine.library.network_log import NetworkLog
from engine.library.published_packs import published_packs
from tests.gateway.conftest import LITTLE
from tests.support.fake_hub import FakeHub

CONTENT = b"an archive" * 100_000
PACK = PublishedPack(
    id="vulkan-1",
    kind="vulkan",
    platform=this_platform(),
    file="vulkan.zip",
    size_bytes=len(CONTENT),
    sha256=hashlib.sha256(CONTENT).hexdigest(),
)


def fetch(paths: Paths, hub: FakeHub, pack: PublishedPack, told: list[TransferProgress]) -> Path:
    hub.add("acme/packs", {"vulkan.zip": CONTENT}, commit=LLAMA_COMMIT)
    fetcher = PackFetcher(
        paths, LITTLE, SpeedLimit(), [pack], lambda _name: f"{hub.endpoint}/acme/packs/resolve/main/"
    )
    request = FetchPackRequest(request_id="f", pack="vulkan-1")
    return Path(fetcher.fetch(request, Control(), told.append).path)


def test_a_pack_arrives_whole_and_the_request_is_listed_without_the_hubs_token(
    paths: Paths, hub: FakeHub
) -> None:
    told: list[TransferProgress] = []
    archive = fetch(paths, hub, PACK, told)
    assert archive.read_bytes() == CONTENT
    assert told
    assert [path.name for path in paths.partial.iterdir() if path.suffix != ".lock"] == ["vulkan.zip"]
    entries = NetworkLog(paths.network_log).entries()
    assert {entry.purpose for entry in entries} == {"fetching the engine pack vulkan-1"}


def test_other_bytes_than_the_pinned_ones_are_never_handed_on(paths: Paths, hub: FakeHub) -> None:
    with pytest.raises(DownloadDamaged):
        fetch(paths, hub, msgspec.structs.replace(PACK, sha256="0" * 64), [])
    with pytest.raises(NetworkError):
        fetch(paths, hub, msgspec.structs.replace(PACK, size_bytes=5), [])
    assert not list(paths.partial.glob("*.zip"))


def test_what_is_not_on_the_list_is_not_asked_for(paths: Paths, hub: FakeHub) -> None:
    with pytest.raises(InvalidRequest, match="no engine pack"):
        fetch(paths, hub, msgspec.structs.replace(PACK, id="another"), [])
    assert hub.paths == []


def test_the_shipped_list_is_read_and_other_systems_packs_are_left_out(tmp_path: Path) -> None:
    assert isinstance(published_packs(), tuple)
    other = msgspec.structs.replace(PACK, platform="plan9-mips")
    file = tmp_path / "packs.json"
    file.write_bytes(msgspec.json.encode({"packs": [PACK, other]}))
    assert published_packs(file) == (PACK,)
