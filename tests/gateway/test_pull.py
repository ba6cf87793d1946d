"""Fetching from a hub that does what it should: into the library, verified, recorded, and no byte twice."""

import hashlib
import os
import random
from pathlib import Path

import pytest

from engine.contract.errors import HubRefused, InvalidRequest, NotOnHub
from engine.contract.paths import Paths
from engine.library.journal import BLOCK_BYTES
from engine.library.network_log import NetworkLog
from engine.library.records import Records
from tests.gateway.conftest import Pull
from tests.support.fake_hub import FakeHub, FakeHubHandler, FileRequest

BIG = bytes(range(256)) * (5 * BLOCK_BYTES // 512)  # two blocks and a half


def test_a_model_is_fetched_verified_and_recorded(
    hub: FakeHub, paths: Paths, pull: Pull, model_bytes: bytes
) -> None:
    hub.add("acme/tiny", {"tiny-Q8_0.gguf": model_bytes, "README.md": b"hello"})
    pulled = pull()
    path = paths.models / "acme" / "tiny" / "tiny-Q8_0.gguf"
    assert path.read_bytes() == model_bytes
    assert (pulled.model.path, pulled.model.problem) == (str(path), "")
    assert pulled.fetched_bytes == len(model_bytes)
    assert pulled.model.info is not None
    (record,) = Records(paths.records).all()
    assert record.files[0].sha256 == hashlib.sha256(model_bytes).hexdigest()
    assert (record.commit, record.author, record.license) == ("c" * 40, "acme", "apache-2.0")
    assert not [left for left in paths.partial.iterdir() if left.suffix != ".lock"]


def test_a_model_that_is_there_is_not_fetched_again(hub: FakeHub, pull: Pull, model_bytes: bytes) -> None:
    hub.add("acme/tiny", {"tiny.gguf": model_bytes})
    pull()
    hub.requests.clear()
    assert pull().fetched_bytes == 0
    assert hub.requests == []


def test_the_parts_of_a_model_arrive_together(hub: FakeHub, paths: Paths, pull: Pull) -> None:
    parts = {f"x/big-0000{n}-of-00002.gguf": BIG + bytes([n]) for n in (1, 2)}
    hub.add("acme/big", parts)
    pull("acme/big")
    folder = paths.models / "acme" / "big"
    assert sorted(path.name for path in folder.iterdir()) == [
        "big-00001-of-00002.gguf",
        "big-00002-of-00002.gguf",
    ]


def test_several_models_are_never_guessed_between(hub: FakeHub, pull: Pull, model_bytes: bytes) -> None:
    hub.add("acme/tiny", {"tiny-Q8_0.gguf": model_bytes, "tiny-Q4_K_M.gguf": model_bytes + b"0"})
    with pytest.raises(InvalidRequest, match="several models"):
        pull()
    with pytest.raises(InvalidRequest, match="it has tiny-Q8_0, tiny-Q4_K_M"):
        pull(file="Q5_K_M")
    assert hub.requests == []
    assert Path(pull(file="q8_0").model.path).name == "tiny-Q8_0.gguf"


def test_pickles_are_refused_with_the_reason(hub: FakeHub, pull: Pull) -> None:
    hub.add("acme/old", {"pytorch_model.bin": b"\x80\x04"})
    with pytest.raises(InvalidRequest, match="pickles"):
        pull("acme/old")


def test_a_checkpoint_is_fetched_with_what_it_needs_and_small_files_have_their_git_hash(
    hub: FakeHub, paths: Paths, pull: Pull
) -> None:
    hub.add("acme/raw", {"model.safetensors": BIG, "config.json": b"{}", "train.py": b"import os"})
    pull("acme/raw")
    folder = paths.models / "acme" / "raw"
    assert sorted(path.name for path in folder.iterdir()) == ["config.json", "model.safetensors"]


def test_what_is_not_there_or_not_allowed_is_said(hub: FakeHub, pull: Pull, model_bytes: bytes) -> None:
    hub.add("acme/tiny", {"tiny.gguf": model_bytes})
    with pytest.raises(NotOnHub):
        pull("acme/nothing")
    with pytest.raises(NotOnHub):
        pull(revision="v9")


def test_a_gated_model_says_so(hub: FakeHub, paths: Paths, pull: Pull, model_bytes: bytes) -> None:
    hub.add("acme/tiny", {"tiny.gguf": model_bytes}, gated=True)

    def refuse(handler: FakeHubHandler, request: FileRequest, content: bytes) -> bool:
        handler.send_whole(403, b"", {"X-Error-Code": "GatedRepo"})
        return True

    hub.file_lie = refuse
    with pytest.raises(HubRefused, match="terms"):
        pull()


def test_the_token_goes_to_the_hub_and_nothing_else_knows_it(
    hub: FakeHub, paths: Paths, pull: Pull, model_bytes: bytes
) -> None:
    hub.add("acme/tiny", {"tiny.gguf": model_bytes})
    pull()
    assert {request.authorization for request in hub.requests} == {"Bearer hf_secret"}
    for path in paths.data.rglob("*"):
        assert path.is_dir() or b"hf_secret" not in path.read_bytes()


def test_every_request_is_listed(hub: FakeHub, paths: Paths, pull: Pull, model_bytes: bytes) -> None:
    hub.add("acme/tiny", {"tiny.gguf": model_bytes})
    pull()
    entries = NetworkLog(paths.network_log).entries()
    assert [entry.purpose for entry in entries] == ["listing acme/tiny"] * 2 + ["fetching acme/tiny"]
    assert len(entries) == len(hub.paths)
    assert entries[-1].received_bytes == len(model_bytes)
    assert not [path for path in hub.paths if "agent" in path]


def test_a_byte_flipped_on_the_disk_costs_one_block(hub: FakeHub, paths: Paths, pull: Pull) -> None:
    content = random.Random(2).randbytes(2**27) * 2 if os.environ.get("RETORT_FULL_TESTS") else BIG
    hub.add("acme/big", {"big.gguf": content})
    path = Path(pull("acme/big").model.path)
    damaged = bytearray(content)
    damaged[BLOCK_BYTES + 17] ^= 1
    path.write_bytes(damaged)
    hub.requests.clear()
    assert pull("acme/big").fetched_bytes == BLOCK_BYTES
    assert [(r.start, r.end) for r in hub.requests] == [(BLOCK_BYTES, 2 * BLOCK_BYTES)]
    assert path.read_bytes() == content


def test_companions_are_told_and_fetched_where_they_are_asked_for(
    hub: FakeHub, paths: Paths, pull: Pull, model_bytes: bytes
) -> None:
    files = {"m-Q8_0.gguf": model_bytes, "mmproj-F32.gguf": b"GGUF" * 9, "mm/mmproj-F16.gguf": b"GGUF" * 5}
    hub.add("acme/m", files)
    alone = pull("acme/m")
    assert {group.name for group in alone.companions} == {"mmproj-F32", "mm/mmproj-F16"}
    assert alone.model.companions == ()
    with pytest.raises(InvalidRequest, match="no companion 'drafter'"):
        pull("acme/m", "", "drafter")
    both = pull("acme/m", "", "projector")
    assert both.fetched_bytes == len(b"GGUF" * 5), "the model itself is not fetched again"
    assert [Path(one.path).name for one in both.model.companions] == ["mmproj-F16.gguf"]
    assert [group.name for group in both.companions] == ["mmproj-F32"]
    assert {record.name for record in Records(paths.records).all()} == {"acme/m/m-Q8_0", "acme/m/mmproj-F16"}
