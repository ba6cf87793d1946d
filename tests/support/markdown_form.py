"""One normal form for Markdown: of our blocks, and of the HTML that a reference says they are.

The form is a list of leaves in reading order. A leaf is where it stands (quotes and list items, each new one
counted), what it is, and its text as pieces of one style. What cannot be seen does not count: how HTML nests
marks of one style, whether a list is loose, and line breaks that are spaces.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from html.parser import HTMLParser

from app.chat_view.blocks import Block, Code, Mathematics, Picture, Prose, Rule
from app.chat_view.inline_text import InlineText, Style

Piece = tuple[str, frozenset[str]]  # text, and its styles
Leaf = tuple[tuple[str, ...], str, tuple[Piece, ...]]


def form_of_blocks(blocks: Sequence[Block]) -> list[Leaf]:
    """The normal form of our blocks."""
    leaves: list[Leaf] = []
    start = -1
    for block in blocks:
        items = {
            marker.depth: f"item {marker.text.rstrip('.)') if marker.text[0].isdigit() else '•'}"
            for marker in block.markers
        }
        path = _path([container.kind for container in block.containers], items)
        if block.is_part and leaves and block.start == start:  # a picture divides a paragraph in two
            path, kind, before = leaves.pop()
            more = _pieces_of(block.content.inline) if isinstance(block.content, Prose) else ()
            if isinstance(block.content, Picture):
                more = ((block.content.alt, frozenset({"image"})),)
            leaves.append((path, kind, (*before, *more)))
            continue
        start = block.start
        match block.content:
            case Prose():
                kind = f"h{block.content.level}" if block.content.level else "p"
                leaves.append((path, kind, _pieces_of(block.content.inline)))
            case Code():
                kind = f"code {block.content.language}".strip()
                text = block.content.text
                leaves.append((path, kind, ((text, frozenset()),) if text else ()))
            case Rule():
                leaves.append((path, "hr", ()))
            case Picture():
                alt = block.content.alt
                leaves.append((path, "p", ((alt, frozenset({"image"})),) if alt else ()))
            case Mathematics():
                leaves.append((path, "formula", ((block.content.tex, frozenset()),)))
            case _:
                leaves.append((path, "other", ()))
    return leaves


def form_of_html(html: str) -> list[Leaf]:
    """The normal form of a reference's HTML."""
    reader = _HtmlReader()
    reader.feed(html)
    reader.close()
    reader.end_leaf()
    return reader.leaves


def _path(kinds: Sequence[str], items: dict[int, str]) -> tuple[str, ...]:
    """Where a leaf stands; `items` are those that begin with it, by how deep their lists are."""
    path: list[str] = []
    for depth, kind in enumerate(kinds, 1):
        path.append(kind)
        if depth in items:
            path.append(items[depth])
    return tuple(path)


_NAMES = {
    Style.BOLD: "strong",
    Style.ITALIC: "em",
    Style.STRUCK: "s",
    Style.CODE: "code",
    Style.IMAGE: "image",
    Style.UNDERLINED: "u",
    Style.MARKED: "mark",
    Style.SUBSCRIPT: "sub",
    Style.SUPERSCRIPT: "sup",
}
_SAME_LOOK = {"b": "strong", "i": "em", "del": "s", "strike": "s", "ins": "u", "kbd": "code"}


def _pieces_of(inline: InlineText) -> tuple[Piece, ...]:
    styles: list[set[str]] = [set() for _ in inline.text]
    for span in inline.spans:
        for position in range(span.start, span.end):
            styles[position] |= {name for style, name in _NAMES.items() if span.style & style}
    text = inline.text
    for note in re.finditer(r"( · )?image not loaded: \S*", text):  # what we say in a picture's place
        text = text[: note.start()] + "\0" * (note.end() - note.start()) + text[note.end() :]
    for link in inline.links:
        for position in range(link.start, link.end):
            styles[position].add(f"a {link.target}")
    shown = zip(text, styles, strict=True)
    return _joined([(character, frozenset(style)) for character, style in shown if character != "\0"])


