"""The archive of a pack, as maintainers make it and as Retort takes it in."""

import sys
from pathlib import Path

import pytest
from packs import archive, pinned
from packs.archive import make_archive
from packs.build import libraries
from packs.recipes import RECIPES, configure_options

from engine.contract import packs as contract
from engine.library.pack_archive import check_made_for_this, read_manifest

WHEEL = ("libllama.so", "libllama.so.0", "libllama.so.0.5.0", "libggml-cpu.so", "libggml-cpu.so.0", "lib.txt")


def test_packs_are_pinned_to_what_retort_asks_for() -> None:
    assert pinned.LLAMA_COMMIT == contract.LLAMA_COMMIT
    assert pinned.WRAPPER_VERSION == contract.WRAPPER_VERSION
    assert archive.this_platform() == contract.this_platform()


def test_an_archive_is_read_by_retort_and_is_the_same_every_time(tmp_path: Path) -> None:
    for name in ("b.so", "a.so"):
        (tmp_path / name).write_bytes(name.encode())
    first, second = (
        make_archive(tmp_path.glob("*.so"), "vulkan", ("-DX",), tmp_path / folder) for folder in ("1", "2")
    )
    manifest = read_manifest(first)
    check_made_for_this(manifest, first.name)
    assert [file.name for file in manifest.files] == ["a.so", "b.so"]
    assert manifest.id.startswith("vulkan-0c1e570-")
    assert first.read_bytes() == second.read_bytes()


@pytest.mark.skipif(sys.platform != "linux", reason="names of libraries on Linux")
def test_of_a_wheels_libraries_each_is_taken_once(tmp_path: Path) -> None:
    for name in WHEEL:
        (tmp_path / name).touch()
    assert [path.name for path in libraries(tmp_path)] == ["libggml-cpu.so.0", "libllama.so"]


def test_every_recipe_builds_for_any_cpu_of_its_kind() -> None:
    assert set(RECIPES) == {"cpu", "vulkan", "cuda", "metal"}
    for recipe in RECIPES.values():
        assert "-DGGML_NATIVE=OFF" in configure_options(recipe)
