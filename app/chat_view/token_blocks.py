"""From the parser's tokens to blocks."""

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, cast

from markdown_it.common.utils import unescapeAll
from markdown_it.token import Token

from app.chat_view.blocks import (
    Alignment,
    Block,
    Code,
    Container,
    Content,
    Marker,
    Mathematics,
    Picture,
    Prose,
    Rule,
    Table,
)
from app.chat_view.html_tags import DIVISION, FORMAT_CLOSE, FORMAT_OPEN
from app.chat_view.inline_text import InlineText, alternative_text, make_inline_text, without_bidi_controls

BULLETS = ("•", "◦", "▪")
DONE, NOT_DONE = "☑", "☐"


class SourceLines:
    """A stretch of a message's source, and where in the message each of its lines begins."""

    def __init__(self, source: str, place: int, *, follows_gap: bool = True) -> None:
        self._source = source
        self._place = place
        self._follows_gap = follows_gap
        self._starts = [0]
        start = source.find("\n") + 1
        while start > 0:
            self._starts.append(start)
            start = source.find("\n", start) + 1

    def place(self, line: int) -> int:
        """Where a line begins; the end of the source for a line behind the last."""
        inner = self._starts[line] if line < len(self._starts) else len(self._source)
        return self._place + inner

    def text(self, line: int) -> str:
        """A line, without its end."""
        end = self._starts[line + 1] - 1 if line + 1 < len(self._starts) else len(self._source)
        return self._source[self._starts[line] : end].removesuffix("\r")

    def place_of(self, text: str, line: int) -> int:
        """Where a line begins if the source goes on there with exactly this text, else -1."""
        if line >= len(self._starts):
            return self._place + len(self._source) if not text else -1
        return (
            self.place(line) if self._source.startswith(text.removesuffix("\n"), self._starts[line]) else -1
        )

    def follows_gap(self, line: int) -> bool:
        """Whether the line before is empty."""
        return self._follows_gap if line == 0 else not self.text(line - 1).strip(" \t>")

    def placer(self, content: str, first_line: int, column: int = 0) -> Callable[[int], int]:
        """For a token's content, which has lost indentation and quote marks: where its characters stand."""
        starts, places = [], []
        start = 0
        for number, part in enumerate(content.split("\n")):
            line = self.text(first_line + number) if first_line + number < len(self._starts) else ""
            found = line.find(part.strip(), column if number == 0 else 0)
            found = max(found, 0) - (len(part) - len(part.lstrip()) if found >= 0 else 0)
            starts.append(start)
            places.append(self.place(first_line + number) + found)
            start += len(part) + 1
        if len(starts) == 1:
            return lambda position: places[0] + position

        def place(position: int) -> int:
            number = max(bisect_right(starts, position) - 1, 0)
            return places[number] + position - starts[number]

        return place


@dataclass(slots=True)
class _Walk:
    """Where the walk through the tokens is."""

    containers: list[Container] = field(default_factory=list)
    numbers: list[int | None] = field(default_factory=list)  # the next number of each open list
    continued: "ContinuedList | None" = None
    markers: list[Marker] = field(default_factory=list)  # of items that no block has followed yet


@dataclass(frozen=True, slots=True)
class ContinuedList:
    """The list that the source goes on with: where it began, and its next number."""

    place: int
    number: int


def make_blocks(
    tokens: Sequence[Token], lines: SourceLines, continued: ContinuedList | None = None
) -> list[Block]:
    """The blocks of a token stream, in order."""
    blocks: list[Block] = []
    walk = _Walk(continued=continued)
    position = 0
    while position < len(tokens):
        token = tokens[position]
        if token.nesting > 0 and token.type in _LEAVES:
            end = position + 1
            while not (tokens[end].nesting < 0 and tokens[end].level == token.level):
                end += 1
            contents = list(_LEAVES[token.type](tokens[position : end + 1], lines))
            _add(blocks, walk, contents, token, lines)
            position = end
        elif token.nesting > 0:
            _enter(walk, token, lines)
        elif token.nesting < 0:
            if token.type == "list_item_close" and walk.markers:
                place = walk.containers[-1].item
                empty = Block(
                    content=Prose(InlineText()),
                    start=place,
                    end=place,
                    containers=tuple(walk.containers),
                    markers=tuple(walk.markers),
                    is_tight=True,
                )
                _put(blocks, walk, empty)
            _leave(walk, token)
        else:
            _add(blocks, walk, list(_lone(token, lines)), token, lines)
        position += 1
    return blocks


