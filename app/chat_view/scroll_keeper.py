"""Where in the conversation the view is: at its end, or at the message that is being read.

Whatever grows or changes its height, the end stays in sight, or what is being read stays where it is.
"""

import time

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QScrollBar

from app.chat_view.message_column import MessageColumn

SETTLE_ROUNDS = 8  # laying out moves other rows into sight; each round shows at least one more exactly
READING_S = 0.008  # how long one step may read; a long message is read in many
OPENING_S = 0.04  # the same for the first sight of a conversation


class ScrollKeeper(QObject):
    """Owns the value of a vertical scroll bar."""

    settled = Signal(object)  # by how many pixels all that was in sight has moved down; None if not as one

    def __init__(self, column: MessageColumn, bar: QScrollBar) -> None:
        super().__init__(bar)
        self._column = column
        self._bar = bar
        self._height = 0  # of the viewport
        self._sticks = True
        self._anchor = (0, 0.0)  # a row, and how far the viewport's top is below that row's
        self._is_settling = False
        self._shown: dict[int, int] = {}  # where each message in sight began when it was last settled
        bar.valueChanged.connect(self._follow_bar)

    @property
    def sticks(self) -> bool:
        """Whether the end is followed."""
        return self._sticks

    @property
    def top(self) -> int:
        """Where in the column the viewport begins."""
        return self._bar.value()

    @property
    def bottom(self) -> int:
        """Where in the column the viewport ends."""
        return self._bar.value() + self._height

    @property
    def distance_to_end(self) -> int:
        """How many pixels are below the viewport."""
        return self._last_top() - self._bar.value()

    def stick(self) -> None:
        """Follow the end from the next `settle` on."""
        self._sticks = True

    def set_height(self, height: int) -> None:
        """Take the height of the viewport."""
        self._height = height

    def place_of(self, row: int) -> float:
        """Where a message begins in the viewport."""
        return self._column.top(row) - self._bar.value()

    def forget(self) -> None:
        """Nothing that was in sight is there any more."""
        self._shown = {}

    def settle(self, reading_s: float = READING_S) -> None:
        """Lay out what can be seen, and move the bar to where that leaves the anchor."""
        deadline = time.perf_counter() + reading_s
        top = self._wanted_top()
        for _ in range(SETTLE_ROUNDS):
            if not self._column.lay_out(top, top + self._height, deadline):
                break
            top = self._wanted_top()
        self._is_settling = True
        self._bar.setPageStep(self._height)
        self._bar.setRange(0, self._last_top())
        self._bar.setValue(top)
        self._is_settling = False
        self._keep_anchor(top)
        rows = self._column.rows_between(top, top + self._height)
        shown = {row: round(self.place_of(row)) for row in rows}
        moves = {shown[row] - self._shown[row] for row in shown if row in self._shown}
        self._shown = shown
        self.settled.emit(moves.pop() if len(moves) == 1 else None)

    def lay_out(self, row: int, deadline: float) -> None:
        """Lay out a message out of sight; what is in sight stays where it is."""
        self._column.lay_out_row(row, deadline)
        self.settle()

    def take_changes(self, rows: list[int], reading_s: float) -> None:
        """Take messages as they are now."""
        deadline = time.perf_counter() + reading_s
        has_changed = [self._column.change(row, deadline) for row in rows]
        if any(has_changed):
            self.settle()

    def hold(self, row: int) -> None:
        """Keep the beginning of a message where it is, whatever changes in it."""
        self._sticks = False
        self._anchor = (row, -self.place_of(row))

    def begin_at(self, row: int) -> None:
        """Put the beginning of a message at the top of the viewport."""
        self._sticks = False
        self._anchor = (row, 0.0)
        self.settle()

    def show_row(self, row: int, *, offset: float = 0.0, height: float = 0.0) -> None:
        """Bring a stretch of a message into sight, if it is not there."""
        start = self._column.top(row) + offset
        if start < self.top or start + height > self.bottom:
            self._sticks = False
            self._anchor = (row, offset - max((self._height - height) / 3, 0))  # whatever is read above it
            self.settle()

    def _wanted_top(self) -> int:
        if self._sticks or not self._column.num_rows:
            return self._last_top()
        row, offset = self._anchor
        return min(max(round(self._column.top(row) + offset), 0), self._last_top())

    def _last_top(self) -> int:
        return max(round(self._column.height) - self._height, 0)

    def _keep_anchor(self, top: int) -> None:
        if self._column.num_rows:
            row = self._column.anchor_row(top, top + self._height)
            self._anchor = (row, top - self._column.top(row))

    def _follow_bar(self, top: int) -> None:
        if self._is_settling:
            return
        self._sticks = top >= self._last_top()
        self._keep_anchor(top)
        self.settle()
