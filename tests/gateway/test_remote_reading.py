"""Headers and cards of models on the hub, read without fetching them; and what a search tells."""

import struct
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.contract.errors import EngineError, HubAnswerWrong, HubUnreachable, ModelDamaged, ModelUnsupported
from engine.contract.hub_messages import (
    ModelCardRequest,
    RemoteHeaderRead,
    RemoteHeaderRequest,
    SearchRequest,
)
from engine.contract.paths import Paths
from engine.contract.wire import decode, encode
from engine.gateway import remote_reading
from engine.gateway.control import Control
from engine.gateway.hub import Hub
from engine.gateway.remote_reading import MAX_TEXT_BYTES, RemoteReader
from engine.gateway.search import active_in_name, search
from engine.library.checkpoint import read_checkpoint
from engine.library.describe import active_parameters, capabilities, checkpoint_capabilities, describe
from engine.library.gguf import GgufHeader, read_header
from engine.library.network_log import NetworkLog
from engine.library.remote_header import checkpoint_from_wire, gguf_from_wire
from tests.gateway.conftest import LITTLE
from tests.support.fake_hub import FakeHub, FakeHubHandler, FileRequest
from tests.support.tiny_checkpoint import DEEPSEEK, random_arrays, write_checkpoint
from tests.support.tiny_model import Shape, write_tiny_model

MIB = 2**20


@pytest.fixture
def asked(hub: FakeHub, paths: Paths) -> Iterator[Hub]:
    found = Hub(NetworkLog(paths.network_log), LITTLE)
    yield found
    found.close()


def read_remotely(asked: Hub, file: str = "") -> RemoteHeaderRead:
    """The header of acme/model, as it is after a journey over the wire."""
    request = RemoteHeaderRequest(request_id="h", repository="acme/model", file=file)
    answer = decode(encode(RemoteReader(asked, LITTLE).header(request, Control())))
    assert isinstance(answer, RemoteHeaderRead)
    return answer


def same_but_for_the_path(found: GgufHeader, local: GgufHeader) -> bool:
    fields = ("version", "size_bytes", "metadata", "tensors", "header_bytes")
    return all(getattr(found, field) == getattr(local, field) for field in fields)


def test_a_remote_header_says_what_the_file_says_and_its_weights_stay_there(
    hub: FakeHub, asked: Hub, paths: Paths, tmp_path: Path
) -> None:
    path = write_tiny_model(tmp_path / "m-F32.gguf", shape=Shape(256, 6, 4, 704), chat_template="{{ tools }}")
    hub.add("acme/model", {"m-F32.gguf": path.read_bytes()})
    answer = read_remotely(asked)
    local = read_header(path)
    assert same_but_for_the_path(gguf_from_wire(answer.header), local)
    assert answer.info.parameters == describe(local).parameters
    assert answer.capabilities == capabilities(local)
    assert answer.active_parameters == active_parameters(local)
    assert answer.fetched_bytes < local.header_bytes + MIB / 2 < local.size_bytes / 20
    assert not any(paths.models.rglob("*"))
    assert not any(paths.partial.rglob("*"))


def test_the_parts_of_a_cut_model_have_one_header(hub: FakeHub, asked: Hub, tmp_path: Path) -> None:
    first = write_tiny_model(tmp_path / "m.gguf", tensors_per_file=8)
    parts = {path.name: path.read_bytes() for path in tmp_path.glob("*.gguf")}
    assert len(parts) > 2
    hub.add("acme/model", parts)
    assert same_but_for_the_path(gguf_from_wire(read_remotely(asked).header), read_header(first))


def test_a_checkpoint_is_read_by_the_headers_of_its_shards(hub: FakeHub, asked: Hub, tmp_path: Path) -> None:
    write_checkpoint(tmp_path / "raw", DEEPSEEK, random_arrays(DEEPSEEK), num_shards=3)
    (tmp_path / "raw" / "tokenizer_config.json").write_text('{"chat_template": "{{ tools }}"}')
    hub.add("acme/model", {path.name: path.read_bytes() for path in (tmp_path / "raw").iterdir()})
    answer = read_remotely(asked)
    found = checkpoint_from_wire(answer.header, "acme/model")
    local = read_checkpoint(tmp_path / "raw")
    assert found.config == local.config
    assert {n: info for n, (_, info) in found.tensors.items()} == {
        n: info for n, (_, info) in local.tensors.items()
    }
    assert (found.parameters, found.size_bytes) == (local.parameters, local.size_bytes)
    assert answer.capabilities == checkpoint_capabilities(local) == ("chat", "tools", "moe", "mtp")


def test_a_header_that_cannot_be_is_said_and_one_without_end_is_broken_off(
    hub: FakeHub, asked: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote_reading, "MAX_HEADER_BYTES", MIB)
    endless = b"GGUF" + struct.pack("<IQQ", 3, 0, 1) + struct.pack("<Q", MIB)
    for content, error in (
        (b"GGUF" + b"\xff" * 5000, ModelDamaged),
        (b"PK" + bytes(5000), ModelDamaged),
        (b"GG", ModelDamaged),
        (b"", ModelDamaged),
        (endless + bytes(2 * MIB), ModelUnsupported),
    ):
        hub.add("acme/model", {"m.gguf": content})
        with pytest.raises(error):
            read_remotely(asked)
    assert hub.sent_bytes < 2 * MIB


