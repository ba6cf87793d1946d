"""The text of one message: its source, read into blocks piece by piece, and their layout.

A long text is read in slices, so that no single step takes long; until it is all read, the height of the rest
is an estimate.
"""

import time

from markdown_it import MarkdownIt
from PySide6.QtCore import QPointF

from app.chat_view.block_column import BlockColumn
from app.chat_view.blocks import Block, Content, LongText, Mathematics, Prose, Table
from app.chat_view.inline_text import plain_text
from app.chat_view.look import Look
from app.chat_view.markdown_blocks import LONGEST, MarkdownBlocks

MANY_BLOCKS = 150  # more are not laid out to another width all at once
PLAIN_BLOCK = 1500  # characters of plain text after which the next line begins another block
AVERAGE_CHARACTER, AVERAGE_LINE = 7.4, 25.0  # pixels, of running English text in the body font


class TextColumn:
    """Markdown with a parser, the text as it was typed without one."""

    def __init__(self, look: Look, *, colour: str, parser: MarkdownIt | None) -> None:
        self._parser = parser
        self._markdown = MarkdownBlocks(parser) if parser is not None else None
        self._source = ""
        self._is_finished = False
        self._width = 0.0
        self.changed_from = 0.0  # above this height nothing has changed since it was last set
        self.column = BlockColumn(look, colour=colour, is_plain=parser is None)

    @property
    def source(self) -> str:
        """The text as it was written."""
        return self._source

    @property
    def is_behind(self) -> bool:
        """Whether a part of the text is still to be read."""
        return self._markdown is not None and self._markdown.is_behind

    @property
    def height(self) -> float:
        """Of what was read, and an estimate for the rest."""
        markdown = self._markdown
        if markdown is None or not markdown.is_behind:
            return self.column.height
        unread = len(self._source) - markdown.read_to
        return self.column.height + estimated_text_height(unread, 0, self._width)

    def update(self, source: str, width: float, *, is_finished: bool) -> None:
        """Take the text as it is now; what was appended is read at the next `advance`."""
        if width != self._width:
            self._width, self.changed_from = width, 0.0
            if len(self.column) <= MANY_BLOCKS:
                self.column.set_width(width)
            else:
                self._source = ""  # reading it again is done in small steps
        if source == self._source and is_finished == self._is_finished:
            return
        grows = source.startswith(self._source) and (not self._is_finished or source == self._source)
        new = source[len(self._source) :] if grows else source
        self._source, self._is_finished = source, is_finished
        if self._parser is None:
            self.column.update(_plain_blocks(source), 0, width)
            return
        if not grows or self._markdown is None:
            self._markdown = MarkdownBlocks(self._parser)
            self.column.update([], 0, width)
        self._markdown.append(new)
        if is_finished:
            self._markdown.finish()

    def advance(self, deadline: float) -> bool:
        """Read on until all is read or a time (of `perf_counter`) has come; True where anything changed.

        Of a text of which nothing is shown yet a little is read in any case.
        """
        markdown = self._markdown
        if markdown is None or not markdown.is_behind:
            return False
        if len(self.column) and time.perf_counter() > deadline:
            return False
        while markdown.is_behind:
            same = markdown.read()
            changed_from = self.column.update(markdown.blocks_from(same), same, self._width)
            self.changed_from = min(self.changed_from, changed_from)
            if time.perf_counter() > deadline:
                break
        return True

    def refresh_formulas(self) -> None:
        """Lay out again the blocks that hold formulas."""
        for number in range(len(self.column)):
            if _has_formulas(self.column.block(number).content):
                self.column.refresh(number)
                self.changed_from = 0.0

    def block_at(self, point: QPointF) -> tuple[int, QPointF] | None:
        """The block at a point, and the point in it."""
        if not len(self.column):
            return None
        number = self.column.number_at(point.y())
        return number, point - self.column.corner(number)


def estimated_text_height(num_characters: int, num_lines: int, width: float) -> float:
    """About how high a text will be."""
    return AVERAGE_LINE * (num_lines + num_characters * AVERAGE_CHARACTER / max(width, 1))


def _has_formulas(content: Content) -> bool:
    match content:
        case Mathematics():
            return True
        case Prose():
            return bool(content.inline.formulas)
        case Table():
            return any(cell.formulas for row in content.rows for cell in row)
    return False


def _plain_blocks(source: str) -> list[Block]:
    """Text as it was typed, a number of lines to a block."""
    blocks: list[Block] = []
    start = 0
    while start < len(source):
        end = source.find("\n", start + PLAIN_BLOCK)
        end = end if end >= 0 else len(source)
        text = source[start:end]
        content = Prose(plain_text(text, start)) if len(text) <= LONGEST else LongText(text, start)
        blocks.append(Block(content=content, start=start, end=end + 1))
        start = end + 1
    return blocks
