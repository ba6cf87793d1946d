"""Finding words in a conversation: in what was written, whether it is laid out or not."""

import re
from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from itertools import accumulate

from app.lists.message_list import MessageList


@dataclass(frozen=True, slots=True)
class Match:
    """A place in the source of a message."""

    row: int
    start: int
    end: int


class Finder:
    """All matches of some words, and which of them is the current one."""

    def __init__(self, messages: MessageList) -> None:
        self._messages = messages
        self._words = ""
        self._starts: dict[int, list[int]] = {}  # of the matches, by row in order; each as long as the words
        self._rows: list[int] = []  # those with matches
        self._counts: list[int] = []  # the matches up to the end of each of them
        self._number = -1

    @property
    def words(self) -> str:
        """What is searched for."""
        return self._words

    @property
    def count(self) -> int:
        """How often the words occur."""
        return self._counts[-1] if self._counts else 0

    @property
    def number(self) -> int:
        """Which match is the current one, counted from 0; -1 without any."""
        return self._number

    @property
    def current(self) -> Match | None:
        """The current match."""
        if not self._rows:
            return None
        index = bisect_right(self._counts, self._number)
        row = self._rows[index]
        before = self._counts[index - 1] if index else 0
        start = self._starts[row][self._number - before]
        return Match(row, start, start + len(self._words))

    def find(self, words: str, from_row: int) -> None:
        """Find all, upper and lower case alike; the current match is the first one from a row on."""
        self._words = words
        self._starts = {}
        if words:
            for row in range(self._messages.rowCount()):
                starts = _starts_in(self._messages.message(row).text, words)
                if starts:
                    self._starts[row] = starts
        self._rows = list(self._starts)
        self._counts = list(accumulate(map(len, self._starts.values())))
        index = bisect_left(self._rows, from_row)
        before = self._counts[index - 1] if index else 0
        self._number = min(before, self.count - 1)

    def find_again(self, from_row: int) -> None:
        """Find the same words in messages that have changed; the current match stays where it is left."""
        before = self.current
        self.find(self._words, from_row)
        if before is not None and before.start in self._starts.get(before.row, ()):
            index = bisect_left(self._rows, before.row)
            ahead = self._counts[index - 1] if index else 0
            self._number = ahead + self._starts[before.row].index(before.start)

    def step(self, by: int) -> None:
        """Go to another match; after the last comes the first."""
        if self._rows:
            self._number = (self._number + by) % self.count

    def in_row(self, row: int) -> tuple[tuple[int, int], ...]:
        """The matches in a message."""
        return tuple((start, start + len(self._words)) for start in self._starts.get(row, ()))

    def current_in(self, row: int) -> tuple[int, int] | None:
        """The current match, if it is in this message."""
        if row not in self._starts:
            return None
        match = self.current
        return (match.start, match.end) if match is not None and match.row == row else None


def _starts_in(text: str, words: str) -> list[int]:
    """Where words begin in a text, upper and lower case alike."""
    lowered, wanted = text.lower(), words.lower()
    if len(lowered) != len(text) or len(wanted) != len(words):  # a few capitals have longer small letters
        return [found.start() for found in re.finditer(re.escape(words), text, re.IGNORECASE)]
    starts = []
    start = lowered.find(wanted)
    while start >= 0:
        starts.append(start)
        start = lowered.find(wanted, start + len(wanted))
    return starts
