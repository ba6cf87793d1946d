"""The library as a whole: what is found where, under which name, and what importing and removing do."""

import os
import shutil
from pathlib import Path

import pytest

from engine.contract.errors import (
    InvalidRequest,
    ModelAmbiguous,
    ModelChanged,
    ModelDamaged,
    ModelNotFound,
    StorageFailed,
)
from engine.contract.model_info import InstalledModel
from engine.contract.paths import Paths
from engine.library.importing import ImportCancelled, import_copy, import_reference
from engine.library.installed import InstalledModels
from engine.library.places import find_model, list_places
from engine.library.records import Records
from engine.library.removal import remove_for_good
from tests.support.tiny_checkpoint import DEEPSEEK, random_arrays, write_checkpoint
from tests.support.tiny_model import write_tiny_model


@pytest.fixture
def paths(own_folders: Path) -> Paths:
    return Paths.from_environment()


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A folder that is not Retort's."""
    folder = tmp_path / "my models"
    folder.mkdir()
    return folder


def put(tiny_model: Path, place: Path) -> Path:
    place.parent.mkdir(parents=True, exist_ok=True)
    return Path(shutil.copy(tiny_model, place))


def names(paths: Paths, *folders: Path) -> list[str]:
    return [place.name for place in list_places(paths, [str(folder) for folder in folders])]


def entry(paths: Paths, name: str) -> InstalledModel:
    return next(model for model in InstalledModels(paths).all() if model.name == name)


def everything_below(folder: Path) -> set[Path]:
    return {path.relative_to(folder) for path in folder.rglob("*") if path.suffix != ".lock"}


def test_a_new_installation_has_the_built_in_model(paths: Paths) -> None:
    (model,) = InstalledModels(paths).all()
    assert (model.name, model.origin, model.problem) == ("builtin", "builtin", "")
    assert model.info is not None
    assert "chat" in model.capabilities


def test_models_are_named_by_publisher_repository_and_file(paths: Paths, tiny_model: Path) -> None:
    for place in ("acme/Tiny-GGUF/tiny-Q8_0.gguf", "acme/solo/solo.gguf", "bare.gguf", "a/b/x.gguf.part"):
        put(tiny_model, paths.models / place)
    put(tiny_model, paths.models / "acme/Tiny-GGUF/mmproj-f16.gguf")
    write_checkpoint(paths.models / "acme/Deep", DEEPSEEK, random_arrays(DEEPSEEK))
    assert names(paths) == ["builtin", "acme/Deep", "acme/Tiny-GGUF/tiny-Q8_0", "acme/solo", "bare"]
    badges = entry(paths, "acme/Deep")
    assert (badges.format, badges.capabilities) == ("checkpoint", ("moe", "mtp"))
    assert badges.info is not None
    assert 0 < badges.active_parameters < badges.info.parameters


def test_folders_of_the_settings_are_looked_through_and_twins_told_apart(
    paths: Paths, outside: Path, tiny_model: Path
) -> None:
    put(tiny_model, paths.models / "acme/m/m.gguf")
    put(tiny_model, outside / "acme/M.gguf")
    put(tiny_model, outside / "my model (2).gguf")
    assert names(paths, outside, outside / "none") == ["builtin", "acme/m", "acme/M-2", "my-model-2"]


def test_a_name_is_found_whole_short_and_in_any_case_and_a_path_as_it_is(
    paths: Paths, tiny_model: Path
) -> None:
    file = put(tiny_model, paths.models / "acme/Tiny-GGUF/tiny-Q8_0.gguf")
    for name in ("acme/Tiny-GGUF/tiny-Q8_0", "ACME/tiny-gguf/TINY-q8_0", "tiny-q8_0", str(file)):
        assert find_model(name, paths).name == "acme/Tiny-GGUF/tiny-Q8_0"
    assert find_model("builtin", paths).origin == "builtin"
    assert find_model(str(tiny_model), paths).origin is None
    for missing in ("tiny", "acme", "", "/nowhere/m.gguf"):
        with pytest.raises(ModelNotFound):
            find_model(missing, paths)


def test_a_short_name_of_several_models_is_ambiguous_and_a_whole_one_is_not(
    paths: Paths, tiny_model: Path
) -> None:
    put(tiny_model, paths.models / "a/r/m.gguf")
    put(tiny_model, paths.models / "b/r/m.gguf")
    put(tiny_model, paths.models / "m.gguf")
    assert find_model("m", paths).name == "m"
    with pytest.raises(ModelAmbiguous, match="a/r/m, b/r/m"):
        find_model("r/m", paths)


def test_an_import_leaves_the_file_where_it_is_and_removing_only_forgets_it(
    paths: Paths, outside: Path, tiny_model: Path
) -> None:
    file = put(tiny_model, outside / "Tiny model.gguf")
    place = import_reference(file, paths)
    assert (place.name, place.path, place.origin) == ("local/Tiny-model", file, "reference")
    assert import_reference(file, paths) == place
    assert not paths.models.exists()
    assert entry(paths, "local/Tiny-model").short_name == "Tiny-model"
    assert remove_for_good(place, paths) == 0
    assert file.exists()
    assert names(paths) == ["builtin"]