def test_a_hub_that_lies_while_a_header_is_read_is_given_up(
    hub: FakeHub, asked: Hub, tiny_model: Path
) -> None:
    hub.add("acme/model", {"m.gguf": tiny_model.read_bytes()})

    def break_off(handler: FakeHubHandler, request: FileRequest, content: bytes) -> bool:
        handler.begin(200, {"Content-Length": str(len(content))})
        handler.wfile.write(content[:100])
        handler.hang_up()
        return True

    def another_length(handler: FakeHubHandler, request: FileRequest, content: bytes) -> bool:
        handler.send_whole(200, content[:-1])
        return True

    lies: list[tuple[object, type[EngineError]]] = [
        (break_off, HubUnreachable),
        (another_length, HubAnswerWrong),
    ]
    for lie, error in lies:
        hub.requests.clear()
        hub.file_lie = lie  # type: ignore[assignment]
        with pytest.raises(error):
            read_remotely(asked)
        assert len(hub.requests) <= LITTLE.tries


def test_a_card_is_text_and_bounded(hub: FakeHub, asked: Hub, paths: Paths) -> None:
    reader = RemoteReader(asked, LITTLE)
    card = b"---\nlicense: mit\n---\n# Tiny\n<script>"
    hub.add("acme/model", {"README.md": card})
    found = reader.card(ModelCardRequest(request_id="c", repository="acme/model"), Control())
    assert (found.text, found.is_cut) == ("# Tiny\n<script>", False)
    hub.add("acme/model", {"README.md": b"x" * (MAX_TEXT_BYTES + 9)}, commit="d" * 40)
    found = reader.card(ModelCardRequest(request_id="c", repository="acme/model"), Control())
    assert (len(found.text), found.is_cut) == (MAX_TEXT_BYTES, True)
    hub.add("acme/model", {"m.gguf": b"GGUF"}, commit="e" * 40)
    found = reader.card(ModelCardRequest(request_id="c", repository="acme/model"), Control())
    assert (found.text, found.commit) == ("", "e" * 40)


def test_a_card_with_other_bytes_than_announced_is_refused(hub: FakeHub, asked: Hub) -> None:
    hub.add("acme/model", {"README.md": b"# Tiny"})

    def other_bytes(handler: FakeHubHandler, request: FileRequest, content: bytes) -> bool:
        handler.send_range(request, b"# Evil")
        return True

    hub.file_lie = other_bytes
    with pytest.raises(HubAnswerWrong, match="other bytes"):
        RemoteReader(asked, LITTLE).card(ModelCardRequest(request_id="c", repository="acme/model"), Control())


def test_what_a_commit_holds_is_asked_once(hub: FakeHub, asked: Hub) -> None:
    hub.add("acme/model", {"README.md": b"# Tiny"})
    commit = asked.list("acme/model", "", Control()).commit
    asked_before = len(hub.paths)
    asked.list("acme/model", commit, Control())
    assert len(hub.paths) == asked_before
    asked.list("acme/model", "", Control())  # which commit it is now is asked every time
    assert len(hub.paths) > asked_before


def test_a_search_tells_what_models_are_chosen_by(hub: FakeHub, asked: Hub) -> None:
    hub.add(
        "acme/Moe-30B-A3B-GGUF",
        {f"m-{kind}.gguf": b"" for kind in ("Q8_0", "Q4_K_M", "UD-IQ2_XXS")} | {"mmproj-F16.gguf": b""},
        tags=("base_model:acme/Moe-30B-A3B", "base_model:quantized:acme/Moe-30B-A3B", "base_model:../x"),
        facts={"gguf": {"total": 30_500_000_000, "architecture": "qwen3moe", "context_length": 40_960}},
        gated=True,
    )
    (found,) = search(asked, SearchRequest(request_id="s", words="moe", order="updated"), Control())
    assert (found.architecture, found.parameters, found.active_parameters, found.context_length) == (
        "qwen3moe",
        30_500_000_000,
        3_000_000_000,
        40_960,
    )
    assert found.quantizations == ("Q4_K_M", "Q8_0", "UD-IQ2_XXS")
    assert found.base_models == ("acme/Moe-30B-A3B",)
    assert (found.formats, found.license, found.is_gated) == (("gguf",), "apache-2.0", True)
    assert found.updated.startswith("2026-11-01")


def test_facts_that_are_none_are_left_out(hub: FakeHub, asked: Hub) -> None:
    for nonsense in (
        {"gguf": {"total": "many", "architecture": ["x"] * 99, "context_length": -1}},
        {"gguf": [], "config": 5, "siblings": []},
        {"gguf": {"total": 10**40}, "downloads": -3},
    ):
        hub.add("acme/model", {}, facts=nonsense)
        (found,) = search(asked, SearchRequest(request_id="s", words="model"), Control())
        assert (found.parameters, found.context_length) == (0, 0)


@pytest.mark.parametrize(
    ("repository", "active"),
    [
        ("Qwen/Qwen3-30B-A3B", 3 * 10**9),
        ("a/Moonlight-16B-A2.4B-Instruct", 2_400_000_000),
        ("a/Llama-3.1-8B", 0),
        ("A3B/model", 0),
        ("a/DATA3Base", 0),
    ],
)
def test_active_parameters_are_read_from_the_name(repository: str, active: int) -> None:
    assert active_in_name(repository) == active
