"""The little HTML that answers are read with: some tags mean a format or a new paragraph, comments vanish.

No attribute is ever looked at, so nothing here can load, open or hide anything. Every other tag is text, and
so is a tag of a format that is not closed in the same paragraph (and between the same marks of Markdown).
"""

import re
from collections.abc import Sequence

from markdown_it.common.html_blocks import block_names
from markdown_it.token import Token

FORMATS = frozenset(
    ("b", "strong", "i", "em", "u", "ins", "s", "del", "strike", "mark", "code", "kbd", "sub", "sup")
)
DIVISIONS = frozenset(("p", "div", "details", "summary", "hr"))  # each ends a paragraph, wherever it stands
FORMAT_OPEN, FORMAT_CLOSE, DIVISION = "html_format_open", "html_format_close", "html_division"
_LITERAL = ("script", "pre", "style", "textarea")  # what stands in them is shown as it was written
_TAG = re.compile(r"<(/?)([a-z][a-z0-9-]*)", re.IGNORECASE)
_COMMENT = "<!--"


def may_begin_block(line: str) -> bool:
    """Whether a line can begin a block of HTML; tags that nobody knows are words between Markdown."""
    tag = _TAG.match(line)
    if tag is None:
        return line.startswith(("<!", "<?"))
    name = tag[2].lower()
    return name in FORMATS or name in block_names or name in _LITERAL


def is_literal(content: str) -> bool:
    """Whether a block of HTML is to be shown as it was written."""
    tag = _TAG.match(content.lstrip(" "))
    return tag is not None and tag[2].lower() in _LITERAL


def literal_tokens(content: str) -> list[Token]:
    """Inline tokens that show text as it is, with their places."""
    tokens: list[Token] = []
    at = 0
    for line in content.rstrip("\n").split("\n"):
        if tokens:
            tokens.append(Token("softbreak", "br", 0, meta={"at": at - 1}))
        tokens.append(Token("text", "", 0, content=line, meta={"at": at}))
        at += len(line) + 1
    return tokens


def read_tags(tokens: list[Token], *, has_divisions: bool) -> list[Token]:
    """Inline tokens with the tags that are known as formats, breaks and divisions, and the others as text."""
    if not any(token.type == "html_inline" for token in tokens):
        return tokens
    pairs = _pairs(tokens, has_divisions=has_divisions)
    read: list[Token] = []
    is_after_break = False
    for token in tokens:
        if token.type == "html_inline":
            found = pairs.get(id(token)) or _alone(token, has_divisions=has_divisions)
            read += found
            is_after_break = bool(found) and found[0].type == "hardbreak"
        elif not (is_after_break and token.type == "softbreak"):  # <br> at the end of a line is one break
            read.append(token)
            is_after_break = False
    return read


class _Frame:
    """The formats that are open between two marks of Markdown."""

    def __init__(self) -> None:
        self.open: list[tuple[str, Token]] = []
        self.counts: dict[str, int] = {}

    def push(self, name: str, token: Token) -> None:
        self.open.append((name, token))
        self.counts[name] = self.counts.get(name, 0) + 1

    def pop_to(self, name: str) -> Token | None:
        """The tag that a closing one belongs to; those opened after it are forgotten."""
        if not self.counts.get(name):
            return None
        while True:
            found, token = self.open.pop()
            self.counts[found] -= 1
            if found == name:
                return token


def _pairs(tokens: Sequence[Token], *, has_divisions: bool) -> dict[int, list[Token]]:
    """What opening and closing tags of formats become, by the id of their tokens."""
    frames = [_Frame()]
    pairs: dict[int, list[Token]] = {}
    for token in tokens:
        if token.nesting > 0:
            frames.append(_Frame())
        elif token.nesting < 0 and len(frames) > 1:
            frames.pop()
        if token.type != "html_inline":
            continue
        name, is_closing = _name(token)
        if has_divisions and name in DIVISIONS:
            frames = [_Frame()]
        elif name in FORMATS and not is_closing:
            frames[-1].push(name, token)
        elif name in FORMATS:
            opening = frames[-1].pop_to(name)
            if opening is not None:
                pairs[id(opening)] = [_made(opening, FORMAT_OPEN, name, 1)]
                pairs[id(token)] = [_made(token, FORMAT_CLOSE, name, -1)]
    return pairs


def _alone(token: Token, *, has_divisions: bool) -> list[Token]:
    """What a tag becomes that is no format, or not closed."""
    name, is_closing = _name(token)
    if token.content.startswith(_COMMENT):
        return []
    if name == "br":
        return [_made(token, "hardbreak", "br", 0)]
    if has_divisions and name in DIVISIONS:
        return [_made(token, DIVISION, f"/{name}" if is_closing else name, 0)]
    shown = literal_tokens(token.content)
    for part in shown:
        part.meta["at"] += token.meta["at"]
    return shown


def _name(token: Token) -> tuple[str, bool]:
    """The name of a tag, and whether it closes."""
    tag = _TAG.match(token.content)
    return (tag[2].lower(), bool(tag[1])) if tag else ("", False)


def _made(token: Token, kind: str, tag: str, nesting: int) -> Token:
    made = Token(kind, tag, 0, markup=token.content, meta=dict(token.meta))
    made.nesting = 1 if nesting > 0 else -1 if nesting < 0 else 0
    return made
