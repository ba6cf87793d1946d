"""Packs as files: only what the manifest lists gets into the folder, whole or not at all."""

import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec
import pytest
from packs.archive import make_archive

from engine.contract.errors import InvalidRequest, PackRefused
from engine.contract.packs import BUILTIN_ENGINE, MANIFEST_NAME, PackManifest, PackReport
from engine.contract.processes import child_environment
from engine.library.engine_packs import EnginePacks
from tests.support.native_packs import changed_manifest, first_file
from tests.support.zip_files import read_zip, write_zip

FILES = 12
KILLS = 120 if os.environ.get("RETORT_FULL_TESTS") else 2


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """A pack of two files that are no libraries."""
    return make_pack(tmp_path, b"one")


def make_pack(folder: Path, content: bytes, kind: str = "cpu") -> Path:
    source = folder / "source"
    source.mkdir(exist_ok=True)
    (source / "libllama.so").write_bytes(content * 1000)
    (source / "libggml.so").write_bytes(b"two" * 5000)
    return make_archive(source.iterdir(), kind, ("-DX=ON",), folder)


@pytest.fixture
def packs(tmp_path: Path) -> EnginePacks:
    return EnginePacks(tmp_path / "packs")


def test_a_pack_is_taken_in_and_listed(archive: Path, packs: EnginePacks, tmp_path: Path) -> None:
    told: list[float] = []
    pack = packs.install(archive, told.append)
    assert told[-1] == 1
    assert (packs.folder_of(pack) / "libllama.so").read_bytes() == b"one" * 1000
    builtin, installed = packs.all()
    assert (builtin.id, builtin.is_used) == (BUILTIN_ENGINE, True)
    assert (installed.id, installed.kind, installed.is_used, installed.problem) == (pack, "cpu", False, "")
    assert installed.size_bytes == 18_000
    assert packs.manifest(pack).options == ("-DX=ON",)
    assert packs.check_files(pack) == ""
    assert not [path for path in (tmp_path / "packs").iterdir() if path.name.startswith(".unfinished")]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda one: msgspec.structs.replace(one, llama_commit="8" * 40), "made of llama.cpp 888888888"),
        (lambda one: msgspec.structs.replace(one, wrapper_version="0.3.37"), "0.3.37"),
        (lambda one: msgspec.structs.replace(one, platform="plan9-mips"), "plan9-mips"),
        (lambda one: msgspec.structs.replace(one, id="../up"), "no name for a pack"),
        (lambda one: msgspec.structs.replace(one, id="builtin"), "no name for a pack"),
        (lambda one: msgspec.structs.replace(one, format=2), "form 2"),
        (lambda one: msgspec.structs.replace(one, files=()), "lists no files"),
        (lambda one: first_file(one, name="../../evil"), "lead out of the pack's folder"),
        (lambda one: first_file(one, name="C:evil"), "lead out of the pack's folder"),
        (lambda one: first_file(one, name="con.so"), "lead out of the pack's folder"),
        (lambda one: first_file(one, sha256="0" * 64), "is damaged"),
        (lambda one: first_file(one, sha256="short"), "a hash in its manifest is none"),
        (lambda one: first_file(one, size_bytes=2**50), "larger than"),
        (lambda one: first_file(one, size_bytes=1), "not those that its manifest lists"),
    ],
)
def test_a_manifest_that_lies_is_refused_and_leaves_nothing(
    archive: Path,
    packs: EnginePacks,
    tmp_path: Path,
    change: Callable[[PackManifest], PackManifest],
    reason: str,
) -> None:
    with pytest.raises(PackRefused, match=reason):
        packs.install(changed_manifest(archive, change), lambda _fraction: None)
    nothing_was_taken(tmp_path)


@pytest.mark.parametrize(
    ("hostile", "reason"),
    [
        (({"../evil": b"x"}, {}), "not those"),
        (({"/etc/evil": b"x"}, {}), "not those"),
        (({"more.so": b"x"}, {}), "not those"),
        (({"folder/": b""}, {}), "a folder, a link or a device"),
        (({"link.so": b"/etc/passwd"}, {"link.so": stat.S_IFLNK}), "a folder, a link or a device"),
        (({"libllama.so": b"/etc/passwd"}, {"libllama.so": stat.S_IFLNK}), "a folder, a link or a device"),
        (({"device.so": b""}, {"device.so": stat.S_IFCHR}), "a folder, a link or a device"),
        (({"pipe.so": b""}, {"pipe.so": stat.S_IFIFO}), "a folder, a link or a device"),
    ],
)
def test_what_is_no_plain_file_of_the_manifest_is_refused(
    archive: Path,
    packs: EnginePacks,
    tmp_path: Path,
    hostile: tuple[Mapping[str, bytes], Mapping[str, int]],
    reason: str,
) -> None:
    entries, modes = hostile
    path = write_zip(tmp_path / "hostile.zip", {**read_zip(archive), **entries}, modes=modes)
    with pytest.raises(PackRefused, match=reason):
        packs.install(path, lambda _fraction: None)
    nothing_was_taken(tmp_path)


