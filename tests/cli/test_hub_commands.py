"""`retort search`, `pull`, `verify` and `network`, each a process of its own, against a fake hub."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.contract.paths import Paths
from tests.support.command_line import retort
from tests.support.fake_hub import FakeHub, FakeHubHandler, FileRequest


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tiny_model: Path) -> Iterator[FakeHub]:
    with FakeHub() as fake:
        monkeypatch.setenv("HF_ENDPOINT", fake.endpoint)
        fake.add("acme/tiny", {"tiny-F32.gguf": tiny_model.read_bytes()})
        yield fake


def test_nothing_is_asked_while_offline_and_the_way_out_is_named(hub: FakeHub) -> None:
    for words in (["search", "tiny"], ["pull", "acme/tiny"]):
        done = retort(*words)
        assert done.status == 1
        assert "offline" in done.stderr and "--online" in done.stderr
    assert hub.paths == []
    assert not Paths.from_environment().network_log.exists()


def test_a_model_is_found_fetched_run_and_verified(hub: FakeHub) -> None:
    found = retort("search", "tiny", "--online", "--json")
    assert [model["repository"] for model in json.loads(found.stdout)["models"]] == ["acme/tiny"]
    pulled = retort("pull", "acme/tiny", "--online", "--json")
    assert pulled.status == 0, pulled.stderr
    answer = json.loads(pulled.stdout)
    assert Path(answer["path"]).stat().st_size == answer["fetched_bytes"]
    assert "100 %" in pulled.stderr
    assert retort("verify").stdout == "acme/tiny/tiny-F32 is sound\n"
    listed = json.loads(retort("network", "--json").stdout)["requests"]
    assert len(listed) == len(hub.paths) == 4
    assert {entry["host"] for entry in listed} == {"127.0.0.1"}


def test_a_search_says_what_models_are_chosen_by(hub: FakeHub) -> None:
    facts = {"gguf": {"total": 30_500_000_000, "architecture": "qwen3moe", "context_length": 4096}}
    hub.add("acme/Moe-30B-A3B", {"m-Q8_0.gguf": b"", "m-Q4_K_M.gguf": b""}, facts=facts)
    told = retort("search", "moe", "--order", "updated", "--online").stdout
    assert "qwen3moe, 30 B parameters, 3.0 B of them active, Q4_K_M Q8_0" in told
    assert hub.queries[-1]["sort"] == ["lastModified"]


def test_damage_on_the_disk_is_found_and_repaired(hub: FakeHub) -> None:
    path = Path(json.loads(retort("pull", "acme/tiny/F32", "--online", "--json").stdout)["path"])
    sound = path.read_bytes()
    path.write_bytes(sound[:100] + b"?" + sound[101:])
    verified = retort("verify", "tiny-F32", "--json")
    assert verified.status == 1
    assert json.loads(verified.stdout)["models"][0]["verdict"] == "damaged"
    assert retort("pull", "acme/tiny/F32", "--online").status == 0
    assert path.read_bytes() == sound
    assert retort("verify", "tiny-F32").status == 0


def test_a_repository_with_several_models_is_listed_by_quantization(hub: FakeHub) -> None:
    hub.add("acme/many", {f"m-{q}.gguf": b"0" * size for q, size in (("Q4_K_M", 5000), ("Q8_0", 9000))})
    done = retort("pull", "acme/many", "--online")
    assert done.status == 2
    assert [line.split()[0] for line in done.stdout.splitlines()] == ["Q4_K_M", "Q8_0"]
    assert "retort pull acme/many/Q4_K_M" in done.stderr
    assert hub.requests == []


def test_the_setting_allows_the_network_without_asking_each_time(hub: FakeHub) -> None:
    retort("settings", "set", "offline", "false")
    assert retort("search", "tiny").stdout.startswith("acme/tiny")


def test_a_download_that_broke_off_is_listed_and_goes_on_by_what_is_told(hub: FakeHub) -> None:
    content = b"GGUF" + bytes(5 * 2**20)
    hub.add("acme/big", {"x/big-Q8_0.gguf": content})

    def break_off(handler: FakeHubHandler, request: FileRequest, content: bytes) -> bool:
        if request.start:
            handler.send_whole(403, b"")
            return True
        span = f"bytes 0-{request.end - 1}/{len(content)}"
        handler.begin(206, {"Content-Length": str(len(content)), "Content-Range": span})
        handler.send_body(content[: 4 * 2**20 + 99])
        handler.hang_up()
        return True

    hub.file_lie = break_off
    assert retort("pull", "acme/big", "--online").status == 1
    told = retort("unfinished").stdout
    assert "acme/big/x/big-Q8_0.gguf: 79 % of 5.0 MiB" in told
    hub.file_lie = None
    hub.requests.clear()
    assert "`retort pull acme/big/x/big-Q8_0.gguf` goes on" in told
    assert retort("pull", "acme/big/x/big-Q8_0.gguf", "--online").status == 0
    assert [request.start for request in hub.requests] == [4 * 2**20]
    dropped = json.loads(retort("unfinished", "--drop", "--json").stdout)
    assert dropped == {"dropped": [], "freed_bytes": 0}
