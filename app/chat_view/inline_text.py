"""The text of one paragraph, heading or cell: characters, their styles, and where each stands in the source.

Positions count characters of `InlineText.text`; places count characters of the whole message's source.
"""

import re
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import IntFlag
from urllib.parse import urlsplit

from markdown_it.token import Token

from app.chat_view.link_policy import is_allowed
from app.translation import tr

LINE_BREAK = "\u2028"  # what Qt breaks a line at inside a paragraph
_BIDI_CONTROLS = re.compile("[\u202a-\u202e\u2066-\u2069]")


class Style(IntFlag):
    """How characters look; styles combine."""

    PLAIN = 0
    BOLD = 1
    ITALIC = 2
    STRUCK = 4
    CODE = 8
    LINK = 16
    RAISED = 32  # the number of a footnote
    FORMULA = 64
    IMAGE = 128  # the note that stands for a picture
    UNDERLINED = 256
    MARKED = 512
    SUBSCRIPT = 1024
    SUPERSCRIPT = 2048


@dataclass(frozen=True, slots=True)
class Span:
    """Characters of one style."""

    start: int
    end: int
    style: Style


@dataclass(frozen=True, slots=True)
class Link:
    """Characters that lead somewhere when they are clicked."""

    start: int
    end: int
    target: str


@dataclass(frozen=True, slots=True)
class Formula:
    """Characters that are TeX."""

    start: int
    end: int
    tex: str


@dataclass(frozen=True, slots=True)
class Anchor:
    """Where a stretch was written: from `outer` to `outer_end` with its marks, its text from `inner` on."""

    start: int
    end: int
    outer: int
    inner: int
    outer_end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class InlineText:
    """Text with everything that is said about parts of it."""

    text: str = ""
    spans: tuple[Span, ...] = ()
    links: tuple[Link, ...] = ()
    formulas: tuple[Formula, ...] = ()
    anchors: tuple[Anchor, ...] = ()

    def place(self, position: int, *, is_end: bool) -> int | None:
        """Where in the source a selection that starts or ends at a position does so; None without text."""
        if not self.anchors:
            return None
        key = position - 1 if is_end else position
        number = bisect_right(self.anchors, key, key=lambda anchor: anchor.start) - 1
        anchor = self.anchors[max(number, 0)]
        if is_end:
            return anchor.outer_end if position >= anchor.end else anchor.inner + position - anchor.start
        return anchor.outer if position <= anchor.start else anchor.inner + position - anchor.start

    def positions(self, start: int, end: int) -> tuple[int, int]:
        """The characters that stand between two places of the source."""
        inside = [
            (
                anchor.start + max(start - anchor.inner, 0),
                min(anchor.start + max(end - anchor.inner, 0), anchor.end),
            )
            for anchor in self.anchors
            if anchor.outer < end and anchor.outer_end > start
        ]
        inside = [(first, last) for first, last in inside if first < last]
        return (inside[0][0], inside[-1][1]) if inside else (0, 0)


def plain_text(text: str, place: int) -> InlineText:
    """Text without any formatting, written as it is shown."""
    shown = text.replace("\n", LINE_BREAK)
    anchor = Anchor(0, len(text), place, place, place + len(text))
    return InlineText(text=shown, anchors=(anchor,) if text else ())


def without_bidi_controls(text: str) -> str:
    """Text in which nothing can turn the direction of what follows unseen; as long as it was."""
    return _BIDI_CONTROLS.sub("\ufffd", text)


def image_note(source: str, alt: str) -> str:
    """What stands in the place of a picture that is not loaded."""
    where = urlsplit(source).hostname if "//" in source[:10] else source[:80]
    said = tr("image not loaded: {place}", place=without_bidi_controls(where or tr("no address")))
    return f"{alt} · {said}" if alt else said


def alternative_text(token: Token) -> str:
    """What an image's token says the picture shows, without marks."""
    texts = (
        alternative_text(child) if child.type == "image" else child.content for child in token.children or []
    )
    return "".join(texts)


def make_inline_text(tokens: Sequence[Token], content: str, place: Callable[[int], int]) -> InlineText:
    """The text of inline tokens; `place` says where in the source a character of their content stands."""
    return _Builder(content, place).build(tokens)


_STYLES = {
    "strong": Style.BOLD,
    "b": Style.BOLD,
    "em": Style.ITALIC,
    "i": Style.ITALIC,
    "s": Style.STRUCK,
    "del": Style.STRUCK,
    "strike": Style.STRUCK,
    "u": Style.UNDERLINED,
    "ins": Style.UNDERLINED,
    "mark": Style.MARKED,
    "code": Style.CODE,
    "kbd": Style.CODE,
    "sub": Style.SUBSCRIPT,
    "sup": Style.SUPERSCRIPT,
}