def _enter(walk: _Walk, token: Token, lines: SourceLines) -> None:
    place = lines.place(token.map[0]) if token.map else 0
    match token.type:
        case "blockquote_open":
            walk.containers.append(Container("quote", place))
        case "bullet_list_open" | "ordered_list_open":
            start = token.attrGet("start")
            number = 1 if start is None else int(start)
            if walk.continued is not None:
                place, number = walk.continued.place, walk.continued.number
                walk.continued = None
            is_ordered = token.type == "ordered_list_open"
            walk.containers.append(Container("ordered" if is_ordered else "bullet", place))
            walk.numbers.append(number if is_ordered else None)
        case "list_item_open":
            walk.containers[-1] = replace(walk.containers[-1], item=place)
            walk.markers.append(Marker(len(walk.containers), _marker(walk, token)))
        case "footnote_reference_open":
            walk.containers.append(Container("footnote", place))
            walk.markers.append(Marker(len(walk.containers), f"{token.meta['label']}."))


def _leave(walk: _Walk, token: Token) -> None:
    if token.type in ("blockquote_close", "footnote_reference_close"):
        walk.containers.pop()
    elif token.type in ("bullet_list_close", "ordered_list_close"):
        walk.containers.pop()
        walk.numbers.pop()


def _marker(walk: _Walk, token: Token) -> str:
    number = walk.numbers[-1]
    if number is not None:
        walk.numbers[-1] = number + 1
    if "is_done" in token.meta:
        return DONE if token.meta["is_done"] else NOT_DONE
    if number is not None:
        return f"{number}{token.markup}"
    depth = sum(container.kind == "bullet" for container in walk.containers)
    return BULLETS[(depth - 1) % len(BULLETS)]


def _add(blocks: list[Block], walk: _Walk, contents: list[Content], token: Token, lines: SourceLines) -> None:
    if token.map is None:
        return
    start, end = lines.place(token.map[0]), lines.place(token.map[1])
    is_tight = not lines.follows_gap(token.map[0])
    for number, content in enumerate(contents):
        block = Block(
            content=content,
            start=start,
            end=end,
            containers=tuple(walk.containers),
            markers=tuple(walk.markers),
            is_tight=is_tight or number > 0,
            is_part=len(contents) > 1 and token.type != "html_block",
        )
        _put(blocks, walk, block)


def _put(blocks: list[Block], walk: _Walk, block: Block) -> None:
    blocks.append(block)
    walk.markers.clear()


def _paragraph(tokens: Sequence[Token], lines: SourceLines) -> Iterator[Content]:
    """A paragraph; formulas with $$ and pictures of this computer become blocks between its parts."""
    inline = tokens[1]
    level = int(tokens[0].tag[1]) if tokens[0].type == "heading_open" else 0
    children = inline.children or []
    line = inline.map[0] if inline.map else 0
    place = lines.placer(inline.content, line)
    start = depth = 0
    for number, child in enumerate(children):
        depth += child.nesting
        if depth == 0 and _stands_alone(child):
            yield from _part(children[start:number], inline.content, place, level)
            yield _alone(child, place)
            start = number + 1
    if start:
        yield from _part(children[start:], inline.content, place, level)
    else:
        yield Prose(make_inline_text(children, inline.content, place), level)


