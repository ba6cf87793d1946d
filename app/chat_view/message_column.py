"""All messages one below the other: exact heights for those that were laid out, estimates for the others.

Knows nothing of scroll bars or events. A layout that is dropped leaves its exact height behind.
"""

from app.chat_view.height_index import HeightIndex
from app.chat_view.message_layout import MessageLayout, estimated_height
from app.lists.message_list import MessageList
from app.theme.theme import Theme

MARGIN = 20  # below the last message
NUM_KEPT = 60  # layouts; those farthest from the visible rows are dropped first


class MessageColumn:
    """Rows are the rows of the message list; y counts from the top of the first message."""

    def __init__(self, messages: MessageList, theme: Theme) -> None:
        self._messages = messages
        self._theme = theme
        self._width = 0.0
        self._heights = HeightIndex()
        self._is_exact: list[bool] = []
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

    def reset(self, width: float) -> None:
        """Forget every layout and estimate all heights for this width."""
        self._width = width
        self._layouts = {}
        rows = range(self._messages.rowCount())
        self._is_exact = [False] * len(rows)
        self._heights = HeightIndex(estimated_height(self._messages.message(row), width) for row in rows)

    def append(self) -> None:
        """Take the message that was added at the end of the list."""
        message = self._messages.message(len(self._heights))
        self._heights.append(estimated_height(message, self._width))
        self._is_exact.append(False)

    def change(self, row: int) -> None:
        """Take a message as it is now; one that is not laid out is only estimated."""
        message = self._messages.message(row)
        layout = self._layouts.get(row)
        if layout is None:
            self._is_exact[row] = False
            self._heights.set_height(row, estimated_height(message, self._width))
        else:
            layout.update(message, self._messages.activity(row))
            self._heights.set_height(row, layout.height)

    def lay_out(self, top: float, bottom: float) -> bool:
        """Lay out every message between two heights; True where that has moved any."""
        has_moved = False
        rows = self.rows_between(top, bottom)
        for row in rows:
            if not self._is_exact[row]:
                height = self.layout(row).height
                has_moved = has_moved or height != self._heights[row]
                self._heights.set_height(row, height)
                self._is_exact[row] = True
        self._drop_far_from(rows)
        return has_moved

    def layout(self, row: int) -> MessageLayout:
        """The layout of a message, made where there is none."""
        layout = self._layouts.get(row)
        if layout is None:
            layout = MessageLayout(
                self._messages.message(row), self._messages.activity(row), self._width, self._theme
            )
            self._layouts[row] = layout
        return layout

    def rows_between(self, top: float, bottom: float) -> range:
        """The rows that a stretch of the column touches."""
        if not len(self._heights):
            return range(0)
        return range(max(self._heights.row_at(top), 0), self._heights.row_at(max(bottom - 1, top)) + 1)

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
