"""Finding words in a conversation: in what was written, whether it is laid out or not."""

import re
from collections import defaultdict
from dataclasses import dataclass

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
        self._matches: list[Match] = []
        self._by_row: dict[int, list[tuple[int, int]]] = {}
        self._number = -1

    @property
    def words(self) -> str:
        """What is searched for."""
        return self._words

    @property
    def count(self) -> int:
        """How often the words occur."""
        return len(self._matches)

    @property
    def number(self) -> int:
        """Which match is the current one, counted from 0; -1 without any."""
        return self._number

    @property
    def current(self) -> Match | None:
        """The current match."""
        return self._matches[self._number] if self._matches else None

    def find(self, words: str, from_row: int) -> None:
        """Find all, upper and lower case alike; the current match is the first one from a row on."""
        self._words = words
        self._matches = []
        if words:
            pattern = re.compile(re.escape(words), re.IGNORECASE)
            self._matches = [
                Match(row, *found.span())
                for row in range(self._messages.rowCount())
                for found in pattern.finditer(self._messages.message(row).text)
            ]
        by_row: dict[int, list[tuple[int, int]]] = defaultdict(list)
        for match in self._matches:
            by_row[match.row].append((match.start, match.end))
        self._by_row = dict(by_row)
        after = (number for number, match in enumerate(self._matches) if match.row >= from_row)
        self._number = next(after, len(self._matches) - 1)

    def find_again(self, from_row: int) -> None:
        """Find the same words in messages that have changed; the current match stays where it is left."""
        before = self.current
        self.find(self._words, from_row)
        if before in self._matches:
            self._number = self._matches.index(before)

    def step(self, by: int) -> None:
        """Go to another match; after the last comes the first."""
        if self._matches:
            self._number = (self._number + by) % len(self._matches)

    def in_row(self, row: int) -> tuple[tuple[int, int], ...]:
        """The matches in a message."""
        return tuple(self._by_row.get(row, ()))

    def current_in(self, row: int) -> tuple[int, int] | None:
        """The current match, if it is in this message."""
        match = self.current
        return (match.start, match.end) if match is not None and match.row == row else None
