"""Projectors, drafters and adapters: what is one, to which model it belongs, where it goes."""

import struct
from pathlib import Path

import pytest

from engine.contract.paths import Paths
from engine.library.companions import belonging, companion_kinds, companions_of, files_only_of
from engine.library.importing import import_copy
from engine.library.installed import InstalledModels
from engine.library.places import list_places


def gguf(folder: Path, name: str, size_bytes: int = 100, *, kind: str = "") -> Path:
    """A file that begins like a GGUF file and says what it is."""
    folder.mkdir(parents=True, exist_ok=True)
    entries = b"".join(
        struct.pack("<Q", len(key)) + key.encode() + struct.pack("<IQ", 8, len(value)) + value.encode()
        for key, value in (("general.architecture", "llama"), ("general.type", kind))
    )
    head = b"GGUF" + struct.pack("<IQQ", 3, 0, 2) + entries
    (folder / name).write_bytes(head.ljust(size_bytes, b"\0"))
    return folder / name


def test_names_tell_what_a_file_is() -> None:
    sizes = {"m-Q4_K_M": 900, "m-BF16": 4000, "mmproj-m-F16": 50, "m.mmproj-f16": 50, "m-lora-f16": 5}
    sizes |= {"m-draft-Q8_0": 60, "eagle3-m": 60, "aurora-7b": 700, "m-mtpx": 700}
    assert companion_kinds(sizes) == {
        "mmproj-m-F16": "projector",
        "m.mmproj-f16": "projector",
        "m-lora-f16": "adapter",
        "m-draft-Q8_0": "drafter",
        "eagle3-m": "drafter",
    }


def test_a_model_that_brings_its_mtp_layers_is_no_drafter_nor_is_one_that_lies_alone() -> None:
    assert companion_kinds({"m-MTP-Q4_K_M": 17, "m-Q4_K_M": 16}) == {}
    assert companion_kinds({"m-MTP-Q4_K_M": 17, "m-MTP-Q8_0": 30}) == {}
    assert companion_kinds({"m-MTP-Q8_0": 2, "m-Q4_K_M": 16}) == {"m-MTP-Q8_0": "drafter"}
    assert companion_kinds({"small-draft": 2}) == {}


def test_a_companion_belongs_to_the_models_named_like_it_or_to_all() -> None:
    models = ["qwen3-8b-Q4_K_M", "qwen3-8b-Q8_0", "gemma-4-Q4_0"]
    assert belonging("qwen3-8b-Q8_0", ["mmproj-qwen3-8b-F16"], models) == ["mmproj-qwen3-8b-F16"]
    assert belonging("gemma-4-Q4_0", ["mmproj-qwen3-8b-F16"], models) == []
    assert belonging("gemma-4-Q4_0", ["mmproj-F16", "other-draft"], models) == ["mmproj-F16", "other-draft"]


@pytest.mark.parametrize("kind", ["adapter", "mmproj"])
def test_a_file_says_itself_that_it_is_no_model(tmp_path: Path, kind: str) -> None:
    model, other = gguf(tmp_path, "m.gguf"), gguf(tmp_path, "pirate.gguf", kind=kind)
    (found,) = companions_of(model)
    assert (found.path, found.kind) == (str(other), "adapter" if kind == "adapter" else "projector")
    assert companions_of(other) == ()


@pytest.mark.parametrize("length", [0, 3, 20, 24, 30, 45, 60, 90])
def test_a_file_that_ends_too_early_says_nothing(tmp_path: Path, length: int) -> None:
    model, other = gguf(tmp_path, "m.gguf"), gguf(tmp_path, "cut.gguf", kind="adapter")
    other.write_bytes(other.read_bytes()[:length])
    assert companions_of(model) == ()


def test_the_library_lists_them_beneath_their_model(own_folders: Path, tiny_model: Path) -> None:
    paths = Paths.from_environment()
    folder = paths.models / "acme" / "m"
    projector, adapter = gguf(folder, "mmproj-F16.gguf"), gguf(folder, "style.gguf", 70, kind="adapter")
    for name in ("m-Q4_K_M.gguf", "m-Q8_0.gguf"):
        (folder / name).write_bytes(tiny_model.read_bytes())
    models = {model.name: model for model in InstalledModels(paths).all()}
    assert list(models) == ["builtin", "acme/m/m-Q4_K_M", "acme/m/m-Q8_0"]
    told = {(one.kind, one.path) for one in models["acme/m/m-Q8_0"].companions}
    assert told == {("projector", str(projector)), ("adapter", str(adapter))}
    assert files_only_of(folder / "m-Q8_0.gguf") == (), "the other one uses them too"
    (folder / "m-Q4_K_M.gguf").unlink()
    assert set(files_only_of(folder / "m-Q8_0.gguf")) == {projector, adapter}


def test_a_copy_brings_them_along(own_folders: Path, tmp_path: Path, tiny_model: Path) -> None:
    paths = Paths.from_environment()
    gguf(tmp_path / "mine", "mmproj-f16.gguf")
    (tmp_path / "mine/m.gguf").write_bytes(tiny_model.read_bytes())
    place = import_copy(tmp_path / "mine/m.gguf", paths)
    assert sorted(file.name for file in place.path.parent.iterdir()) == ["m.gguf", "mmproj-f16.gguf"]
    assert [one.name for one in list_places(paths)] == ["builtin", "local/m"]
