import json
from pathlib import Path

import pytest

from engine.contract.errors import InvalidRequest, StorageFailed
from engine.contract.params import LoadParams
from engine.contract.settings import EngineSettings
from engine.host.settings_file import SettingsFile


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "config" / "settings.json"


def opened(path: Path) -> SettingsFile:
    file = SettingsFile(path)
    file.refresh()
    return file


def test_without_a_file_the_defaults_hold_and_none_is_written(path: Path) -> None:
    file = opened(path)
    assert (file.settings, file.notice) == (EngineSettings(), "")
    assert not path.exists()


def test_what_was_changed_is_there_the_next_time(path: Path) -> None:
    file = opened(path)
    file.change("models_at_once", 3)
    file.change("model_folders", ("/a", "/b"))
    file.change_load("m", LoadParams(threads=2))
    assert opened(path).settings == file.settings
    assert file.settings == EngineSettings(
        models_at_once=3, model_folders=("/a", "/b"), load={"m": LoadParams(threads=2)}
    )
    file.change("models_at_once", None)
    file.change_load("m", None)
    assert opened(path).settings == EngineSettings(model_folders=("/a", "/b"))
    assert json.loads(path.read_text()) == {"model_folders": ["/a", "/b"]}


def test_a_change_by_another_process_is_seen(path: Path) -> None:
    ours, theirs = opened(path), opened(path)
    assert not ours.refresh()
    theirs.change("models_at_once", 4)
    assert ours.refresh()
    assert ours.settings.models_at_once == 4
    ours.change("keep_loaded_minutes", 1)
    assert theirs.refresh()
    assert theirs.settings == EngineSettings(models_at_once=4, keep_loaded_minutes=1)


def test_names_of_another_version_are_kept(path: Path) -> None:
    path.parent.mkdir()
    path.write_text('{"colour": "red", "models_at_once": 3}')
    file = opened(path)
    file.change("models_at_once", 5)
    assert json.loads(path.read_text()) == {"colour": "red", "models_at_once": 5}
    assert file.notice == ""


def test_a_value_that_does_not_fit_is_said_and_its_default_holds(path: Path) -> None:
    path.parent.mkdir()
    path.write_text('{"models_at_once": "many", "keep_loaded_minutes": 3, "load": {"m": {"threads": 0}}}')
    file = opened(path)
    assert file.settings == EngineSettings(keep_loaded_minutes=3)
    assert "models_at_once must be a whole number" in file.notice
    assert "how m is loaded" in file.notice
    assert "many" in path.read_text()


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff\xfe", b'{"models_at_once": 3'])
def test_a_damaged_file_is_set_aside_and_said(path: Path, content: bytes) -> None:
    path.parent.mkdir()
    for number in (1, 2):
        path.write_bytes(content)
        file = opened(path)
        assert file.settings == EngineSettings()
        assert f"kept as settings.json.damaged-{number}" in file.notice
        assert path.with_name(f"settings.json.damaged-{number}").read_bytes() == content
    file.change("models_at_once", 3)
    assert opened(path).settings.models_at_once == 3


def test_what_is_no_setting_or_out_of_bounds_changes_nothing(path: Path) -> None:
    file = opened(path)
    for name, value in (("colour", 1), ("models_at_once", 0), ("load", 1)):
        with pytest.raises(InvalidRequest):
            file.change(name, value)
    assert not path.exists()


def test_a_file_that_cannot_be_written_is_said(path: Path) -> None:
    path.parent.write_text("a file where the folder should be")
    with pytest.raises(StorageFailed):
        opened(path).change("models_at_once", 3)
