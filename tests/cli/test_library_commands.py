"""The library and the settings from the command line."""

import json
import shutil
from pathlib import Path

import pytest

from engine.contract.paths import Paths
from engine.contract.settings import SETTINGS
from tests.support.command_line import retort


def listed() -> dict[str, dict[str, object]]:
    models = json.loads(retort("models", "--json").stdout)["models"]
    return {model["name"]: model for model in models}


@pytest.fixture
def mine(tmp_path: Path, tiny_model: Path) -> Path:
    """A model file that is the user's."""
    return Path(shutil.copy(tiny_model, tmp_path / "My model.gguf"))


def test_a_model_is_imported_listed_used_by_its_name_and_forgotten(mine: Path) -> None:
    imported = json.loads(retort("import", str(mine), "--json").stdout)
    assert (imported["name"], imported["short_name"]) == ("local/My-model", "My-model")
    assert set(listed()) == {"builtin", "local/My-model"}
    table = retort("models").stdout.splitlines()
    assert table[0].split() == ["NAME", "PARAMETERS", "TYPE", "SIZE", "CONTEXT", "CAN"]
    assert table[2].startswith("My-model")
    assert json.loads(retort("inspect", "my-model", "--json").stdout)["architecture"] == "llama"
    removed = retort("remove", "My-model", "--yes")
    assert "is forgotten" in removed.stdout
    assert mine.exists()
    assert set(listed()) == {"builtin"}


def test_a_copy_is_deleted_after_a_yes_and_nobody_is_taken_to_have_said_it(mine: Path) -> None:
    path = Path(json.loads(retort("import", str(mine), "--copy", "--json").stdout)["path"])
    assert path.is_relative_to(Paths.from_environment().models)
    mine.unlink()
    unasked = retort("remove", "My-model", "--for-good")
    assert (unasked.status, path.exists()) == (2, True)
    assert "--yes" in unasked.stderr
    report = json.loads(retort("remove", "My-model", "--for-good", "--yes", "--json").stdout)
    assert report["freed_bytes"] > 0
    assert not path.exists()


def test_a_removed_model_lies_in_the_bin_until_it_is_restored_or_deleted(mine: Path) -> None:
    path = Path(json.loads(retort("import", str(mine), "--copy", "--json").stdout)["path"])
    assert "is in the bin" in retort("remove", "My-model").stdout
    assert not path.exists()
    (binned,) = json.loads(retort("bin", "--json").stdout)["bin"]
    assert (binned["name"], binned["size_bytes"]) == ("local/My-model", mine.stat().st_size)
    assert "in the library again" in retort("restore", "my-model").stdout
    assert path.read_bytes() == mine.read_bytes()
    retort("remove", "My-model")
    assert json.loads(retort("bin", "--empty", "--json").stdout)["freed_bytes"] == mine.stat().st_size
    assert retort("bin").stdout == "the bin is empty\n"
    assert retort("restore", "my-model").status == 1


def test_a_model_that_vanished_stays_listed_with_the_reason(mine: Path) -> None:
    retort("import", str(mine))
    mine.unlink()
    assert "no model at" in str(listed()["local/My-model"]["problem"])
    assert "not usable: no model at" in retort("models").stdout
    outcome = retort("run", "My-model", "x")
    assert (outcome.status, outcome.stdout) == (1, "")
    assert "no model at" in outcome.stderr
    assert "no model at" in str(json.loads(retort("doctor", "--json").stdout)["problems"])


@pytest.mark.parametrize(
    ("words", "status", "reason"),
    [
        (["import", "nowhere.gguf"], 1, "no model at"),
        (["import", "."], 1, "without a config.json"),
        (["remove", "builtin", "--yes"], 1, "belongs to Retort"),
        (["remove", "nothing", "--yes"], 1, "no model at 'nothing'"),
        (["settings", "get", "colour"], 2, "there is no setting 'colour'"),
        (["settings", "set", "models_at_once", "many"], 2, "models_at_once must be a whole number"),
        (["settings", "set", "models_at_once"], 2, "set NAME VALUE"),
        (["settings", "load", "builtin", "speed=3"], 2, "'speed=3' is not NAME=VALUE"),
        (["settings", "load", "builtin", "threads=0"], 2, "threads must be"),
        (["settings", "load", "nothing", "threads=1"], 1, "no model at"),
    ],
)
def test_a_failure_is_one_line_on_stderr(words: list[str], status: int, reason: str) -> None:
    outcome = retort(*words)
    assert (outcome.status, outcome.stdout) == (status, "")
    (line,) = outcome.stderr.splitlines()
    assert reason in line


def test_settings_are_shown_set_and_reset() -> None:
    shown = retort("settings").stdout
    assert all(setting.name in shown and setting.meaning in shown for setting in SETTINGS)
    assert retort("settings", "set", "models_at_once", "3").status == 0
    assert retort("settings", "get", "models_at_once").stdout == "3\n"
    assert "models_at_once = 3 models (default 2)" in retort("settings").stdout
    retort("settings", "reset", "models_at_once")
    assert json.loads(retort("settings", "--json").stdout)["models_at_once"] == 2


def test_how_a_model_is_loaded_is_kept_and_forgotten() -> None:
    retort("settings", "load", "builtin", "threads=1", "context_length=256")
    assert "load builtin: context_length=256 threads=1" in retort("settings").stdout
    retort("settings", "load", "builtin")
    assert "load builtin" not in retort("settings").stdout


def test_damaged_settings_are_said_and_set_aside() -> None:
    path = Paths.from_environment().settings
    path.parent.mkdir(parents=True)
    path.write_text("{")
    outcome = retort("settings", "--json")
    assert outcome.status == 0
    assert "kept as settings.json.damaged-1" in outcome.stderr
    assert path.with_name("settings.json.damaged-1").exists()


def test_a_conversation_in_the_terminal_has_commands(tmp_path: Path) -> None:
    file = tmp_path / "kept.md"
    lines = ["/help", "one", "/etc is no command", "/new", "/system Be brief.", "two", f"/save {file}"]
    outcome = retort("run", "fake:tokens=2,text=ok", stdin="\n".join(lines))
    assert (outcome.status, outcome.stdout) == (0, "ok\nok\nok\n")
    assert "/system TEXT" in outcome.stderr
    assert file.read_text() == "## system\n\nBe brief.\n\n## user\n\ntwo\n\n## assistant\n\nok\n"
    again = retort("run", "fake:tokens=2,text=ok", stdin=f"/save {file}\n")
    assert again.status == 1
    assert "exists" in again.stderr