def _joined(pieces: list[Piece]) -> tuple[Piece, ...]:
    """Neighbours of one style as one piece; white space as single spaces, none at the ends."""
    joined: list[Piece] = []
    for text, style in pieces:
        spaced = re.sub("[\n\u2028]" if "code" in style else r"[\s\u2028]", " ", text)
        if joined and joined[-1][1] == style:
            joined[-1] = (joined[-1][0] + spaced, style)
        else:
            joined.append((spaced, style))
    if joined:
        joined[0] = (joined[0][0].lstrip(" "), joined[0][1])
        joined[-1] = (joined[-1][0].rstrip(" "), joined[-1][1])
    squeezed = [(re.sub(" +", " ", text) if "code" not in style else text, style) for text, style in joined]
    return tuple((text, style) for text, style in squeezed if text)


@dataclass(slots=True)
class _OpenLeaf:
    kind: str
    pieces: list[Piece] = field(default_factory=list)


class _HtmlReader(HTMLParser):
    """Collects leaves; knows the few elements that CommonMark produces."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.leaves: list[Leaf] = []
        self._path: list[str] = []
        self._numbers: list[int | None] = []
        self._items: dict[int, str] = {}  # the items that begin with the next leaf
        self._leaf: _OpenLeaf | None = None
        self._styles: list[str] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        values = dict(attributes)
        if tag == "pre":
            self.end_leaf()
            self._leaf = _OpenLeaf("code")
        elif tag == "code" and self._leaf is not None and self._leaf.kind.startswith("code"):
            language = (values.get("class") or "").removeprefix("language-")
            self._leaf.kind = f"code {language}".strip()
        elif tag in ("p", "h1", "h2", "h3", "h4", "h5", "h6"):
            self.end_leaf()
            self._leaf = _OpenLeaf(tag)
        elif tag == "hr":
            self.end_leaf()
            self._put("hr", [])
        elif tag == "div":
            self.end_leaf()
        elif tag in ("blockquote", "ul", "ol"):
            self.end_leaf()
            self._path.append({"blockquote": "quote", "ul": "bullet", "ol": "ordered"}[tag])
            if tag != "blockquote":
                self._numbers.append(int(values.get("start") or 1) if tag == "ol" else None)
                if tag == "ol" and values.get("start") == "0":
                    self._numbers[-1] = 0
        elif tag == "li":
            self.end_leaf()
            number = self._numbers[-1]
            self._items[len(self._path)] = f"item {'•' if number is None else number}"
            if number is not None:
                self._numbers[-1] = number + 1
        elif tag == "img":
            self._add(values.get("alt") or "", {"image"})
        elif tag == "br":
            self._add(" ", set())
        else:
            self._styles.append(f"a {values.get('href')}" if tag == "a" else _SAME_LOOK.get(tag, tag))

    def handle_endtag(self, tag: str) -> None:
        if tag in ("pre", "p", "div", "h1", "h2", "h3", "h4", "h5", "h6"):
            self.end_leaf()
        elif tag == "li":
            self.end_leaf()
            if self._items:
                self._put("p", [])
        elif tag in ("blockquote", "ul", "ol"):
            self.end_leaf()
            self._path.pop()
            if tag != "blockquote":
                self._numbers.pop()
        elif self._styles and self._styles[-1].split(" ")[0] == _SAME_LOOK.get(tag, tag):
            self._styles.pop()

    def handle_data(self, text: str) -> None:
        if self._leaf is None and not text.strip():
            return
        self._add(text, set())

    def _add(self, text: str, extra: set[str]) -> None:
        if self._leaf is None:
            self._leaf = _OpenLeaf("p")  # the text of a tight list's item
        self._leaf.pieces.append((text, frozenset({*self._styles, *extra})))

    def end_leaf(self) -> None:
        """A block has ended."""
        leaf, self._leaf = self._leaf, None
        if leaf is not None:
            self._put(leaf.kind, leaf.pieces)

    def _put(self, kind: str, pieces: list[Piece]) -> None:
        path = _path(self._path, self._items)
        self._items = {}
        if kind.startswith("code"):
            text = "".join(text for text, _ in pieces)
            self.leaves.append((path, kind, ((text, frozenset()),) if text else ()))
        else:
            self.leaves.append((path, kind, _joined(pieces)))
