"""A table as a grid of our own: as wide as the column where it fits, scrolled sideways where it does not."""

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen

from app.chat_view.block_layout import BlockLayout
from app.chat_view.blocks import Content, Table
from app.chat_view.inline_layout import WIDEST, InlineLayout
from app.chat_view.inline_text import InlineText, Link
from app.chat_view.look import Look, Marks
from app.chat_view.sideways import BAR_SPACE, Sideways

PADDING_X, PADDING_Y = 12, 6
NARROWEST, WIDEST_CELL = 64, 360  # pixels of a cell's text, where columns have to share the width
STEP = 40  # widths grow in steps, so that a growing cell seldom moves the others
_ALIGNMENTS = {
    "right": Qt.AlignmentFlag.AlignRight,
    "center": Qt.AlignmentFlag.AlignHCenter,
}


class TableLayout(BlockLayout):
    """Positions count the cells' characters, row by row, with one between two cells."""

    def __init__(self, look: Look, colour: str) -> None:
        self._look = look
        self._colour = colour
        self._table = Table((), ())
        self._cells: list[list[InlineLayout]] = []
        self._natural: list[float] = []  # widths of the columns' texts, unwrapped
        self._widths: list[float] = []
        self._tops: list[float] = [0.0]
        self._starts: list[list[int]] = []
        self._width = 0.0
        self._sideways = Sideways()

    @property
    def height(self) -> float:
        """All rows."""
        return self._tops[-1] + 1 + (BAR_SPACE if self._sideways.is_needed else 0)

    @property
    def text(self) -> str:
        """The cells with tabs between them, the rows on lines of their own."""
        return "\n".join("\t".join(cell.inline.text for cell in row) for row in self._cells)

    def lay_out(self, content: Content, width: float) -> None:
        """Take more rows, or another width."""
        assert isinstance(content, Table)
        old = self._table.rows
        kept = next(
            (number for number, (a, b) in enumerate(zip(old, content.rows, strict=False)) if a != b),
            min(len(old), len(content.rows)),
        )
        if content.alignments != self._table.alignments:
            kept = 0
        self._table = content
        del self._cells[kept:]
        if kept == 0:
            self._natural = [0.0] * len(content.alignments)
        new = [self._make_row(row, number == 0) for number, row in enumerate(content.rows[kept:], kept)]
        widths = self._share(width)
        first = kept if widths == self._widths and width == self._width else 0
        self._cells += new
        self._widths, self._width = widths, width
        self._place_rows(first)
        self._sideways.fit(sum(widths), width)

    def _make_row(self, row: tuple[InlineText, ...], is_head: bool) -> list[InlineLayout]:
        fonts = self._look.theme.fonts
        cells = []
        for column, inline in enumerate(row[: len(self._natural)]):
            alignment = _ALIGNMENTS.get(self._table.alignments[column], Qt.AlignmentFlag.AlignLeft)
            cell = InlineLayout(
                self._look,
                fonts.strong if is_head else fonts.body,
                colour=self._colour,
                alignment=alignment,
            )
            cell.lay_out(inline, WIDEST)
            rounded = -(-cell.natural_width // STEP) * STEP
            self._natural[column] = max(self._natural[column], rounded)
            cells.append(cell)
        return cells

    def _share(self, width: float) -> list[float]:
        """The width of each column, its padding included."""
        wanted = [max(natural, STEP) + 2 * PADDING_X for natural in self._natural]
        if not wanted:
            return []
        total = sum(wanted)
        if total <= width:
            return [part + (width - total) * part / total for part in wanted]
        smallest = [min(part, NARROWEST + 2 * PADDING_X) for part in wanted]
        if sum(smallest) > width:
            return [min(part, WIDEST_CELL) for part in wanted]
        spare = width - sum(smallest)
        missing = [part - least for part, least in zip(wanted, smallest, strict=True)]
        return [least + spare * lack / sum(missing) for least, lack in zip(smallest, missing, strict=True)]

    def _place_rows(self, first: int) -> None:
        del self._tops[first + 1 :], self._starts[first:]
        position = 0
        if first:
            position = self._starts[first - 1][-1] + len(self._cells[first - 1][-1].inline.text) + 1
        for row in self._cells[first:]:
            starts = []
            height = 0.0
            for column, cell in enumerate(row):
                width = self._widths[column] - 2 * PADDING_X
                fits = cell.natural_width <= width and not self._table.alignments[column]
                if not (fits and cell.inline.text.isascii()):
                    cell.lay_out(cell.inline, width)
                height = max(height, cell.height)
                starts.append(position)
                position += len(cell.inline.text) + 1
            self._starts.append(starts)
            self._tops.append(self._tops[-1] + height + 2 * PADDING_Y)

    def draw(self, painter: QPainter, origin: QPointF, clip: tuple[float, float], marks: Marks) -> None:
        """Draw the rows in sight, and the lines between them."""
        tokens = self._look.theme.tokens
        shown = min(sum(self._widths), self._width)
        box = QRectF(origin.x(), origin.y(), shown + 1, self._tops[-1] + 1)
        painter.save()
        painter.setClipRect(box, Qt.ClipOperation.IntersectClip)
        left = origin.x() - self._sideways.offset
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        if len(self._tops) > 1:
            painter.fillRect(
                QRectF(box.left(), box.top(), box.width(), self._tops[1]), QColor(tokens.code_head)
            )
        painter.setPen(QPen(QColor(tokens.line)))
        for top in self._tops:
            painter.drawLine(QPointF(box.left(), origin.y() + top), QPointF(box.right(), origin.y() + top))
        x = left
        for width in [0.0, *self._widths]:
            x += width
            painter.drawLine(QPointF(x, box.top()), QPointF(x, origin.y() + self._tops[-1]))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for number, row in enumerate(self._cells):
            top = origin.y() + self._tops[number]
            if origin.y() + self._tops[number + 1] < clip[0] or top > clip[1]:
                continue
            x = left
            for column, cell in enumerate(row):
                start = self._starts[number][column]
                inside = marks.shifted(start, start + len(cell.inline.text))
                place = QPointF(x + PADDING_X, top + PADDING_Y)
                cell.draw(painter, place, clip, inside, self._colour)
                x += self._widths[column]
        painter.restore()
        self._sideways.draw_bar(painter, QRectF(origin.x(), origin.y(), shown, self.height), tokens.secondary)

    def position_at(self, x: float, y: float) -> int:
        """The character nearest to a point."""
        found = self._cell_at(x, y)
        if found is None:
            return 0
        number, column, inner = found
        return self._starts[number][column] + self._cells[number][column].position_at(inner.x(), inner.y())

    def word_at(self, position: int) -> tuple[int, int]:
        """The word around a position."""
        cell, start, _ = self._cell_of(position)
        first, last = cell.word_at(position - start)
        return start + first, start + last

    def caret(self, position: int) -> QRectF:
        """Where a position is."""
        cell, start, corner = self._cell_of(position)
        return cell.caret(position - start).translated(corner)

    @property
    def links(self) -> list[Link]:
        """Those of all cells."""
        return [
            Link(start + link.start, start + link.end, link.target)
            for row, starts in zip(self._cells, self._starts, strict=True)
            for cell, start in zip(row, starts, strict=True)
            for link in cell.links
        ]

    def link_at(self, x: float, y: float) -> Link | None:
        """The link at a point."""
        found = self._cell_at(x, y)
        return self._cells[found[0]][found[1]].link_at(found[2].x(), found[2].y()) if found else None

    def positions(self, start: int, end: int) -> tuple[int, int]:
        """The characters between two places of the source."""
        for row, starts in zip(self._cells, self._starts, strict=True):
            for cell, first in zip(row, starts, strict=True):
                inside = cell.inline.positions(start, end)
                if inside[0] < inside[1]:
                    return first + inside[0], first + inside[1]
        return 0, 0

    def place(self, position: int, *, is_end: bool) -> int | None:
        """Where in the source a position is."""
        cell, start, _ = self._cell_of(position)
        return cell.inline.place(position - start, is_end=is_end)

    @property
    def sideways(self) -> Sideways:
        """How far it is moved."""
        return self._sideways

    def _cell_at(self, x: float, y: float) -> tuple[int, int, QPointF] | None:
        """The row and column nearest to a point, and the point in that cell."""
        if not self._cells or not self._cells[0]:
            return None
        number = sum(top <= y for top in self._tops[1:-1])
        x += self._sideways.offset
        column, left = 0, 0.0
        while column + 1 < len(self._cells[number]) and x >= left + self._widths[column]:
            left += self._widths[column]
            column += 1
        return number, column, QPointF(x - left - PADDING_X, y - self._tops[number] - PADDING_Y)

    def _cell_of(self, position: int) -> tuple[InlineLayout, int, QPointF]:
        """The cell with a position, where it starts, and its corner."""
        row = max(sum(starts[0] <= position for starts in self._starts if starts) - 1, 0)
        column = max(sum(start <= position for start in self._starts[row]) - 1, 0)
        left = sum(self._widths[:column]) - self._sideways.offset
        corner = QPointF(left + PADDING_X, self._tops[row] + PADDING_Y)
        return self._cells[row][column], self._starts[row][column], corner