def test_a_damaged_archive_and_one_that_is_none_are_refused(
    archive: Path, packs: EnginePacks, tmp_path: Path
) -> None:
    whole = archive.read_bytes()
    for number in range(0, len(whole), max(1, len(whole) // 60)):
        damaged = bytearray(whole)
        damaged[number] ^= 0xFF
        archive.write_bytes(damaged)
        try:
            pack = packs.install(archive, lambda _fraction: None)
        except PackRefused:
            continue
        assert packs.check_files(pack) == ""  # the byte was one that nobody reads
        packs.remove(pack)
    for content in (b"", b"PK", whole[: len(whole) // 2]):
        archive.write_bytes(content)
        with pytest.raises(PackRefused):
            packs.install(archive, lambda _fraction: None)
    without = {name: data for name, data in read_zip(make_pack(tmp_path, b"one")).items() if name[0] == "l"}
    with pytest.raises(PackRefused, match="no manifest"):
        packs.install(write_zip(tmp_path / "without.zip", without), lambda _fraction: None)
    nothing_was_taken(tmp_path)


def test_a_damaged_pack_is_noticed_and_mended_by_installing_it_again(
    archive: Path, packs: EnginePacks
) -> None:
    pack = packs.install(archive, lambda _fraction: None)
    packs.note_report(pack, PackReport(problem="", stamps=packs.stamps(pack)))
    (packs.folder_of(pack) / "libllama.so").write_bytes(b"other" * 600)
    assert packs.check_files(pack) == "libllama.so is missing or damaged"
    assert "changed since" in packs.all()[1].problem
    assert packs.install(archive, lambda _fraction: None) == pack
    assert packs.check_files(pack) == ""
    assert packs.all()[1].report is None  # what was said of the damaged one does not hold for it


def test_a_pack_that_fails_gives_way_to_the_one_before_and_that_to_the_built_in(
    packs: EnginePacks, tmp_path: Path
) -> None:
    first, second = (
        packs.install(make_pack(tmp_path, content), lambda _fraction: None) for content in (b"1", b"2")
    )
    for pack in (first, second):
        packs.note_report(pack, PackReport(problem="", stamps=packs.stamps(pack)))
        packs.use(pack)
    assert packs.before() == first
    assert packs.give_up(second, "it died") == first
    assert packs.state().reports[second].problem == "it died"
    assert packs.give_up(second, "late news") == ""
    assert packs.give_up(first, "it died too") == BUILTIN_ENGINE
    assert packs.before() == ""


def test_rolling_back_returns_to_what_was_used_and_a_used_pack_is_not_removed(
    packs: EnginePacks, archive: Path
) -> None:
    pack = packs.install(archive, lambda _fraction: None)
    packs.note_report(pack, PackReport(problem="", stamps=packs.stamps(pack)))
    packs.use(pack)
    with pytest.raises(InvalidRequest, match="in use"):
        packs.remove(pack)
    assert packs.roll_back() == BUILTIN_ENGINE
    assert packs.all()[1].problem == ""  # it was not its fault
    packs.remove(pack)
    assert [one.id for one in packs.all()] == [BUILTIN_ENGINE]
    with pytest.raises(InvalidRequest, match="no engine pack"):
        packs.remove("../packs")


def test_a_state_that_cannot_be_read_is_that_of_the_built_in_library(
    packs: EnginePacks, tmp_path: Path
) -> None:
    (tmp_path / "packs").mkdir()
    (tmp_path / "packs" / "state.json").write_bytes(b"{")
    assert packs.all()[0].is_used


def test_a_killed_installation_leaves_a_whole_pack_or_none_and_the_next_one_clears_up(
    packs: EnginePacks, tmp_path: Path
) -> None:
    source = tmp_path / "source"
    source.mkdir()
    for number in range(FILES):
        (source / f"lib{number}.so").write_bytes(os.urandom(2**16) * 16)
    archive = make_archive(source.iterdir(), "cpu", (), tmp_path)
    program = (
        "import sys; from pathlib import Path; from engine.library.engine_packs import EnginePacks; "
        "EnginePacks(Path(sys.argv[1])).install(Path(sys.argv[2]), lambda f: print(f, flush=True))"
    )
    command = [sys.executable, "-c", program, str(tmp_path / "packs"), str(archive)]
    num_interrupted = 0
    for number in range(KILLS):
        with subprocess.Popen(command, stdout=subprocess.PIPE, env=child_environment()) as process:
            assert process.stdout is not None
            for _ in range(1 + number % FILES):  # files that are written when it is killed
                process.stdout.readline()
            process.kill()
        whole = list((tmp_path / "packs").glob("[!.]*/"))
        num_interrupted += not whole
        for folder in whole:
            assert packs.check_files(folder.name) == ""
            shutil.rmtree(folder)
    assert num_interrupted
    pack = packs.install(archive, lambda _fraction: None)
    assert packs.check_files(pack) == ""
    assert not list((tmp_path / "packs").glob(".unfinished-*"))


def nothing_was_taken(tmp_path: Path) -> None:
    folder = tmp_path / "packs"
    assert not list(folder.glob(f"**/{MANIFEST_NAME}"))
    assert not list(folder.glob(".unfinished-*"))
    assert not (tmp_path / "evil").exists()
