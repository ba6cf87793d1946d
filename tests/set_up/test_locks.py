"""The lock files and the addresses: every entry hashed, no address outside resources/addresses.json."""

import json
import re
from pathlib import Path

import pytest

from set_up.places import address
from set_up.torch_wheel import LOCKED, locked_version

ROOT = Path(__file__).resolve().parents[2]
LOCKS = ("base.txt", "test.txt", "llama.txt", "llama-build.txt", "torch.txt", "build.txt")


def lock_entries(name: str) -> list[str]:
    text = (ROOT / "requirements" / name).read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    return re.split(r"\n(?=\S)", "\n".join(lines).strip())


def test_there_are_exactly_these_lock_files() -> None:
    assert {path.name for path in (ROOT / "requirements").iterdir()} == set(LOCKS)


@pytest.mark.parametrize("name", LOCKS)
def test_every_entry_is_one_version_with_hashes_and_no_address_or_path(name: str) -> None:
    for entry in lock_entries(name):
        requirement, *hashes = [line.strip(" \\") for line in entry.splitlines()]
        assert re.match(r"^[a-z0-9.-]+==[0-9][a-z0-9.+]*( ; .+)?$", requirement), requirement
        assert hashes and all(re.match(r"^--hash=sha256:[0-9a-f]{64}$", line) for line in hashes), requirement


def test_llama_is_locked_to_its_source_alone() -> None:
    [entry] = lock_entries("llama.txt")
    assert entry.startswith("llama-cpp-python==")
    assert entry.count("--hash=") == 1


def test_the_tests_use_the_applications_versions() -> None:
    base = {entry.splitlines()[0] for entry in lock_entries("base.txt")}
    assert base <= {entry.splitlines()[0] for entry in lock_entries("test.txt")}


def test_on_linux_only_torchs_cpu_build_is_locked_and_nothing_of_cuda() -> None:
    for entry in lock_entries("torch.txt"):
        assert not entry.startswith(("nvidia", "cuda", "triton")), entry
        if entry.startswith("torch=="):
            assert LOCKED.match(entry), entry
            assert entry.count("--hash=") == 1
            assert ("+cpu" in entry) == ("'linux'" in entry), entry


def test_torch_is_locked_for_an_interpreter_or_it_is_not() -> None:
    lock = (ROOT / "requirements" / "torch.txt").read_text(encoding="utf-8")
    assert locked_version(lock, "linux", "x86_64", "3.11") == "2.13.0+cpu"
    assert locked_version(lock, "win32", "AMD64", "3.14") == "2.13.0"
    assert locked_version(lock, "linux", "riscv64", "3.11") is None


def test_addresses_json_is_the_only_place_with_addresses() -> None:
    sources = [ROOT / "run.py", ROOT / "packaging" / "lock.py", ROOT / ".ci" / "run"]
    sources += (ROOT / "set_up").glob("*.py")
    sources += (ROOT / "requirements").iterdir()
    for source in sources:
        found = re.search(r"\w+://\w|\w\.(org|com|io)\b", source.read_text(encoding="utf-8"))
        assert found is None, f"{source.name}: {found}"
    addresses = json.loads((ROOT / "resources" / "addresses.json").read_text(encoding="utf-8"))
    unknown = {name for name, value in addresses.items() if not value}
    assert unknown <= {"releases"}, (
        "nothing has been published: no address is better than one that is a guess"
    )
    assert all(addresses[name].startswith("https://") for name in addresses.keys() - unknown)
    assert not address(ROOT, "pytorch_cpu").endswith("/")
