"""`retort packs` with a real pack, made as maintainers make it."""

import json
from pathlib import Path

import pytest

from engine.contract.packs import BUILTIN_ENGINE
from engine.contract.paths import Paths
from tests.support.command_line import retort
from tests.support.native_packs import sound_pack


def used(outcome_text: str) -> str:
    packs = json.loads(outcome_text)["packs"]
    return next(str(pack["id"]) for pack in packs if pack["is_used"])


@pytest.mark.llama
def test_a_pack_is_installed_used_and_left_again(tmp_path: Path) -> None:
    installed = retort("packs", "install", str(sound_pack(tmp_path)))
    assert installed.status == 0, installed.stderr
    assert "probing" in installed.stderr
    pack = next(line for line in installed.stdout.splitlines() if line.startswith("*")).split()[1]
    assert pack.startswith("cpu-0c1e570-")
    assert "self-test passed" in installed.stdout
    assert "rollback returns to builtin" in installed.stdout
    (Paths.from_environment().packs / pack / "libllama.so").unlink()
    checked = retort("packs", "check")
    assert checked.status == 1
    assert "libllama.so is missing or damaged" in checked.stderr
    assert used(retort("packs", "remove", pack, "--json").stdout) == BUILTIN_ENGINE


def test_what_is_wrong_is_one_line(tmp_path: Path) -> None:
    assert retort("packs", "use").status == 2
    no_pack = tmp_path / "x.zip"
    no_pack.write_bytes(b"PK")
    for words, said in ((("install", str(no_pack)), "refused"), (("fetch", "x"), "--online allows it")):
        outcome = retort("packs", *words)
        assert (outcome.status, "Traceback" in outcome.stderr) == (1, False), outcome.stderr
        assert said in outcome.stderr
