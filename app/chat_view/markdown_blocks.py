"""Markdown that grows, as blocks: only the block at its end is parsed again when text arrives.

A block that another one follows is final, and so is a list item that another item follows. What an unfinished
text can still turn into another block (a heading's underline, a formula's end) is held back or kept open.
"""

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.token import Token

from app.chat_view.blocks import Block, Code, LongText, Prose, Table
from app.chat_view.inline_text import make_inline_text, without_bidi_controls
from app.chat_view.markdown_parser import DEEPEST
from app.chat_view.open_fence import OpenFence
from app.chat_view.open_paragraph import OpenParagraph
from app.chat_view.token_blocks import ContinuedList, SourceLines, make_blocks

SLICE, SLICE_LINES = 500, 10  # characters and lines that one `read` takes at most
LONGEST = 8_000  # characters of one open block; more is shown as LongText
MOST_LINES = 400  # of one open block
LONG_PIECE = 100_000  # characters of one LongText, and of code read at once
MOST_BLOCKS = 4000  # of a message; what follows is LongText
MOST_ROWS = 300  # of a table; what follows is LongText
_UNDECIDED = re.compile(
    r"[ \t]*(?:[-=*_+#>`~|:. \t]+|\d{1,9}[.)]?[ \t]*)?\Z"
)  # a line that may become anything
_LONE_RETURN = re.compile(r"\r(?!\n|\Z)")
_BLANK_LINE = re.compile(r"\n[ \t]*\n")


