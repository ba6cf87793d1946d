"""Words for people in their own language: English stands in the source, the others in resources/translations.

One JSON file per language: the English text and what stands in its place. Knows no Qt, so that errors and
conversations speak through it too. The language is set once, before anything is shown.
"""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Literal, get_args

Language = Literal["en", "de"]
LANGUAGES: tuple[Language, ...] = get_args(Language)
LANGUAGE_NAMES: dict[Language, str] = {"en": "English", "de": "Deutsch"}  # each in itself
_MARKS: dict[Language, tuple[str, str]] = {"en": (",", "."), "de": (".", ",")}  # of thousands, of decimals


class _Speech:
    """The language of this process; there is one, as there is one user."""

    language: Language = "en"
    words: dict[str, str] = {}  # noqa: RUF012  (replaced as a whole, never changed)


def use_language(language: Language, folder: Path) -> None:
    """Speak this language from now on; raises OSError or ValueError where its file cannot be read."""
    words = {} if language == "en" else read_words(folder / f"{language}.json")
    _Speech.language, _Speech.words = language, words


def read_words(path: Path) -> dict[str, str]:
    """A language's words, each under its English text."""
    words = json.loads(path.read_text(encoding="utf-8"))
    return {str(english): str(text) for english, text in words.items()}


def choose_language(chosen: str, preferred: Iterable[str]) -> Language:
    """The language that was chosen, else the first of the system's (as BCP 47 tags) that there is."""
    for tag in (chosen, *preferred):
        for language in LANGUAGES:
            if tag.replace("_", "-").split("-")[0].lower() == language:
                return language
    return "en"


def spoken_language() -> Language:
    """The language that is spoken now."""
    return _Speech.language


def tr(text: str, **values: object) -> str:
    """A text in the user's language, with its {places} filled in."""
    said = _Speech.words.get(text, text)
    return said.format(**values) if values else said


def tr_count(count: int, one: str, many: str, **values: object) -> str:
    """One of two texts by a count, which stands at {count}; for languages that tell one from many only."""
    return tr(one if count == 1 else many, count=format_number(count), **values)


def mark(text: str) -> str:
    """A text in a table that is said with `tr` later; marks it for the check of the catalogues."""
    return text


def format_number(value: float, decimals: int = 0) -> str:
    """A number as people write it: 1,204.5 or 1.204,5."""
    thousands, decimal = _MARKS[_Speech.language]
    return f"{value:,.{decimals}f}".translate({ord(","): thousands, ord("."): decimal})


def format_bytes(count: float) -> str:
    """An amount of memory or disk: 18.6 GB."""
    for limit, unit in ((10**12, "TB"), (10**9, "GB"), (10**6, "MB")):
        if count >= limit:
            return f"{format_number(count / limit, 1)} {unit}"
    return f"{format_number(max(count / 1000, 1 if count else 0))} KB"


def format_seconds(seconds: float) -> str:
    """A duration: 61 ms, 4.2 s."""
    if seconds < 1:
        return f"{format_number(seconds * 1000)} ms"
    return f"{format_number(seconds, 1)} s"
