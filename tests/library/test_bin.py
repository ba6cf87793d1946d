"""The bin: what goes into it comes back as it was, whenever a process ends."""

import os
import shutil
import time
from pathlib import Path

import pytest

from engine.contract.errors import InvalidRequest, StorageFailed
from engine.contract.paths import Paths
from engine.library.bin import BIN_DAYS, ModelBin
from engine.library.importing import import_copy, import_reference
from engine.library.places import ModelPlace, find_model, list_places
from engine.library.records import Records
from tests.library.test_companions import gguf


class Ended(BaseException):
    """The process ends here."""


@pytest.fixture
def paths(own_folders: Path) -> Paths:
    return Paths.from_environment()


@pytest.fixture
def place(paths: Paths, tmp_path: Path, tiny_model: Path) -> ModelPlace:
    """A copied model with a companion."""
    gguf(tmp_path / "mine", "mmproj-f16.gguf")
    shutil.copy(tiny_model, tmp_path / "mine/m.gguf")
    return import_copy(tmp_path / "mine/m.gguf", paths)


def names(paths: Paths) -> list[str]:
    return [one.name for one in list_places(paths)]


def tree(folder: Path) -> dict[str, bytes]:
    files = (file for file in folder.rglob("*") if file.is_file() and file.suffix != ".lock")
    return {file.relative_to(folder).as_posix(): file.read_bytes() for file in files}


def test_a_model_goes_with_its_companions_and_comes_back_as_it_was(paths: Paths, place: ModelPlace) -> None:
    before, records = tree(paths.models), Records(paths.records).all()
    entry = ModelBin(paths).put(place)
    assert tree(paths.models) == {}
    assert (names(paths), Records(paths.records).all()) == (["builtin"], [])
    (binned,) = ModelBin(paths).list()
    assert (binned.entry, binned.name) == (entry, "local/m")
    assert binned.size_bytes == sum(map(len, before.values()))
    assert BIN_DAYS - 1 < binned.days_left <= BIN_DAYS
    assert ModelBin(paths).restore(entry) == place.path
    assert (tree(paths.models), Records(paths.records).all()) == (before, records)
    assert ModelBin(paths).list() == ()
    assert not paths.bin.exists()
    find_model("m", paths).check()


def test_a_companion_that_another_model_uses_stays(paths: Paths, place: ModelPlace) -> None:
    other = shutil.copy(place.path, place.path.with_name("m-Q4_0.gguf"))
    ModelBin(paths).put(place)
    assert sorted(tree(paths.models)) == ["local/m/m-Q4_0.gguf", "local/m/mmproj-f16.gguf"]
    ModelBin(paths).put(find_model(str(other), paths))
    assert tree(paths.models) == {}


def test_what_was_imported_where_it_lies_is_forgotten_and_known_again(
    paths: Paths, tmp_path: Path, tiny_model: Path
) -> None:
    file = Path(shutil.copy(tiny_model, tmp_path / "m.gguf"))
    entry = ModelBin(paths).put(import_reference(file, paths))
    assert (names(paths), file.exists(), ModelBin(paths).list()[0].size_bytes) == (["builtin"], True, 0)
    ModelBin(paths).restore(entry)
    assert names(paths) == ["builtin", "local/m"]
    ModelBin(paths).put(find_model("m", paths))
    ModelBin(paths).empty()
    assert file.exists()


def test_nothing_is_written_over_by_what_comes_back(paths: Paths, place: ModelPlace) -> None:
    entry = ModelBin(paths).put(place)
    place.path.parent.mkdir(parents=True)
    place.path.write_bytes(b"new")
    with pytest.raises(InvalidRequest, match="in the way"):
        ModelBin(paths).restore(entry)
    assert (place.path.read_bytes(), len(ModelBin(paths).list())) == (b"new", 1)
    with pytest.raises(InvalidRequest, match="nothing called"):
        ModelBin(paths).restore("../models")


def test_only_what_is_old_is_deleted_by_itself(
    paths: Paths, place: ModelPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    ModelBin(paths).put(place)
    for days, left in ((BIN_DAYS - 1, 1), (BIN_DAYS + 1, 0)):
        now = time.time() + 86_400 * days
        monkeypatch.setattr("engine.library.bin.time.time", lambda now=now: now)
        ModelBin(paths).settle()
        assert len(ModelBin(paths).list()) == left
        monkeypatch.undo()
    assert not paths.bin.exists() or tree(paths.bin) == {}


@pytest.mark.parametrize("way", ["in", "out"])
def test_a_process_that_ends_at_any_step_leaves_what_settles(
    paths: Paths, place: ModelPlace, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    before = tree(paths.models)
    entry = ModelBin(paths).put(place) if way == "out" else ""
    rename, step = Path.rename, 0
    while True:
        left = step

        def end_at(source: Path, target: Path) -> Path:
            nonlocal left
            if left == 0:
                raise Ended
            left -= 1
            return rename(source, target)

        monkeypatch.setattr(Path, "rename", end_at)
        try:
            if way == "in":
                ModelBin(paths).put(place)
            else:
                ModelBin(paths).restore(entry)
        except Ended:
            step += 1
        else:
            break
        finally:
            monkeypatch.setattr(Path, "rename", rename)
        ModelBin(paths).settle()
        if way == "in":
            assert (tree(paths.models), len(ModelBin(paths).list())) == ({}, 1)
            ModelBin(paths).restore(ModelBin(paths).list()[0].entry)
            assert tree(paths.models) == before
        else:
            assert (tree(paths.models), ModelBin(paths).list()) == (before, ())
            entry = ModelBin(paths).put(find_model("m", paths))
    assert step >= 2, "it was ended at every file"


def test_what_cannot_be_moved_stays_where_it_is(
    paths: Paths, place: ModelPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, rename, calls = tree(paths.models), Path.rename, 0

    def fail_once(source: Path, target: Path) -> Path:
        nonlocal calls
        calls += 1
        if calls == 2:
            raise OSError(18, os.strerror(18))
        return rename(source, target)

    monkeypatch.setattr(Path, "rename", fail_once)
    with pytest.raises(StorageFailed):
        ModelBin(paths).put(place)
    assert (tree(paths.models), ModelBin(paths).list()) == (before, ())
    assert [record.name for record in Records(paths.records).all()] == ["local/m"]
