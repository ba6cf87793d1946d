"""Markdown that grows, as blocks: only the block at its end is parsed again when text arrives.

A block that another one follows is final, and so is a list item that another item follows. What an unfinished
text can still turn into another block (a heading's underline, a formula's end) is held back or kept open.
"""

import re
from dataclasses import replace
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.token import Token

from app.chat_view.blocks import Block, Code, LongText, Table
from app.chat_view.inline_text import without_bidi_controls
from app.chat_view.token_blocks import ContinuedList, SourceLines, make_blocks

SLICE = 4000  # characters that one `read` takes at most
LONGEST = 20_000  # characters of one open block; more is shown as LongText
MOST_ROWS = 200  # of a table; what follows them is another table
_UNDECIDED = re.compile(
    r"[ \t]*(?:[-=*_+#>`~|:. \t]+|\d{1,9}[.)]?[ \t]*)?\Z"
)  # a line that may become anything
_BLANK_LINE = re.compile(r"\n[ \t]*\n")
_FENCE = re.compile(r"([ ]{0,3})(`{3,}|~{3,})")


class MarkdownBlocks:
    """The blocks of one source; `append`, then `read` until it is no longer behind."""

    def __init__(self, parser: MarkdownIt) -> None:
        self._parser = parser
        self._source = ""
        self._final: list[Block] = []
        self._open: list[Block] = []
        self._tail = 0  # where the open blocks begin
        self._read_to = 0
        self._is_finished = False
        self._continued: ContinuedList | None = None
        self._references: dict[str, Any] = {}  # link targets that final parts define
        self._found: dict[str, Any] = {}  # those, and the ones of the open part
        self._is_second_reading = False

    @property
    def source(self) -> str:
        """Everything that was appended."""
        return self._source

    @property
    def blocks(self) -> list[Block]:
        """The blocks of what was read."""
        return self._final + self._open

    @property
    def num_final(self) -> int:
        """How many of them will stay as they are."""
        return len(self._final)

    @property
    def read_to(self) -> int:
        """How much of the source was read."""
        return self._read_to

    @property
    def is_behind(self) -> bool:
        """Whether there is something to read."""
        return self._read_to < self._wanted_end()

    def append(self, text: str) -> None:
        """Let the source grow."""
        self._source += text

    def finish(self) -> None:
        """Nothing more comes: what was held back is read too."""
        self._is_finished = True
        if not self.is_behind:
            self._read_again()

    def read(self) -> int:
        """Read the next slice; returns how many blocks at the front are the same as before."""
        same, wanted = len(self._final), self._wanted_end()
        if self._read_to >= wanted:
            return len(self._final) + len(self._open)
        if wanted - self._read_to > SLICE:
            line_end = self._source.find("\n", self._read_to + SLICE) + 1
            wanted = min(line_end or wanted, wanted, self._read_to + LONGEST + SLICE)
        if not (self._grow_fence(wanted) or self._grow_table(wanted) or self._grow_long_text()):
            self._parse(wanted)
        if self._is_finished and not self.is_behind:
            self._read_again()
        return min(same, len(self._final))

    def _wanted_end(self) -> int:
        """Up to where the source can be read: without a last line that is not decided yet."""
        if self._is_finished:
            return len(self._source)
        line = self._source.rfind("\n") + 1
        if len(self._source) - line < 40 and _UNDECIDED.match(self._source, line):
            return line
        return len(self._source)

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
        cut_line, continued = self._cut(tokens, lines)
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
        if end - self._tail > LONGEST and not isinstance(self._last, Code | Table):
            self._open = [Block(content=LongText(""), start=self._tail, end=end)]
            self._grow_long_text()

    def _read_again(self) -> None:
        """Once all link targets are known, read once more what may have named them too early."""
        if self._is_second_reading or not self._found or not self._final:
            return
        self._is_second_reading = True
        self._references = self._found
        self._final, self._open, self._continued = [], [], None
        self._tail = self._read_to = 0

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

    def _is_open_formula(self, root: Token, lines: SourceLines) -> bool:
        """Whether a paragraph is the beginning of a formula whose end is still to come."""
        if root.type != "paragraph_open" or root.map is None:
            return False
        text = self._source[lines.place(root.map[0]) : self._read_to].lstrip()
        return text.startswith(("$$", "\\[")) and not _BLANK_LINE.search(text)

    # what grows without being parsed again

    def _continued_fence(self) -> "re.Match[str] | None":
        """How the code at the end began, if it is on the top level and goes on."""
        if len(self._open) != 1:
            return None
        block = self._open[0]
        if not isinstance(block.content, Code) or block.content.is_closed or block.containers:
            return None
        return _FENCE.match(self._source, block.start)

    def _grow_fence(self, end: int) -> bool:
        """Append lines to open code; False where it ends among them."""
        fence = self._continued_fence()
        if fence is None or fence[1]:
            return False
        block = self._open[0]
        code = block.content
        assert isinstance(code, Code)
        if code.place < 0 or self._read_to <= code.place:
            return False
        line = self._source.rfind("\n", 0, self._read_to) + 1
        while line < end:
            line_end = self._source.find("\n", line, end)
            text = self._source[line : line_end if line_end >= 0 else end].strip()
            if text.startswith(fence[2]) and not text.strip(fence[2][0]):
                return False
            if line_end < 0:
                break
            line = line_end + 1
        grown = code.text + without_bidi_controls(self._source[self._read_to : end])
        self._open = [replace(block, content=replace(code, text=grown), end=end)]
        self._read_to = end
        return True

    def _grow_table(self, end: int) -> bool:
        """Append rows to a table: they are parsed below its head, without the rows between."""
        if len(self._open) != 1 or not isinstance(self._last, Table) or self._open[0].containers:
            return False
        block, table = self._open[0], self._last
        if len(table.rows) < 3 or block.start != self._tail:
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

    def _grow_long_text(self) -> bool:
        """Let long text take everything up to the next empty line."""
        if not isinstance(self._last, LongText):
            return False
        end = self._wanted_end()
        gap = _BLANK_LINE.search(self._source, max(self._read_to - 2, self._tail), end)
        text_end = gap.end() if gap else end
        text = without_bidi_controls(self._source[self._tail : text_end].rstrip("\n"))
        block = Block(content=LongText(text, self._tail), start=self._tail, end=text_end)
        self._read_to = text_end
        self._open = [block]
        if gap:
            self._final.append(block)
            self._open, self._tail, self._continued = [], text_end, None
        return True
