import sys
from pathlib import Path

import pytest

from engine.contract.paths import Paths, resources


def test_retort_home_overrides_every_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RETORT_HOME", str(tmp_path))
    paths = Paths.from_environment()
    for folder in (paths.data, paths.config, paths.cache, paths.models, paths.log, paths.conversations):
        assert tmp_path in folder.parents


def test_without_it_the_platform_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RETORT_HOME")
    paths = Paths.from_environment()
    assert paths.data.name == "retort"
    assert len({paths.data, paths.config, paths.cache}) >= 2


@pytest.mark.skipif(sys.platform == "win32", reason="Windows folders have no mode bits")
def test_folders_are_for_this_user_alone() -> None:
    paths = Paths.from_environment()
    paths.ensure()
    paths.ensure()
    assert all(folder.stat().st_mode & 0o077 == 0 for folder in (paths.data, paths.config, paths.cache))


def test_resources_lie_in_the_source_tree() -> None:
    assert (resources().parent / "engine").is_dir()
