"""All messages one below the other: exact heights for those that were laid out, estimates for the others.

Knows nothing of scroll bars or events. A layout that is dropped leaves its exact height behind.
"""

from math import ceil

from app.chat_view.height_index import HeightIndex
from app.chat_view.look import Look
from app.chat_view.markdown_parser import make_parser
from app.chat_view.message_layout import Extent, MessageLayout, extent_of
from app.lists.message_list import MessageList

MARGIN = 20  # below the last message
NUM_KEPT = 60  # layouts; those farthest from the visible rows are dropped first


class MessageColumn:
    """Rows are the rows of the message list; y counts from the top of the first message."""

    def __init__(self, messages: MessageList, look: Look) -> None:
        self._messages = messages
        self._look = look
        self._parser = make_parser()
        self._width = 0.0
        self._heights = HeightIndex()
        self._is_exact: list[bool] = []
        self._extents: list[Extent | None] = [None] * messages.rowCount()  # None where it has changed since
        self._layouts: dict[int, MessageLayout] = {}

    @property
    def width(self) -> float:
        """What messages are laid out to."""
        return self._width

    @property
    def height(self) -> float:
        """All messages, and the margin below the last one."""
        return self._heights.total + MARGIN

    @property
    def num_rows(self) -> int:
        """How many messages have a place."""
        return len(self._heights)

    @property
    def num_layouts(self) -> int:
        """How many messages are laid out now."""
        return len(self._layouts)

    def reset(self) -> None:
        """Forget every layout and estimate all heights."""
        self._layouts = {}
        self._extents = [None] * self._messages.rowCount()
        self._estimate()

    def set_width(self, width: float) -> None:
        """Lay out to another width from now on; what was read of a message stays read."""
        self._width = width
        self._estimate()

    def append(self) -> None:
        """Take the message that was added at the end of the list."""
        self._extents.append(None)
        self._heights.append(self._extent(len(self._heights)).height(self._width))
        self._is_exact.append(False)

    def truncate(self, num_rows: int) -> None:
        """Forget the rows from a number on."""
        for row in [row for row in self._layouts if row >= num_rows]:
            del self._layouts[row]
        del self._is_exact[num_rows:], self._extents[num_rows:]
        self._heights.truncate(num_rows)

    def change(self, row: int, deadline: float) -> bool:
        """Take a message as it is now; False where that leaves everything in its place.

        One that is not laid out is only estimated.
        """
        layout = self._layouts.get(row)
        self._extents[row] = None
        before = self._heights[row]
        if layout is None:
            self._is_exact[row] = False
            self._heights.set_height(row, self._extent(row).height(self._width))
        else:
            self._bring_up_to_date(row, layout, deadline)
        return not self._is_exact[row] or self._heights[row] != before

    def lay_out(self, top: float, bottom: float, deadline: float) -> bool:
        """Lay out every message between two heights, reading until a time; True where that has moved any."""
        has_moved = False
        rows = self.rows_between(top, bottom)
        for row in rows:
            if not self._is_exact[row]:
                before = self._heights[row]
                self._bring_up_to_date(row, self.layout(row), deadline)
                has_moved = has_moved or self._heights[row] != before
        self._drop_far_from(rows)
        return has_moved

    def lay_out_row(self, row: int, deadline: float) -> None:
        """Lay out one message, reading until a time."""
        self._bring_up_to_date(row, self.layout(row), deadline)

    def expect_change(self, row: int) -> None:
        """Something in a message has changed its height; the next `lay_out` measures it."""
        self._is_exact[row] = False

    def relayout(self) -> None:
        """Lay out again what is laid out: something has come that it waited for."""
        for layout in self._layouts.values():
            layout.refresh_formulas()
        self._is_exact = [False] * len(self._is_exact)

    def unfinished_row(self, top: float, bottom: float) -> int | None:
        """A row between two heights of which not all is read yet."""
        return next((row for row in self.rows_between(top, bottom) if not self._is_exact[row]), None)

    def layout(self, row: int) -> MessageLayout:
        """The layout of a message, made where there is none; what it shows may be behind."""
        layout = self._layouts.get(row)
        if layout is None:
            message = self._messages.message(row)
            layout = self._layouts[row] = MessageLayout(self._look, self._parser, message, self._width)
            layout.update(message, self._messages.activity(row), self._width)
        return layout

    def laid_out(self) -> dict[int, MessageLayout]:
        """The layouts there are, by row."""
        return self._layouts

    def read_all(self, row: int) -> MessageLayout:
        """The layout of a message of which everything is read."""
        layout = self.layout(row)
        self._bring_up_to_date(row, layout, float("inf"))
        return layout

    def _bring_up_to_date(self, row: int, layout: MessageLayout, deadline: float) -> None:
        layout.update(self._messages.message(row), self._messages.activity(row), self._width)
        layout.advance(deadline)
        self._heights.set_height(row, ceil(layout.height))
        self._is_exact[row] = not layout.is_behind

    def _estimate(self) -> None:
        width = self._width
        self._is_exact = [False] * len(self._extents)
        self._heights = HeightIndex(
            (extent or self._extent(row)).height(width) for row, extent in enumerate(self._extents)
        )

    def _extent(self, row: int) -> Extent:
        """What a message's height is estimated from, counted again where it has changed."""
        extent = self._extents[row] = self._extents[row] or extent_of(self._messages.message(row))
        return extent

    def rows_between(self, top: float, bottom: float) -> range:
        """The rows that a stretch of the column touches."""
        num_rows = len(self._heights)
        if not num_rows:
            return range(0)
        first = max(self._heights.row_at(top), 0)
        end, y = first + 1, self._heights.top(first) + self._heights[first]
        while end < num_rows and y < bottom:
            y += self._heights[end]
            end += 1
        return range(first, end)

    def top(self, row: int) -> float:
        """Where a message starts."""
        return self._heights.top(row)

    def row_height(self, row: int) -> float:
        """How high a message is, exactly or about."""
        return self._heights[row]

    def anchor_row(self, top: float, bottom: float) -> int:
        """The first row in a stretch whose height is exact, else the first: it is to stay where it is."""
        rows = self.rows_between(top, bottom)
        return next((row for row in rows if self._is_exact[row]), rows.start)

    def _drop_far_from(self, rows: range) -> None:
        if len(self._layouts) <= NUM_KEPT:
            return
        middle = (rows.start + rows.stop) / 2
        by_distance = sorted(self._layouts, key=lambda row: abs(row - middle))
        for row in by_distance[max(NUM_KEPT // 2, len(rows)) :]:
            del self._layouts[row]