def test_a_copy_lies_in_the_models_folder_and_removing_deletes_it(
    paths: Paths, outside: Path, tiny_model: Path
) -> None:
    file = put(tiny_model, outside / "tiny.gguf")
    fractions: list[float] = []
    place = import_copy(file, paths, progress=fractions.append)
    assert place.path == paths.models / "local/tiny/tiny.gguf"
    assert (place.name, place.origin) == ("local/tiny", "library")
    assert place.path.read_bytes() == file.read_bytes()
    assert fractions[-1] == 1
    assert import_copy(file, paths).name == "local/tiny-2"
    file.unlink()
    place.check()
    assert remove_for_good(place, paths) == tiny_model.stat().st_size
    assert names(paths) == ["builtin", "local/tiny-2"]
    assert everything_below(paths.models) == {
        Path("local"),
        Path("local/tiny-2"),
        Path("local/tiny-2/tiny.gguf"),
    }


def test_a_model_in_parts_and_a_checkpoint_are_imported_whole(paths: Paths, outside: Path) -> None:
    first = write_tiny_model(outside / "cut.gguf", tensors_per_file=8)
    second = first.with_name(first.name.replace("00001", "00002"))
    place = import_copy(second, paths)
    assert (place.name, place.path.name) == ("local/cut", first.name)
    assert len(list(place.path.parent.iterdir())) == 3
    folder = write_checkpoint(outside / "deep", DEEPSEEK, random_arrays(DEEPSEEK), num_shards=2)
    (folder / "weights.bin").write_bytes(b"a pickle")
    copied = import_copy(folder, paths)
    assert (copied.name, copied.format) == ("local/deep", "checkpoint")
    assert not (copied.path / "weights.bin").exists()
    assert import_reference(folder, paths).name == "local/deep-2"
    for model in (place, copied):
        assert remove_for_good(model, paths) > 0
    assert everything_below(paths.models) == set()


def test_what_is_no_model_is_refused_and_leaves_nothing(
    paths: Paths, outside: Path, tiny_model: Path
) -> None:
    damaged = outside / "cut.gguf"
    damaged.write_bytes(tiny_model.read_bytes()[:-100])
    for bring in (import_reference, import_copy):
        with pytest.raises(ModelDamaged, match="ends too early"):
            bring(damaged, paths)
        with pytest.raises(ModelDamaged, match=r"without a config\.json"):
            bring(outside, paths)
        with pytest.raises(ModelNotFound):
            bring(outside / "none.gguf", paths)
    assert names(paths) == ["builtin"]
    assert not paths.models.exists()


def test_a_stopped_copy_leaves_nothing_and_what_a_killed_one_left_is_no_model(
    paths: Paths, outside: Path, tiny_model: Path
) -> None:
    file = put(tiny_model, outside / "tiny.gguf")
    with pytest.raises(ImportCancelled):
        import_copy(file, paths, cancelled=lambda: True)
    assert everything_below(paths.models) == {Path("local")}
    put(tiny_model, paths.models / "local/tiny.part/tiny.gguf")  # a kill in mid copy
    assert names(paths) == ["builtin"]
    assert import_copy(file, paths).name == "local/tiny"
    assert names(paths) == ["builtin", "local/tiny"]


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="nothing is read-only for this user")
def test_a_folder_that_cannot_be_written_is_said(paths: Paths, tiny_model: Path) -> None:
    paths.data.mkdir(parents=True)
    paths.data.chmod(0o500)
    try:
        with pytest.raises(StorageFailed):
            import_copy(tiny_model, paths)
    finally:
        paths.data.chmod(0o700)


def test_a_file_that_changed_or_vanished_after_its_import_is_said_and_refused(
    paths: Paths, outside: Path, tiny_model: Path
) -> None:
    file = put(tiny_model, outside / "tiny.gguf")
    place = import_reference(file, paths)
    os.utime(file, ns=(1, 1))
    with pytest.raises(ModelChanged):
        place.check()
    assert "changed since" in entry(paths, place.name).problem
    assert import_reference(file, paths).name == place.name  # taken in anew
    assert entry(paths, place.name).problem == ""
    file.unlink()
    with pytest.raises(ModelNotFound):
        find_model(place.name, paths).check()
    gone = entry(paths, place.name)
    assert (gone.info, "no model at" in gone.problem) == (None, True)
    assert remove_for_good(find_model(place.name, paths), paths) == 0


def test_only_what_is_in_the_library_can_be_removed(paths: Paths, outside: Path, tiny_model: Path) -> None:
    put(tiny_model, outside / "tiny.gguf")
    for model, folders in (("builtin", ()), (str(tiny_model), ()), ("tiny", (str(outside),))):
        with pytest.raises(InvalidRequest):
            remove_for_good(find_model(model, paths, folders), paths)
    assert (outside / "tiny.gguf").exists()


def test_a_record_that_cannot_be_read_or_lies_about_its_name_counts_as_none(
    paths: Paths, outside: Path, tiny_model: Path
) -> None:
    import_reference(put(tiny_model, outside / "good.gguf"), paths)
    (record,) = Records(paths.records).all()
    (paths.records / "local=bad.json").write_text("{")
    shutil.copy(paths.records / "local=good.json", paths.records / "local=other.json")
    text = (paths.records / "local=good.json").read_text()
    (paths.records / "evil.json").write_text(text.replace("local/good", "../../evil"))
    assert Records(paths.records).all() == [record]


def test_headers_are_read_again_only_when_a_file_has_changed(paths: Paths, tiny_model: Path) -> None:
    file = put(tiny_model, paths.models / "m.gguf")
    library = InstalledModels(paths)
    before = library.all()[1]
    assert library.all()[1].info is before.info
    write_tiny_model(file, name="Another", seed=1)
    os.utime(file, ns=(1, 1))
    info = library.all(loaded=[file])[1].info
    assert info is not None
    assert info.name == "Another"