class _Builder:
    """Puts the text together, token by token."""

    def __init__(self, content: str, place: Callable[[int], int]) -> None:
        self._content = content
        self._place = place
        self._parts: list[str] = []
        self._length = 0
        self._spans: list[Span] = []
        self._links: list[Link] = []
        self._formulas: list[Formula] = []
        self._anchors: list[Anchor] = []
        self._styles: list[Style] = [Style.PLAIN]  # of each open mark, with those around it
        self._open_links: list[tuple[int, str]] = []  # position, target
        self._outer: int | None = None  # where marks opened that no text has followed yet
        self._is_auto = False

    def build(self, tokens: Sequence[Token]) -> InlineText:
        ends = [int(token.meta["at"]) for token in tokens[1:]] + [len(self._content)]
        for token, end in zip(tokens, ends, strict=False):
            self._take(token, end)
        return InlineText(
            text="".join(self._parts),
            spans=tuple(self._spans),
            links=tuple(self._links),
            formulas=tuple(self._formulas),
            anchors=tuple(self._anchors),
        )

    def _take(self, token: Token, end: int) -> None:
        at = int(token.meta["at"])
        match token.type:
            case "text":
                self._take_text(token.content, at)
            case "text_special":
                self._add(token.content, Style.PLAIN, at, at, at + len(token.markup))
            case "softbreak" | "hardbreak":
                self._add(LINE_BREAK, Style.PLAIN, at, at, end)
            case "code_inline":
                inner = self._content.find(token.content.split(" ")[0], at + len(token.markup))
                self._add(without_bidi_controls(token.content), Style.CODE, at, inner, end)
            case "math_inline" | "math_inline_double":
                start = self._length
                self._add(token.content, Style.FORMULA, at, at + len(token.markup), end)
                self._formulas.append(Formula(start, self._length, token.content.strip()))
            case "image":
                source = str(token.attrGet("src") or "")
                self._add(image_note(source, alternative_text(token)), Style.IMAGE, at, at, end)
            case "footnote_ref":
                self._add(str(token.meta.get("label", "")), Style.RAISED, at, at + 2, end)
            case _:
                self._open_or_close(token, at, end)

    def _take_text(self, text: str, at: int) -> None:
        if self._is_auto:  # the parser has gone past the scheme of a bare address, or is before its <
            at = max(self._content.find(text, max(at - len(text), 0)), 0)
            self._outer = at if self._outer is None else min(self._outer, at)
        self._add(text, Style.PLAIN, at, at, at + len(text))

    def _add(self, text: str, style: Style, outer: int, inner: int, outer_end: int) -> None:
        if not text:
            return
        style |= self._styles[-1]
        start, self._length = self._length, self._length + len(text)
        self._parts.append(text)
        if style:
            if style & Style.LINK:
                self._parts[-1] = without_bidi_controls(text)
            self._spans.append(Span(start, self._length, style))
        outer = outer if self._outer is None else self._outer
        self._outer = None
        self._anchors.append(
            Anchor(start, self._length, self._place(outer), self._place(inner), self._place(outer_end))
        )

    def _open_or_close(self, token: Token, at: int, end: int) -> None:
        if token.nesting > 0:
            before = at - (token.type == "link_open" and token.markup != "autolink")
            self._outer = before if self._outer is None else self._outer
            self._is_auto = token.markup == "autolink"
            target = str(token.attrGet("href") or "")
            if token.type == "link_open":
                self._open_links.append((self._length, target))
                self._open_style(Style.LINK if is_allowed(target) else Style.PLAIN)
            else:
                self._open_style(_STYLES.get(token.tag, Style.PLAIN))
        elif token.nesting < 0 and len(self._styles) > 1:
            self._styles.pop()
            self._is_auto = False
            if token.type == "link_close":
                start, target = self._open_links.pop()
                if start < self._length:
                    self._links.append(Link(start, self._length, target))
            self._close_anchor(end if token.type == "link_close" else at + len(token.markup))

    def _open_style(self, style: Style) -> None:
        self._styles.append(self._styles[-1] | style)

    def _close_anchor(self, end: int) -> None:
        """What was just closed belongs to the text before it."""
        if self._anchors:
            last = self._anchors[-1]
            outer_end = max(self._place(end), last.outer_end)
            self._anchors[-1] = Anchor(last.start, last.end, last.outer, last.inner, outer_end)