class MarkdownBlocks:
    """The blocks of one source; `append`, then `read` until it is no longer behind."""

    def __init__(self, parser: MarkdownIt) -> None:
        self._parser = parser
        self._source = ""
        self._final: list[Block] = []
        self._open: list[Block] = []
        self._tail = 0  # where the open blocks begin
        self._read_to = 0
        self._wanted_end = 0  # up to where the source can be read
        self._is_finished = False
        self._continued: ContinuedList | None = None
        self._paragraph: OpenParagraph | None = None  # what is at the end, if that is a paragraph
        self._references: dict[str, Any] = {}  # link targets that final parts define
        self._found: dict[str, Any] = {}  # those, and the ones of the open part
        self._is_second_reading = False
        self._is_long = False  # what is open is taken as it is

    @property
    def blocks(self) -> list[Block]:
        """The blocks of what was read."""
        return self._final + self._open

    def blocks_from(self, number: int) -> list[Block]:
        """The blocks from a number on."""
        return self._final[number:] + self._open[max(number - len(self._final), 0) :]

    @property
    def read_to(self) -> int:
        """How much of the source was read."""
        return self._read_to

    @property
    def is_behind(self) -> bool:
        """Whether there is something to read."""
        return self._read_to < self._wanted_end

    def append(self, text: str) -> None:
        """Let the source grow. A lone carriage return ends a line, as the parser has it."""
        if self._source.endswith("\r"):
            self._source, text = self._source[:-1], "\r" + text
        self._source += _LONE_RETURN.sub("\n", text)
        self._wanted_end = self._find_end()

    def finish(self) -> None:
        """Nothing more comes: what was held back is read too."""
        if self._source.endswith("\r"):
            self._source = self._source[:-1] + "\n"
        self._is_finished = True
        self._wanted_end = len(self._source)
        if not self.is_behind:
            self._read_again()

    def read(self) -> int:
        """Read the next slice; returns how many blocks at the front are the same as before."""
        same, before = len(self._final), list(self._open)
        if not self.is_behind:
            return same + len(before)
        wanted = self._end_of_slice()
        is_grown = self._grow_fence(self._end_of_piece()) or any(
            grow(wanted) for grow in (self._grow_prose, self._grow_table, self._grow_long_text)
        )
        if not is_grown:
            self._parse(wanted)
        if self._is_finished and self._read_to >= self._wanted_end:
            self._read_again()
        if len(self._final) < same:
            return len(self._final)
        now = self.blocks_from(same)
        return same + next(
            (number for number, (old, new) in enumerate(zip(before, now, strict=False)) if old != new),
            min(len(before), len(now)),
        )

    def _end_of_slice(self) -> int:
        """How far to read now: some lines."""
        start, wanted = self._read_to, self._wanted_end
        line_end = self._source.find("\n", start + SLICE) + 1 or wanted
        end = start
        for _ in range(SLICE_LINES):
            end = self._source.find("\n", end) + 1 or wanted
        return min(line_end, end, wanted, start + 2 * SLICE)

    def _end_of_piece(self) -> int:
        """How far to read now if it is all code, of which a line costs little."""
        start, wanted = self._read_to, self._wanted_end
        line_end = self._source.find("\n", start + LONG_PIECE) + 1 or wanted
        return min(line_end, wanted, start + 2 * LONG_PIECE)

    def _find_end(self) -> int:
        """The end of the source, without a last line that is not decided yet."""
        line, end = self._source.rfind("\n") + 1, len(self._source)
        if self._source.endswith("\r"):
            end -= 1  # the line's end, or half of it
        return line if end - line < 40 and _UNDECIDED.match(self._source, line, end) else end

    def _parse(self, end: int) -> None:
        """Parse the tail up to a place, and let go of what is final in it."""
        tail = self._source[self._tail : end]
        environment: dict[str, Any] = {"references": dict(self._references)}
        tokens = self._parser.parse(tail, environment)
        before = self._source.rfind("\n", 0, max(self._tail - 1, 0)) + 1
        follows_gap = not self._source[before : self._tail].strip(" \t>\n")
        lines = SourceLines(tail, self._tail, follows_gap=follows_gap)
        blocks = make_blocks(tokens, lines, self._continued)
        self._read_to = end
        self._found = environment["references"]
        cut_line, continued = (
            self._cut(tokens, lines) if tokens else (self._last_definition(environment), None)
        )
        cut = lines.place(cut_line)
        if cut_line:
            self._final += [block for block in blocks if block.start < cut]
            self._open = [block for block in blocks if block.start >= cut]
            self._tail, self._continued = cut, continued
            for label, reference in self._found.items():
                if label not in self._references and reference["map"][1] <= cut_line:
                    self._references[label] = reference
        else:
            self._open = blocks
        self._paragraph = OpenParagraph.find(tokens, self._open, lines)
        if self._is_too_much(tokens, end):
            self._is_long, self._paragraph = True, None
            self._grow_long_text()

    def _read_again(self) -> None:
        """Once all link targets are known, read once more what may have named them too early."""
        if self._is_second_reading or not self._found or not self._final:
            return
        self._is_second_reading = True
        self._references = self._found
        self._final, self._open, self._continued = [], [], None
        self._tail = self._read_to = 0
        self._paragraph = None

    def _is_too_much(self, tokens: Sequence[Token], end: int) -> bool:
        """Whether what is open had better be shown as it is: too long, too deep, too many."""
        last = self._last
        if isinstance(last, Table):
            is_large = len(last.rows) > MOST_ROWS
        else:
            num_lines = self._source.count("\n", self._tail, end)
            is_large = (end - self._tail > LONGEST or num_lines > MOST_LINES) and not isinstance(last, Code)
        is_deep = any(token.level >= DEEPEST - 1 and token.nesting == 1 for token in tokens)
        return is_large or is_deep or len(self._final) > MOST_BLOCKS

    @property
    def _last(self) -> object:
        return self._open[-1].content if self._open else None

    def _cut(self, tokens: list[Token], lines: SourceLines) -> tuple[int, ContinuedList | None]:
        """The first line of what may still change, and the list that goes on there."""
        roots = [token for token in tokens if token.level == 0 and token.nesting >= 0 and token.map]
        if not roots:
            return 0, None
        last = roots[-1]
        for root in roots:
            if root is not last and self._is_open_formula(root, lines):
                return (root.map or [0])[0], None
        if last.type not in ("bullet_list_open", "ordered_list_open"):
            return (last.map or [0])[0], None if last is not roots[0] else self._continued
        items = [
            token
            for token in tokens[tokens.index(last) :]
            if token.type == "list_item_open" and token.level == 1
        ]
        is_continued = last is roots[0] and self._continued is not None
        if is_continued and self._continued is not None:
            place, number = self._continued.place, self._continued.number
        else:
            start = last.attrGet("start")
            place, number = lines.place((last.map or [0])[0]), 1 if start is None else int(start)
        return (items[-1].map or [0])[0], ContinuedList(place, number + len(items) - 1)

    def _last_definition(self, environment: dict[str, Any]) -> int:
        """The line of the last link target of a tail that has nothing else; a title may follow it yet."""
        if self._continued is not None:
            return 0
        found = [ref for label, ref in environment["references"].items() if label not in self._references]
        found += environment.get("duplicate_refs", [])
        return max((reference["map"][0] for reference in found), default=0)

    def _is_open_formula(self, root: Token, lines: SourceLines) -> bool:
        """Whether a paragraph is the beginning of a formula whose end is still to come."""
        if root.type not in ("paragraph_open", "heading_open") or root.map is None:
            return False
        text = self._source[lines.place(root.map[0]) : self._read_to].lstrip()
        return text.startswith(("$$", "\\[")) and not _BLANK_LINE.search(text)

    # what grows without being parsed again

    def _grow_prose(self, end: int) -> bool:
        """Append words to the last line of a paragraph: only what is inside the paragraph is parsed again."""
        if self._paragraph is None or len(self._source) - self._tail > LONGEST:
            return False
        content = self._paragraph.grow(self._source, self._read_to, end)
        if content is None:
            self._paragraph = None
            return False
        tokens = self._parser.inline.parse(content, self._parser, {"references": self._found}, [])
        inline = make_inline_text(tokens, content, self._paragraph.place)
        self._open[-1] = replace(self._open[-1], content=Prose(inline), end=end)
        self._read_to = end
        return True

    def _grow_fence(self, end: int) -> bool:
        """Append lines to open code, up to the one that ends it; False where that is the first."""
        block = self._open[-1] if self._open else None
        if block is None or not isinstance(block.content, Code) or block.content.is_closed:
            return False
        fence = OpenFence.find(self._source, block)
        if fence is None or self._read_to <= fence.first_line:
            return False
        if not block.containers and block.start != self._tail:
            return False  # it may all be a formula yet
        new, end = fence.grow(self._source, self._read_to, end)
        if end <= self._read_to:
            return self._close_fence(fence, block, block.content)
        text = block.content.text + without_bidi_controls(new.replace("\r\n", "\n"))
        grown = replace(block.content, text=text, place=fence.place_of(text, self._source))
        self._open = [*self._open[:-1], replace(block, content=grown, end=end)]
        self._read_to = end
        return True

    def _close_fence(self, fence: OpenFence, block: Block, code: Code) -> bool:
        """Take the line that ends code of the top level, without reading all of the code once more."""
        end = fence.end_of_closing(self._source, self._read_to)
        is_whole = self._is_finished or self._source.endswith("\n", self._read_to, end)
        if not end or not is_whole or end > self._wanted_end or block.containers:
            return False
        self._final.append(replace(block, content=replace(code, is_closed=True), end=end))
        self._open, self._tail, self._continued, self._read_to = [], end, None, end
        return True

    def _grow_table(self, end: int) -> bool:
        """Append rows to a table: they are parsed below its head, without the rows between."""
        if len(self._open) != 1 or not isinstance(self._last, Table) or self._open[0].containers:
            return False
        block, table = self._open[0], self._last
        if not 3 <= len(table.rows) <= MOST_ROWS or block.start != self._tail:
            return False
        last_row = self._source.rfind("\n", 0, max(block.end - 1, 0)) + 1
        head_end = self._source.find("\n", self._source.find("\n", block.start) + 1) + 1
        head = self._source[block.start : head_end]
        rows = self._source[last_row:end]
        if last_row <= head_end:
            return False
        tokens = self._parser.parse(head + rows, {"references": dict(self._references)})
        lines = SourceLines(head + rows, last_row - len(head))
        blocks = make_blocks(tokens, lines)
        if len(blocks) != 1 or not isinstance(blocks[0].content, Table):
            return False
        grown = Table(table.rows[:-1] + blocks[0].content.rows[1:], table.alignments)
        self._open = [replace(block, content=grown, end=end)]
        self._read_to = end
        return True

    def _grow_long_text(self, _end: int = 0) -> bool:
        """Take what is too long or too deep as it is, in pieces, up to the next empty line."""
        if not self._is_long:
            return False
        end = min(self._wanted_end, self._tail + LONG_PIECE)
        gap = _BLANK_LINE.search(self._source, self._tail, end)
        if gap and len(self._final) < MOST_BLOCKS:
            end, self._is_long = gap.end(), False
        elif end < self._wanted_end:
            end = self._source.rfind("\n", self._tail, end) + 1 or end
        text = without_bidi_controls(self._source[self._tail : end].rstrip("\n"))
        block = Block(
            content=LongText(text, self._tail), start=self._tail, end=end, is_tight=True, is_part=True
        )
        self._read_to = end
        if self._is_long and end == self._wanted_end:
            self._open = [block]
        else:
            self._final.append(block)
            self._open, self._tail, self._continued = [], end, None
        return True
