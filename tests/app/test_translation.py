"""Every text of the window passes through the catalogue, and the catalogues are complete."""

import ast
import string
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.translation import (
    LANGUAGES,
    choose_language,
    format_bytes,
    format_number,
    format_seconds,
    read_words,
    spoken_language,
    tr,
    tr_count,
    use_language,
)
from engine.contract.exit_status import EXIT_WORDS
from engine.contract.model_info import BACKEND_REASONS
from engine.contract.paths import resources
from engine.contract.processes import source_root
from engine.contract.settings import SETTINGS

CATALOGUES = resources() / "translations"
APP = source_root() / "app"
MARKERS = {
    "tr": 1,
    "mark": 1,
    "tr_count": 2,
}  # how many of the arguments are texts, at which place they begin


@pytest.fixture
def german() -> Iterator[None]:
    use_language("de", CATALOGUES)
    yield
    use_language("en", CATALOGUES)


def texts_in_source() -> set[str]:
    found: set[str] = set()
    for path in sorted(APP.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in MARKERS:
                texts = node.args[1:3] if node.func.id == "tr_count" else node.args[:1]
                found |= {str(text.value) for text in texts if isinstance(text, ast.Constant)}
    for setting in SETTINGS:  # the engine speaks English, the window says it
        found |= {setting.label, setting.meaning, setting.unit} - {""}
    return found | set(BACKEND_REASONS.values()) | EXIT_WORDS


def places(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


@pytest.mark.parametrize("language", [language for language in LANGUAGES if language != "en"])
def test_a_catalogue_has_every_text_and_no_other(language: str) -> None:
    words = read_words(CATALOGUES / f"{language}.json")
    assert sorted(texts_in_source() - set(words)) == []
    assert sorted(set(words) - texts_in_source()) == []
    assert all(words.values())


@pytest.mark.parametrize("language", [language for language in LANGUAGES if language != "en"])
def test_a_translation_has_the_same_places_to_fill(language: str) -> None:
    words = read_words(CATALOGUES / f"{language}.json")
    assert {text for text, said in words.items() if places(text) != places(said)} == set()


SAYING = {  # calls whose first text a user sees
    "QLabel", "QPushButton", "QAction", "setText", "setToolTip", "setAccessibleName", "setPlaceholderText",
    "setWindowTitle", "setTitle", "addAction", "addItem", "show_error", "show_plain", "ask", "add_text",
    "add_heading", "button", "ErrorText", "QMenu",
}  # fmt: skip
NAMES = {"Retort", "Top-p", "Top-k", "Min-p", "–"}  # the same in every language


def untranslated(path: Path) -> list[str]:
    """Texts that a file shows to users without asking the catalogue."""
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        if name not in SAYING:
            continue
        for text in [*node.args, *(keyword.value for keyword in node.keywords)]:
            if isinstance(text, ast.Constant) and isinstance(text.value, str) and _is_speech(text.value):
                found.append(text.value)
            if isinstance(text, ast.JoinedStr) and any(
                _is_speech(str(part.value)) for part in text.values if isinstance(part, ast.Constant)
            ):
                found.append(ast.unparse(text))
    return found


def _is_speech(text: str) -> bool:
    return any(letter.isalpha() for letter in text) and text not in NAMES


@pytest.mark.parametrize(
    "path", [pytest.param(path, id=path.relative_to(APP).as_posix()) for path in sorted(APP.rglob("*.py"))]
)
def test_what_users_see_passes_through_the_catalogue(path: Path) -> None:
    assert untranslated(path) == []


def test_german_is_spoken(german: None) -> None:
    assert spoken_language() == "de"
    assert tr("Settings") == "Einstellungen"
    assert tr("{name} is not a text file.", name="a{b}") == "a{b} ist keine Textdatei."
    assert tr_count(1, "{count} token", "{count} tokens") == "1 Token"
    assert tr_count(1200, "{count} token", "{count} tokens") == "1.200 Tokens"
    assert format_number(1234.5, 1) == "1.234,5"
    assert format_bytes(18_600_000_000) == "18,6 GB"


def test_english_needs_no_catalogue() -> None:
    assert tr("Settings") == "Settings"
    assert tr("not in any catalogue") == "not in any catalogue"
    assert format_number(1234.5, 1) == "1,234.5"


@pytest.mark.parametrize(
    ("count", "text"), [(0, "0 KB"), (900, "1 KB"), (5_600_000, "5.6 MB"), (2.5e12, "2.5 TB")]
)
def test_amounts_have_their_unit(count: float, text: str) -> None:
    assert format_bytes(count) == text


def test_short_times_are_in_milliseconds() -> None:
    assert format_seconds(0.061) == "61 ms"
    assert format_seconds(4.23) == "4.2 s"


@pytest.mark.parametrize(
    ("chosen", "preferred", "language"),
    [
        ("", ["de-AT", "en"], "de"),
        ("", ["fr", "de_DE"], "de"),
        ("", ["fr"], "en"),
        ("en", ["de"], "en"),
        ("", ["C"], "en"),
    ],
)
def test_the_choice_comes_before_the_system_s_languages(
    chosen: str, preferred: list[str], language: str
) -> None:
    assert choose_language(chosen, preferred) == language


def test_a_language_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    with pytest.raises(OSError, match=r"de\.json"):
        use_language("de", tmp_path)
    assert spoken_language() == "en"
