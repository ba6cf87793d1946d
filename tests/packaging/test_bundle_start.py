import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest
from bundling.start import Entry, has_module_files, module_sources, needed_scripts

from engine.contract.processes import source_root

OURS: list[Entry] = [("plain_import", "/p.py", "PYSOURCE"), ("retort_entry", "/e.py", "PYSOURCE")]
PREPARATIONS = ("inspect", "multiprocessing", "pkgutil", "pyside6")


def hooks(*names: str) -> list[Entry]:
    """PyInstaller's scripts by these names, as it lists them before ours."""
    return [(f"pyi_rth_{name}", f"/hooks/{name}.py", "PYSOURCE") for name in names]


def test_on_linux_modules_are_files_and_every_process_runs_our_scripts_alone() -> None:
    assert has_module_files("linux")
    assert needed_scripts([*hooks(*PREPARATIONS), *OURS], "linux") == OURS


def test_a_preparation_that_nobody_decided_on_ends_the_build() -> None:
    with pytest.raises(SystemExit, match="pyi_rth_gi"):
        needed_scripts([*hooks("gi", "inspect"), *OURS], "linux")


@pytest.mark.parametrize("system", ["win32", "darwin"])
def test_elsewhere_modules_stay_in_the_archive_with_what_it_needs(system: str) -> None:
    assert not has_module_files(system)
    kept = needed_scripts([*hooks(*PREPARATIONS, "gi"), OURS[1]], system)
    assert kept == [*hooks("pkgutil", "pyside6", "gi"), OURS[1]]


def test_a_module_that_is_a_file_is_known_by_its_source() -> None:
    modules = [
        ("abc", "/python/abc.py", "PYMODULE"),
        ("jinja2", "/packages/jinja2/__init__.py", "PYMODULE"),
        ("jinja2.ext", "/packages/jinja2/ext.py", "PYMODULE"),
        ("mpl_toolkits", "-", "PYMODULE"),
    ]
    assert module_sources(modules) == {
        "abc.pyc": "/python/abc.py",
        str(Path("jinja2", "__init__.pyc")): "/packages/jinja2/__init__.py",
        str(Path("jinja2", "ext.pyc")): "/packages/jinja2/ext.py",
    }


@pytest.fixture
def frozen_import(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[type]:
    """Python's imports as PyInstaller leaves them: its finder for every folder, in front of Python's."""

    class PyiFrozenFinder:
        @classmethod
        def path_hook(cls, path: str) -> object:
            raise AssertionError(f"the archive's finder is asked for {path}")

    hooked = [*sys.path_hooks[:1], PyiFrozenFinder.path_hook, *sys.path_hooks[1:]]
    monkeypatch.setattr(sys, "path_hooks", hooked)
    monkeypatch.setattr(sys, "path_importer_cache", {str(tmp_path): PyiFrozenFinder()})
    monkeypatch.syspath_prepend(str(tmp_path))
    yield PyiFrozenFinder
    sys.modules.pop("lies_in_a_file", None)


def test_no_import_asks_the_empty_archive(frozen_import: type, tmp_path: Path) -> None:
    (tmp_path / "lies_in_a_file.py").write_text("answer = 42")
    script = source_root() / "packaging" / "entry" / "plain_import.py"
    exec(compile(script.read_bytes(), str(script), "exec"), {"__name__": "__main__"})
    assert import_module("lies_in_a_file").answer == 42
    assert not any(isinstance(finder, frozen_import) for finder in sys.path_importer_cache.values())
