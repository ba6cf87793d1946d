"""Every text of the window passes through the catalogue, and the catalogues are complete."""

import ast
import string
from collections.abc import Iterator

import pytest

from app.translation import (
    LANGUAGES,
    read_words,
    use_language,
)  # fmt: skip
from engine.contract.paths import resources
from engine.contract.processes import source_root

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
                found |= {text.value for text in texts if isinstance(text, ast.Constant)}
    return found


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
