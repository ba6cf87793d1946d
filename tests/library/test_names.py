from hypothesis import given
from hypothesis import strategies as st

from engine.library.names import is_valid_name, is_valid_part, short_names, valid_part, without_twin


def test_what_no_system_takes_is_no_name() -> None:
    for bad in (
        "",
        ".",
        "..",
        ".hidden",
        "a/b",
        "a\\b",
        "CON",
        "nul.gguf",
        "com1",
        "a ",
        "a.",
        "é",
        "x" * 122,
    ):
        assert not is_valid_part(bad), bad
    for good in ("a", "Qwen3-8B.Q4_K_M", "console", "x" * 121):
        assert is_valid_part(good)
    assert is_valid_name("a/b/c")
    assert not is_valid_name("a//c")


@given(st.text(max_size=200))
def test_any_text_becomes_a_valid_part_and_a_valid_part_stays(text: str) -> None:
    part = valid_part(text)
    assert is_valid_part(part)
    assert valid_part(part) == part


def test_twins_are_told_apart_by_more_than_case() -> None:
    assert without_twin("a/Model", ["b/model"]) == "a/Model"
    assert without_twin("a/Model", ["a/model", "A/MODEL-2"]) == "a/Model-3"


def test_a_short_name_is_the_end_that_no_other_name_has() -> None:
    assert short_names(["builtin", "a/m", "b/m", "c/n"]) == {
        "builtin": "builtin",
        "a/m": "a/m",
        "b/m": "b/m",
        "c/n": "n",
    }
