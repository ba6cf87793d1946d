"""Moving the library: the same files and records elsewhere, whenever a process ends on the way."""

import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.contract.errors import InvalidRequest, StorageFailed
from engine.contract.paths import Paths
from engine.library.bin import ModelBin
from engine.library.importing import import_copy
from engine.library.library_files import check_library_there
from engine.library.moving import MoveCancelled, begun_move, finish_move, give_up_move, move_library
from engine.library.places import find_model, list_places
from engine.library.unfinished import lock_download
from engine.library.use_times import UseTimes
from engine.library.verify import verify_models

MOVE = (
    "import sys; from pathlib import Path; from engine.contract.paths import Paths;"
    "from engine.library.moving import move_library;"
    "move_library(Path(sys.argv[1]), Paths.from_environment())"
)


class Ended(BaseException):
    """The process ends here."""


def no_links(_source: object, _target: object) -> None:
    raise OSError(1, "no links here")


@pytest.fixture(params=["linked", "copied"])
def paths(
    request: pytest.FixtureRequest, own_folders: Path, tmp_path: Path, tiny_model: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Paths:  # fmt: skip
    """A library with a model, one in the bin and an unfinished download."""
    found = Paths.from_environment()
    if request.param == "copied":
        monkeypatch.setattr(os, "link", no_links)
        monkeypatch.setattr("engine.library.moving.FREE_AFTER_MOVE_BYTES", 0)
    for name in ("kept", "gone"):
        shutil.copy(tiny_model, tmp_path / f"{name}.gguf")
        import_copy(tmp_path / f"{name}.gguf", found)
    ModelBin(found).put(find_model("gone", found))
    verify_models(found, find_model("kept", found))
    UseTimes(found.use_times).note(find_model("kept", found).path, 5.0)
    found.partial.mkdir()
    (found.partial / "abc.part").write_bytes(b"half")
    return found


def tree(library: Path) -> dict[str, bytes]:
    files = (file for name in ("models", "bin", "partial") for file in (library / name).rglob("*"))
    kept = (file for file in files if file.is_file() and file.suffix not in (".lock",))
    return {f.relative_to(library).as_posix(): f.read_bytes() for f in kept if f.name != "entry.json"}


def check_moved(paths: Paths, target: Path, before: dict[str, bytes]) -> None:
    assert (paths.library, tree(target), begun_move(paths)) == (target, before, None)
    assert tree(paths.data) == {}
    model = find_model("kept", paths)
    model.check()
    assert model.record is not None and model.record.files[0].sha256
    assert model.path.is_relative_to(target)
    assert UseTimes(paths.use_times).all() == {str(model.path): 5.0}


def test_everything_lies_in_the_new_folder_and_nothing_in_the_old(paths: Paths, tmp_path: Path) -> None:
    before, fractions = tree(paths.data), list[float]()
    target = tmp_path / "big disk" / "Retort"
    moved = move_library(target, paths, progress=fractions.append)
    assert (moved.num_files, fractions[-1]) == (len(before) + 1, 1.0)
    check_moved(paths, target, before)
    ModelBin(paths).restore(ModelBin(paths).list()[0].entry)
    find_model("gone", paths).check()
    assert [one.name for one in list_places(paths)] == ["builtin", "local/gone", "local/kept"]
    move_library(paths.data, paths)  # and back
    assert (paths.library, tree(target)) == (paths.data, {})
    find_model("gone", paths).check()


def ending_at(step: int, call: Callable[..., object]) -> Callable[..., object]:
    def ends(*words: object, **named: object) -> object:
        nonlocal step
        step -= 1
        if step < 0:
            raise Ended
        return call(*words, **named)

    return ends


@pytest.mark.parametrize("place", ["moving.write_atomically", "moving.bring", "moving.Path.unlink"])
def test_a_process_that_ends_anywhere_goes_on(
    paths: Paths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    before, target, ends = tree(paths.data), tmp_path / "target", 0
    name = f"engine.library.{place}"
    for step in range(12 if os.environ.get("RETORT_FULL_TESTS") else 4):
        with monkeypatch.context() as patch:
            module, _, attribute = name.rpartition(".")
            owner = Path if module.endswith("Path") else __import__(module, fromlist=["x"])
            patch.setattr(owner, attribute, ending_at(step, getattr(owner, attribute)))
            try:
                move_library(target, paths)
            except Ended:
                ends += 1
        whole = paths.library
        assert before.items() <= tree(whole).items(), "the place in use is whole at every moment"
        if begun_move(paths) is None:
            break
        finish_move(paths)
    if paths.library != target or begun_move(paths) is not None:
        move_library(target, paths)
    assert ends > 0
    check_moved(paths, target, before)


def test_a_killed_move_leaves_the_library_whole_and_goes_on(own_folders: Path, tmp_path: Path) -> None:
    """There and back between two disks where there are two, killed at random moments."""
    paths, rng, states = Paths.from_environment(), random.Random(7), set[str]()
    elsewhere = Path("/dev/shm") if Path("/dev/shm").is_dir() else tmp_path
    is_full = bool(os.environ.get("RETORT_FULL_TESTS"))
    for number in range(12 if is_full else 2):
        file = paths.models / "acme" / f"m{number}" / "m.gguf"
        file.parent.mkdir(parents=True)
        file.write_bytes(rng.randbytes(8 * 2**20 if is_full else 2**20))
    before = tree(paths.data)
    with tempfile.TemporaryDirectory(dir=elsewhere) as folder:
        for _ in range(60 if is_full else 2):
            target = Path(folder) / "Retort" if paths.library == paths.data else paths.data
            process = subprocess.Popen([sys.executable, "-c", MOVE, str(target)])
            time.sleep(rng.uniform(0.15, 0.9))
            process.kill()
            process.wait()
            assert before.items() <= tree(paths.library).items()
            move = begun_move(paths)
            states.add(move.state if move is not None else "none")
        move = begun_move(paths)
        if move is not None:
            move_library(Path(move.target), paths)
        assert tree(paths.library) == before
        assert not is_full or {"copying", "removing"} <= states


def test_a_stopped_move_keeps_what_was_copied_and_can_be_given_up(paths: Paths, tmp_path: Path) -> None:
    before, target, calls = tree(paths.data), tmp_path / "target", 0

    def cancelled() -> bool:
        nonlocal calls
        calls += 1
        return calls > 2

    with pytest.raises(MoveCancelled):
        move_library(target, paths, cancelled=cancelled)
    move = begun_move(paths)
    assert move is not None and 0 < len(move.done) < len(before)
    with pytest.raises(InvalidRequest, match="a move to"):
        move_library(tmp_path / "other", paths)
    give_up_move(paths)
    assert (tree(target), tree(paths.data), begun_move(paths)) == ({}, before, None)


def test_what_cannot_be_moved_is_said_before(
    paths: Paths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, full = tree(paths.data), tmp_path / "full"
    full.mkdir()
    (full / "mine.txt").touch()
    refused = {full: "not empty", paths.data: "already", paths.models / "x": "inside", Path("here"): "whole"}
    for target, reason in refused.items():
        with pytest.raises(InvalidRequest, match=reason):
            move_library(target, paths)
    with lock_download(paths.partial, "abc"), pytest.raises(InvalidRequest, match="downloads are running"):
        move_library(tmp_path / "target", paths)
    give_up_move(paths)
    monkeypatch.setattr(os, "link", no_links)
    monkeypatch.setattr("engine.library.moving.FREE_AFTER_MOVE_BYTES", 2**60)
    with pytest.raises(StorageFailed, match="kept free"):
        move_library(tmp_path / "target", paths)
    assert (tree(tmp_path / "target"), tree(paths.data)) == ({}, before)


def test_a_disk_that_is_not_connected_is_said_and_nothing_is_written_in_its_place(
    paths: Paths, tmp_path: Path
) -> None:
    move_library(tmp_path / "usb", paths)
    (tmp_path / "usb").rename(tmp_path / "drawer")
    with pytest.raises(StorageFailed, match="not there"):
        check_library_there(paths)
    with pytest.raises(StorageFailed, match="not there"):
        import_copy(tmp_path / "kept.gguf", paths)
    assert not (tmp_path / "usb").exists()
    assert [one.name for one in list_places(paths)] == ["builtin"]
