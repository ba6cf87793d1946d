from pathlib import Path

import pytest

from app.conversations.presets import BUILTIN_PRESETS, Presets
from app.conversations.settings import ConversationSettings
from engine.contract.params import SamplingParams

VALUES = ConversationSettings(
    system_prompt="Be terse.", sampling={"temperature": 0.3}, max_tokens=100, stop=("END", "\n\n")
)


def test_the_presets_of_retort_are_values_a_sampler_takes() -> None:
    for preset in BUILTIN_PRESETS:
        assert isinstance(ConversationSettings(sampling=preset.sampling).sampling_params(), SamplingParams)
    assert BUILTIN_PRESETS[0].sampling == {}


def test_a_preset_of_the_user_s_is_there_at_the_next_start(tmp_path: Path) -> None:
    saved = Presets(tmp_path / "presets.json").save("  My   own ", VALUES)
    again = Presets(tmp_path / "presets.json").find("My own")
    assert again == saved
    assert again is not None
    assert (again.sampling, again.max_tokens, again.stop) == ({"temperature": 0.3}, 100, ("END", "\n\n"))
    assert again.system_prompt == "Be terse."


def test_a_preset_is_renamed_and_deleted(tmp_path: Path) -> None:
    presets = Presets(tmp_path / "presets.json")
    presets.save("One", VALUES)
    presets.rename("One", "Two")
    assert [preset.name for preset in Presets(tmp_path / "presets.json").all() if preset.is_own] == ["Two"]
    presets.delete("Two")
    assert Presets(tmp_path / "presets.json").all() == BUILTIN_PRESETS


def test_names_that_cannot_be_given_are_refused(tmp_path: Path) -> None:
    presets = Presets(tmp_path / "presets.json")
    presets.save("One", VALUES)
    presets.save("Two", VALUES)
    for name in ("", "  ", "Balanced"):
        with pytest.raises(ValueError, match=rf"^\s*{name.strip()}$"):
            presets.save(name, VALUES)
    with pytest.raises(ValueError, match="Two"):
        presets.rename("One", "Two")


def test_a_file_that_cannot_be_read_is_set_aside(tmp_path: Path) -> None:
    path = tmp_path / "presets.json"
    path.write_text("{", encoding="utf-8")
    assert Presets(path).all() == BUILTIN_PRESETS
    assert path.with_suffix(".unreadable").read_text(encoding="utf-8") == "{"


def test_what_is_of_a_wrong_kind_in_the_file_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "presets.json"
    path.write_text('[{"name": "One", "max_tokens": "many", "sampling": {"top_k": 5}}, 3]', encoding="utf-8")
    preset = Presets(path).find("One")
    assert preset is not None
    assert (preset.max_tokens, preset.sampling) == (None, {"top_k": 5})
