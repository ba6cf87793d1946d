import dataclasses

import pytest

from engine.contract.params import LoadParams
from engine.contract.settings import SETTINGS, EngineSettings, Setting, setting_named


def test_every_setting_but_the_models_own_params_has_a_line_in_the_table() -> None:
    names = [field.name for field in dataclasses.fields(EngineSettings)]
    assert [setting.name for setting in SETTINGS] == [name for name in names if name != "load"]


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.name)
def test_a_default_is_within_its_bounds_and_is_read_back_as_it_is_written(setting: Setting) -> None:
    default = getattr(EngineSettings(), setting.name)
    setting.check(default)
    assert setting.parse(setting.write(default)) == default
    assert setting.label
    assert setting.meaning.endswith(".")


@pytest.mark.parametrize(
    ("name", "value"),
    [("models_at_once", 0), ("models_at_once", True), ("keep_loaded_minutes", -1), ("model_folders", ("",))],
)
def test_a_value_out_of_bounds_is_refused_with_the_setting_s_name(name: str, value: object) -> None:
    with pytest.raises(ValueError, match=name):
        EngineSettings(**{name: value})  # type: ignore[arg-type]


@pytest.mark.parametrize(("name", "text"), [("models_at_once", "two"), ("models_at_once", "1.5")])
def test_what_a_user_writes_is_refused_in_the_same_words(name: str, text: str) -> None:
    with pytest.raises(ValueError, match=f"{name} must be a whole number from 1 to 64, got '{text}'"):
        setting_named(name).parse(text)


def test_a_switch_and_folders_are_written_as_people_write_them() -> None:
    switch = Setting(name="s", kind="switch", label="S", meaning="M.")
    assert [switch.parse(text) for text in ("on", "No", "true")] == [True, False, True]
    assert switch.write(True) == "true"
    assert setting_named("model_folders").parse(" /a ; /b b;") == ("/a", "/b b")


def test_an_unknown_setting_is_refused_with_those_there_are() -> None:
    with pytest.raises(ValueError, match="there are keep_loaded_minutes"):
        setting_named("colour")


def test_what_a_request_does_not_say_the_model_s_own_params_say() -> None:
    settings = EngineSettings(load={"m": LoadParams(threads=2, context_length=512)})
    assert settings.load_params("m", LoadParams(context_length=1024)) == LoadParams(
        threads=2, context_length=1024
    )
    assert settings.load_params("other", LoadParams(threads=3)) == LoadParams(threads=3)
