"""The source package: fetched whole with its hash checked, kept once, and what happens where it cannot be."""

import hashlib
import io
import tarfile
from pathlib import Path

import pytest

from set_up.environment import make_venv
from set_up.llama_build import wheel_command
from set_up.llama_source import download_source, kept_source, source_folder, try_to_keep_source
from set_up.places import Places
from set_up.progress import SetUpError

NAME = "llama_cpp_python-0.3.36"
BACKEND = """
import pathlib

def prepare_metadata_for_build_wheel(folder, settings=None):
    info = pathlib.Path(folder, "llama_cpp_python-0.3.36.dist-info")
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\\nName: llama-cpp-python\\nVersion: 0.3.36\\n")
    (info / "WHEEL").write_text("Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
    return info.name
"""
PROJECT = """
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]
[project]
name = "llama-cpp-python"
version = "0.3.36"
"""


def write_package(folder: Path) -> Path:
    """A source package of the right name whose metadata pip can make without any tool."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{NAME}.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        for name, text in (("pyproject.toml", PROJECT), ("backend.py", BACKEND), ("PKG-INFO", "")):
            entry = tarfile.TarInfo(f"{NAME}/{name}")
            entry.size = len(text)
            archive.addfile(entry, io.BytesIO(text.encode()))
    return path


def write_lock(places: Places, package: Path) -> None:
    digest = hashlib.sha256(package.read_bytes()).hexdigest()
    places.requirements.mkdir(parents=True, exist_ok=True)
    (places.requirements / "llama.txt").write_text(
        f"llama-cpp-python==0.3.36 \\\n    --hash=sha256:{digest}\n"
    )
    (places.requirements / "llama-build.txt").write_text("")


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that pip takes for the package index."""
    folder = tmp_path / "index"
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


@pytest.fixture
def places(tmp_path: Path) -> Places:
    return Places(root=tmp_path / "clone", cache=tmp_path / "cache")


def test_only_the_locked_package_counts_as_kept(places: Places, tmp_path: Path) -> None:
    write_lock(places, write_package(tmp_path / "index"))
    assert kept_source(places) is None
    kept = write_package(source_folder(places))
    kept.write_bytes((tmp_path / "index" / kept.name).read_bytes())
    assert kept_source(places) == kept
    kept.write_bytes(kept.read_bytes()[:-1])
    assert kept_source(places) is None


@pytest.mark.slow
def test_it_is_fetched_and_replaces_what_was_kept(places: Places, index: Path) -> None:
    write_lock(places, write_package(index))
    old = source_folder(places) / "llama_cpp_python-0.3.35.tar.gz"
    old.parent.mkdir(parents=True)
    old.write_bytes(b"old")
    try_to_keep_source(places)
    assert kept_source(places) is not None
    assert [path.name for path in source_folder(places).iterdir()] == [f"{NAME}.tar.gz"]
    assert not places.build_environment.exists()
    assert str(source_folder(places)) in wheel_command(places, places.cache)


@pytest.mark.slow
def test_another_package_of_the_name_is_refused_and_told(
    places: Places, index: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    package = write_package(index)
    write_lock(places, package)
    package.write_bytes(write_package(index.parent / "other").read_bytes() + b"\0")
    make_venv(places.build_environment)
    with pytest.raises(SetUpError, match="is not the locked one"):
        download_source(places)
    try_to_keep_source(places)
    assert "are skipped" in capsys.readouterr().err
    assert kept_source(places) is None
    assert list(source_folder(places).iterdir()) == []
