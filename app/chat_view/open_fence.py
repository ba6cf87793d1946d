"""Code at the end of a source that grows: as long as its fence is open, each line is code."""

import re
from dataclasses import dataclass

from app.chat_view.blocks import Block

_MARK = re.compile(r"`{3,}|~{3,}")
_LISTS = ("bullet", "ordered")


@dataclass(frozen=True, slots=True)
class OpenFence:
    """How the code began, on the top level or in items of lists."""

    mark: str
    column: int  # where the mark stands; lines of the code lose as many spaces
    first_line: int  # where the code begins in the source

    @classmethod
    def find(cls, source: str, block: Block) -> "OpenFence | None":
        """The fence of a block of code; None where its lines have more than spaces before them."""
        line_end = source.find("\n", block.start)
        if line_end < 0 or any(container.kind not in _LISTS for container in block.containers):
            return None
        line = source[block.start : line_end]
        mark = _MARK.search(line)
        before = line[: mark.start()] if mark else ""
        if mark is None or "\t" in before:
            return None
        return cls(mark[0], len(before), line_end + 1)

    def place_of(self, text: str, source: str) -> int:
        """Where all of the code stands in the source as it is, or -1."""
        return self.first_line if source.startswith(text.removesuffix("\n"), self.first_line) else -1

    def grow(self, source: str, start: int, end: int) -> tuple[str, int]:
        """The code from `start` on, and where it stops: at `end`, or before a line that may end the code."""
        line = source.rfind("\n", 0, start) + 1
        grown: list[str] = []
        while line < end:
            line_end = source.find("\n", line, end) + 1 or end
            text = source[line:line_end]
            words = text.strip()
            indent = len(text) - len(text.lstrip(" "))
            if words.startswith(self.mark) and not words.strip(self.mark[0]):
                break
            if words and (indent < self.column or text[indent] == "\t"):
                break
            begins = max(start - line, min(indent, self.column))
            grown.append(text[begins:])
            line = line_end
        return "".join(grown), line

    def end_of_closing(self, source: str, start: int) -> int:
        """The end of the line that begins at `start` if it closes code of the top level, else 0."""
        if not source.endswith("\n", 0, start):
            return 0
        line_end = source.find("\n", start) + 1 or len(source)
        closing = rf" {{0,3}}{re.escape(self.mark)}{re.escape(self.mark[0])}*[ \t]*\r?\n?"
        return line_end if re.fullmatch(closing, source[start:line_end]) else 0
