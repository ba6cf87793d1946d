"""What is selected in a conversation, from one point to another across messages, and what of it is copied."""

from collections.abc import Callable

from app.chat_view.copied_text import plain_text_of, source_of
from app.chat_view.message_column import MessageColumn
from app.chat_view.text_points import BEGINNING, END, InnerPoint, TextPoint
from app.lists.message_list import MessageList


class Selection:
    """Two points; nothing is laid out for what lies between them."""

    def __init__(self, messages: MessageList, column: MessageColumn) -> None:
        self._messages = messages
        self._column = column
        self._anchor: TextPoint | None = None  # where it began
        self._head: TextPoint | None = None  # where it is extended to
        self._word: tuple[TextPoint, TextPoint] | None = None  # what a double click began with

    @property
    def bounds(self) -> tuple[TextPoint, TextPoint] | None:
        """The first point and the last; None where nothing is selected."""
        if self._anchor is None or self._head is None or self._anchor == self._head:
            return None
        first, last = sorted((self._anchor, self._head))
        return first, last

    @property
    def is_empty(self) -> bool:
        """Whether nothing is selected."""
        return self.bounds is None

    def clear(self) -> None:
        """Select nothing."""
        self._anchor = self._head = self._word = None

    def begin(self, point: TextPoint) -> None:
        """Start a selection."""
        self._anchor = self._head = point
        self._word = None

    def begin_with_word(self, point: TextPoint) -> None:
        """Select the word around a point; what is added goes from word to word."""
        self._word = self._word_at(point)
        self._anchor, self._head = self._word

    def select_block(self, point: TextPoint) -> None:
        """Select the paragraph, line of code or cell around a point."""
        row, inner = point
        found = self._column.layout(row).block(inner.part, inner.block)
        length = len(found[0].text) if found else 0
        self._anchor = TextPoint(row, InnerPoint(inner.part, inner.block, 0))
        self._head = TextPoint(row, InnerPoint(inner.part, inner.block, length))

    def extend(self, point: TextPoint) -> None:
        """Move the end that follows the pointer."""
        if self._word is None:
            self._head = point
            return
        word = self._word_at(point)
        self._anchor = self._word[0] if word[1] > self._word[0] else self._word[1]
        self._head = word[1] if word[1] > self._word[0] else word[0]

    def select_all(self) -> None:
        """Select the whole conversation."""
        if self._messages.rowCount():
            self._anchor = TextPoint(0, BEGINNING)
            self._head = TextPoint(self._messages.rowCount() - 1, END)

    def in_row(self, row: int) -> tuple[InnerPoint, InnerPoint] | None:
        """What of a message is selected."""
        if self.bounds is None:
            return None
        first, last = self.bounds
        if not first.row <= row <= last.row:
            return None
        return (
            first.inner if row == first.row else BEGINNING,
            last.inner if row == last.row else END,
        )

    def source(self) -> str:
        """The selected text as it was written."""
        return self._text(lambda row, first, last: source_of(self._column.read_all(row), first, last))

    def plain_text(self) -> str:
        """The selected text as it is read."""
        return self._text(lambda row, first, last: plain_text_of(self._column.read_all(row), first, last))

    def _text(self, part: Callable[[int, InnerPoint, InnerPoint], str]) -> str:
        if self.bounds is None:
            return ""
        pieces = []
        for row in range(self.bounds[0].row, min(self.bounds[1].row + 1, self._messages.rowCount())):
            first, last = self.in_row(row) or (BEGINNING, END)
            if (first, last) == (BEGINNING, END):  # all of it: nothing is laid out for that
                pieces.append(self._messages.message(row).text.strip("\n"))
            else:
                pieces.append(part(row, first, last))
        return "\n\n".join(piece for piece in pieces if piece)

    def _word_at(self, point: TextPoint) -> tuple[TextPoint, TextPoint]:
        row, inner = point
        found = self._column.layout(row).block(inner.part, inner.block)
        start, end = found[0].word_at(inner.position) if found else (0, 0)
        return (
            TextPoint(row, InnerPoint(inner.part, inner.block, start)),
            TextPoint(row, InnerPoint(inner.part, inner.block, end)),
        )
