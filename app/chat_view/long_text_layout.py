"""Text of any length as a grid of equally wide characters: where its lines break is arithmetic.

For what no answer should contain but one may: a line of five million characters is laid out in no time.
"""

from bisect import bisect_right
from collections import OrderedDict
from math import ceil

from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QTextLayout

from app.chat_view.block_layout import BlockLayout
from app.chat_view.blocks import Content, LongText
from app.chat_view.look import Look, Marks
from app.chat_view.shown_text import ShownText

MOST_ROWS_KEPT = 200


class LongTextLayout(BlockLayout):
    """Rows of as many characters as fit; only those in sight are laid out."""

    def __init__(self, look: Look, colour: str) -> None:
        self._look = look
        self._colour = colour
        self._font = look.theme.fonts.code
        self._row_height = look.line_height(self._font)
        self._character_width = QFontMetricsF(self._font).horizontalAdvance("0")
        self._text = ""
        self._place = 0
        self._starts: list[int] = [0]  # of the source's lines
        self._first_rows: list[int] = [0]  # the row with which each line begins
        self._num_rows = 1
        self._columns = 1
        self._made: OrderedDict[int, QTextLayout] = OrderedDict()

    @property
    def height(self) -> float:
        """All rows."""
        return float(self._num_rows * self._row_height)

    @property
    def text(self) -> str:
        """As it was written."""
        return self._text

    def lay_out(self, content: Content, width: float) -> None:
        """Count the rows."""
        assert isinstance(content, LongText)
        wide = 1 if content.text.isascii() else 2  # other scripts may have characters of twice the width
        columns = max(int(width / (self._character_width * wide)), 1)
        if content.text == self._text and columns == self._columns:
            return
        self._text, self._columns, self._place = content.text, columns, content.place
        self._starts, self._first_rows, self._num_rows = [], [], 0
        start = 0
        for line in content.text.split("\n"):
            self._starts.append(start)
            self._first_rows.append(self._num_rows)
            self._num_rows += max(ceil(len(line) / columns), 1)
            start += len(line) + 1
        self._made.clear()

    def draw(self, painter: QPainter, origin: QPointF, clip: tuple[float, float], marks: Marks) -> None:
        """Draw the rows in sight."""
        painter.setPen(QColor(self._colour))
        first = max(int((clip[0] - origin.y()) // self._row_height), 0)
        last = min(int((clip[1] - origin.y()) // self._row_height) + 1, self._num_rows)
        for row in range(first, last):
            start, end = self._bounds(row)
            ranges = self._look.mark_ranges(marks.shifted(start, end), ShownText(self._text[start:end]))
            self._row(row).draw(painter, origin + QPointF(0, row * self._row_height), ranges)

    def position_at(self, x: float, y: float) -> int:
        """The character nearest to a point."""
        row = min(max(int(y // self._row_height), 0), self._num_rows - 1)
        start, end = self._bounds(row)
        inner = int(self._row(row).lineAt(0).xToCursor(x))
        return start + ShownText(self._text[start:end]).position(inner)

    def caret(self, position: int) -> QRectF:
        """Where a position is."""
        line = max(bisect_right(self._starts, position) - 1, 0)
        row, column = divmod(position - self._starts[line], self._columns)
        top = (self._first_rows[line] + row) * self._row_height
        return QRectF(column * self._character_width, top, 0, self._row_height)

    def place(self, position: int, *, is_end: bool) -> int | None:
        """Where in the source a position is."""
        return self._place + position

    def positions(self, start: int, end: int) -> tuple[int, int]:
        """The characters between two places of the source."""
        first, last = max(start - self._place, 0), min(end - self._place, len(self._text))
        return (first, last) if first < last else (0, 0)

    def _bounds(self, row: int) -> tuple[int, int]:
        """The positions of a row's first character and after its last."""
        line = max(bisect_right(self._first_rows, row) - 1, 0)
        start = self._starts[line] + (row - self._first_rows[line]) * self._columns
        line_end = self._starts[line + 1] - 1 if line + 1 < len(self._starts) else len(self._text)
        return start, min(start + self._columns, line_end)

    def _row(self, row: int) -> QTextLayout:
        layout = self._made.get(row)
        if layout is None:
            start, end = self._bounds(row)
            layout = self._made[row] = QTextLayout(self._text[start:end], self._font)
            layout.beginLayout()
            line = layout.createLine()
            line.setLineWidth(1e6)
            line.setPosition(QPointF(0, (self._row_height - line.height()) / 2))
            layout.endLayout()
            while len(self._made) > MOST_ROWS_KEPT:
                self._made.popitem(last=False)
        return layout
