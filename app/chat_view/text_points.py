"""Where something is in a conversation's text, and what of one message is marked."""

from dataclasses import dataclass
from typing import NamedTuple

REASONING, TEXT = 0, 1  # the parts of a message


class InnerPoint(NamedTuple):
    """A position in one message; points compare in the order in which they are read."""

    part: int
    block: int
    position: int


class TextPoint(NamedTuple):
    """A position in the conversation."""

    row: int
    inner: InnerPoint


BEGINNING = InnerPoint(REASONING, 0, 0)
END = InnerPoint(TEXT, 1 << 30, 0)


@dataclass(frozen=True, slots=True)
class MessageMarks:
    """The selected stretch of a message, and places of its source that were searched for."""

    selection: tuple[InnerPoint, InnerPoint] | None = None
    matches: tuple[tuple[int, int], ...] = ()
    current_match: tuple[int, int] | None = None

    def selected_in(self, part: int, block: int, length: int) -> tuple[int, int] | None:
        """The selected positions of a block of that length."""
        if self.selection is None:
            return None
        first, last = self.selection
        if (part, block) < first[:2] or (part, block) > last[:2]:
            return None
        start = first.position if (part, block) == first[:2] else 0
        end = min(last.position, length) if (part, block) == last[:2] else length
        return (start, end) if start < end else None


NOTHING_MARKED = MessageMarks()