def _part(
    children: Sequence[Token], content: str, place: Callable[[int], int], level: int
) -> Iterator[Content]:
    breaks = ("softbreak", "hardbreak")
    shown = [child for child in children if child.type != "text" or child.content]
    while shown and shown[0].type in breaks:
        shown = shown[1:]
    while shown and shown[-1].type in breaks:
        shown = shown[:-1]
    if shown:
        yield Prose(make_inline_text(shown, content, place), level)


def _stands_alone(token: Token) -> bool:
    if token.type == "math_inline_double":
        return True
    return token.type == "image" and "//" not in str(token.attrGet("src") or "//")


def _alone(token: Token, place: Callable[[int], int]) -> Content:
    if token.type == "image":
        return Picture(str(token.attrGet("src")), alternative_text(token))
    return Mathematics(token.content.strip(), place(int(token.meta["at"])))


def _table(tokens: Sequence[Token], lines: SourceLines) -> Iterator[Content]:
    rows: list[list[InlineText]] = []
    alignments: list[Alignment] = []
    column = 0
    for number, token in enumerate(tokens):
        if token.type == "tr_open":
            rows.append([])
            column = 0
        elif token.type in ("th_open", "td_open"):
            inline = tokens[number + 1]
            line = inline.map[0] if inline.map else 0
            found = lines.text(line).find(inline.content, column)
            column = max(found, column) + len(inline.content)
            place = lines.placer(inline.content, line, max(found, 0))
            rows[-1].append(make_inline_text(inline.children or [], inline.content, place))
            if token.type == "th_open":
                style = str(token.attrGet("style") or "")
                alignments.append(cast("Alignment", style.removeprefix("text-align:")))
    yield Table(tuple(tuple(row) for row in rows), tuple(alignments))


def _lone(token: Token, lines: SourceLines) -> Iterator[Content]:
    first_line = token.map[0] if token.map else 0
    match token.type:
        case "fence":
            language = unescapeAll(token.info).strip().split(" ")[0]
            yield Code(
                without_bidi_controls(token.content),
                without_bidi_controls(language),
                lines.place_of(token.content, first_line + 1),
                _is_closed(token, lines),
            )
        case "code_block":
            yield Code(without_bidi_controls(token.content))
        case "math_block":
            yield Mathematics(token.content.strip(), lines.place(first_line))
        case "hr":
            yield Rule()
        case "html_block":
            yield from _html(token, lines.placer(token.content, first_line))


def _html(token: Token, place: Callable[[int], int]) -> Iterator[Content]:
    """A block of HTML: a paragraph for each stretch between two tags that divide."""
    part: list[Token] = []
    is_title = False
    end = Token(DIVISION, "", 0, meta={"at": len(token.content)})
    for child in [*(token.children or []), end]:
        if child.type != DIVISION:
            part.append(child)
            continue
        if any(shown.content.strip() for shown in part):
            first = next(number for number, shown in enumerate(part) if shown.content.strip())
            opened = [shown for shown in part[:first] if shown.type == FORMAT_OPEN]
            part = [*opened, *part[first:]]
            if is_title:
                part = [_bold(FORMAT_OPEN, part[0], 1), *part, _bold(FORMAT_CLOSE, child, -1)]
            yield from _part(part, token.content, place, 0)
        if child.tag == "hr":
            yield Rule()
        part, is_title = [], child.tag == "summary"


def _bold(kind: str, beside: Token, nesting: Literal[-1, 1]) -> Token:
    """Opens or closes bold text beside another token."""
    return Token(kind, "b", nesting, meta={"at": beside.meta["at"]})


def _is_closed(token: Token, lines: SourceLines) -> bool:
    if token.map is None or token.map[1] - token.map[0] < 2:
        return False
    last = lines.text(token.map[1] - 1).strip(" \t>")
    return last.startswith(token.markup) and not last.strip(token.markup[0])


_LEAVES: dict[str, Callable[[Sequence[Token], SourceLines], Iterator[Content]]] = {
    "paragraph_open": _paragraph,
    "heading_open": _paragraph,
    "table_open": _table,
}
