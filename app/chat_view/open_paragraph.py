"""A paragraph at the end of a source that grows: as long as its last line does, it stays a paragraph."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from markdown_it.token import Token

from app.chat_view.blocks import Block, Prose
from app.chat_view.token_blocks import SourceLines


@dataclass(slots=True)
class OpenParagraph:
    """Its content as the parser gave it, and where that stands in the source."""

    content: str
    place: Callable[[int], int]

    @classmethod
    def find(
        cls, tokens: Sequence[Token], blocks: Sequence[Block], lines: SourceLines
    ) -> "OpenParagraph | None":
        """The paragraph that the last block is; None where more than its text could still change."""
        block = blocks[-1] if blocks else None
        inline = next((token for token in reversed(tokens) if token.nesting >= 0), None)
        if block is None or inline is None or inline.map is None or not isinstance(block.content, Prose):
            return None
        if inline.type != "inline":
            return None
        content = inline.content
        first_line = content[: content.find("\n")] if "\n" in content else content
        last_line = content[content.rfind("\n") + 1 :]
        may_change = (
            block.content.level
            or block.is_part
            or content.startswith("[")  # the target of a link
            or "|" in first_line  # the head of a table
            or last_line.startswith("<")  # a block of HTML
            or not any(character.isalpha() for character in last_line)
            or any(mark in content for mark in ("$$", "\\[", "!["))  # what becomes a block of its own
        )
        return None if may_change else cls(content, lines.placer(content, inline.map[0]))

    def grow(self, source: str, start: int, end: int) -> str | None:
        """The content once the source goes on from `start` to `end`; None where that takes a parser."""
        new = source[start:end]
        if "\n" in new or any(mark in new for mark in ("$", "\\", "!")):
            return None
        content_end = self.place(len(self.content))
        content = self.content + source[content_end:end].rstrip(" \t")
        if "\n" in content[len(self.content) :]:
            return None
        self.content = content
        return content
