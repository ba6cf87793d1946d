"""A look at a chat template: what in it is unusual for one, and how it differs from another.

The source is taken apart into words and never run or even parsed; where it is run, that happens in a sandbox
in a child of its own (`engine.chat.template`). What is found here is a reason to look, not a proof of ill
will.
"""

import difflib
import hashlib
import re
import unicodedata
from collections.abc import Iterator

from jinja2 import Environment, TemplateSyntaxError

from engine.contract.provenance_messages import TemplateConcern, TemplateLook

LONG_BYTES = 64 * 2**10  # the longest of them has 17 KB
LARGEST_COUNT = 100_000  # the largest of seventy well-known ones is a budget of 16,384 tokens
MAX_PLACES = 8  # that one concern is shown at
MAX_CHANGED_LINES = 40
_SHOWN_LENGTH = 80  # characters of a place
_DUNDER = re.compile(r"__\w+__")
_ADDRESS = re.compile(r"(?:https?|ftp)://\S+", re.IGNORECASE)
_INCLUDING = frozenset({"include", "import", "from", "extends"})
_TEXT_TOKENS, _CODE_TOKENS = frozenset({"data", "raw_data"}), frozenset({"name", "string"})

_Found = tuple[TemplateConcern, str]


def look_at_template(source: str) -> TemplateLook:
    """What stands out in a template."""
    data = source.encode("utf-8", errors="replace")
    found = dict.fromkeys(_concerns(source, len(data)))  # each once, in the order of the source
    kept: list[_Found] = []
    for concern, place in found:
        if sum(other == concern for other, _ in kept) < MAX_PLACES:
            kept.append((concern, place))
    return TemplateLook(size_bytes=len(data), sha256=hashlib.sha256(data).hexdigest(), concerns=tuple(kept))


def changed_lines(before: str, after: str) -> tuple[str, ...]:
    """The lines that two templates do not share, as `diff` marks them; the first ones."""
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=0)
    changed = [line[:_SHOWN_LENGTH] for line in lines if not line.startswith(("---", "+++", "@@"))]
    return tuple(changed[:MAX_CHANGED_LINES])


def _concerns(source: str, size_bytes: int) -> Iterator[_Found]:
    if size_bytes > LONG_BYTES:
        yield "very_long", f"{size_bytes:,} bytes"
        return  # taking it apart could take long too
    yield from _hidden(source)
    try:
        words = [(kind, word) for _, kind, word in Environment(autoescape=True).lex(source)]
    except TemplateSyntaxError as error:
        yield "broken", str(error.message)[:_SHOWN_LENGTH]
        return
    code = [(kind, word) for kind, word in words if kind != "whitespace"]
    for index, (kind, word) in enumerate(code):
        before = code[index - 1] if index else ("", "")
        if kind in _TEXT_TOKENS or kind == "string":
            yield from (("address", match[0][:_SHOWN_LENGTH]) for match in _ADDRESS.finditer(word))
        if kind in _CODE_TOKENS:
            yield from (("dunder", match[0]) for match in _DUNDER.finditer(word))
        if kind == "name" and word == "attr" and before == ("operator", "|"):
            yield "attribute_by_name", "|attr"
        if kind == "name" and word in _INCLUDING and before[0] == "block_begin":
            yield "include", word
        if kind == "integer" and _as_number(word) > LARGEST_COUNT:
            yield "large_loop", word[:_SHOWN_LENGTH]
        if (kind, word) == ("operator", "**"):
            yield "large_loop", "**"


def _hidden(source: str) -> Iterator[_Found]:
    """Characters that change what is read and are not seen: of Unicode's category Cf, and tags."""
    for character in dict.fromkeys(source):
        if unicodedata.category(character) == "Cf":
            name = unicodedata.name(character, "unnamed")
            yield "hidden_characters", f"U+{ord(character):04X} {name.lower()}"


def _as_number(word: str) -> int:
    try:
        return int(word.replace("_", "")[:20], 0)
    except ValueError:
        return 0
