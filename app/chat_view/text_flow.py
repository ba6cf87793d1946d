"""Plain text laid out to a width, in chunks: while text is appended only the last chunk is laid out again.

A chunk is a paragraph, or a piece of a very long one that starts where a line starts. Positions are counted
in UTF-16 units, as Qt counts them, so that a selection and a text layout mean the same character.
"""

from bisect import bisect_right
from dataclasses import dataclass, field
from math import ceil

from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import (
    QColor,
    QFont,
    QFontMetricsF,
    QPainter,
    QTextCharFormat,
    QTextLayout,
    QTextOption,
)

LONG_CHUNK = 2000  # characters after which a paragraph's finished lines become a chunk of their own
OPEN_LINES = 3  # lines at its end that may still change while text is appended
BLANK_LINE = 0.55  # the height of an empty line, in lines


@dataclass(frozen=True, slots=True)
class Selection:
    """A range of positions, the first included, the last not."""

    start: int
    end: int


@dataclass(slots=True)
class _Chunk:
    text: str
    start: int  # position of its first character
    top: float
    ends_paragraph: bool = False
    length: int = 0  # UTF-16 units, without the newline
    height: float = 0.0
    natural_width: float = 0.0
    layout: QTextLayout = field(default_factory=QTextLayout)


class TextFlow:
    """One text in one font and one colour."""

    def __init__(self, font: QFont, line_spacing: float) -> None:
        self._font = font
        self._line_height = ceil(QFontMetricsF(font).height() * line_spacing)
        self._width = 0.0
        self._chunks: list[_Chunk] = []
        self.text = ""

    @property
    def height(self) -> float:
        """The height of all lines."""
        return self._chunks[-1].top + self._chunks[-1].height if self._chunks else 0.0

    @property
    def natural_width(self) -> float:
        """The width of the longest line."""
        return max((chunk.natural_width for chunk in self._chunks), default=0.0)

    @property
    def length(self) -> int:
        """The number of positions."""
        return self._chunks[-1].start + self._chunks[-1].length if self._chunks else 0

    def set_width(self, width: float) -> None:
        """Lay everything out to another width."""
        if width != self._width:
            self._width = width
            self._chunks = []
            self.set_text(self.text)

    def set_text(self, text: str) -> None:
        """Take another text; one that only goes on after the present one costs only what is new."""
        if not self._width:
            self.text = text  # laid out by the first width
            return
        if self._chunks and text.startswith(self.text):
            self._append(text[len(self.text) :])
        else:
            self._chunks = []
            self._append(text)
        self.text = text

    def draw(
        self,
        painter: QPainter,
        origin: QPointF,
        clip: tuple[float, float],
        selection: Selection | None,
        back: QColor,
    ) -> None:
        """Draw the chunks between two y coordinates of the painter, in the painter's pen."""
        for chunk in self._chunks[self._chunk_at_y(clip[0] - origin.y()) :]:
            if origin.y() + chunk.top > clip[1]:
                return
            ranges = _format_ranges(chunk, selection, back)
            chunk.layout.draw(painter, QPointF(origin.x(), origin.y() + chunk.top), ranges)

    def position_at(self, x: float, y: float) -> int:
        """The position nearest to a point."""
        if not self._chunks:
            return 0
        chunk = self._chunks[self._chunk_at_y(y)]
        inner_y = y - chunk.top
        line = chunk.layout.lineAt(chunk.layout.lineCount() - 1)
        for number in range(chunk.layout.lineCount()):
            candidate = chunk.layout.lineAt(number)
            if inner_y < candidate.y() + self._line_height:
                line = candidate
                break
        if not line.isValid():
            return chunk.start
        return chunk.start + int(line.xToCursor(x))

    def word_at(self, position: int) -> Selection:
        """The word around a position."""
        chunk = self._chunks[self._chunk_at_position(position)]
        inner = min(position - chunk.start, chunk.length)
        end = chunk.layout.nextCursorPosition(inner, QTextLayout.CursorMode.SkipWords)
        start = chunk.layout.previousCursorPosition(end, QTextLayout.CursorMode.SkipWords)
        word = _slice(chunk.text, start, end)
        end -= _length(word) - _length(word.rstrip())
        return Selection(chunk.start + start, chunk.start + end)

    def selected_text(self, selection: Selection) -> str:
        """The characters of a selection."""
        return _slice(self.text, selection.start, selection.end)

    def _append(self, text: str) -> None:
        for number, part in enumerate(text.split("\n")):
            if number:
                self._chunks[-1].ends_paragraph = True
            if not self._chunks:
                self._chunks.append(_Chunk(part, 0, 0.0))
            elif self._chunks[-1].ends_paragraph:
                self._chunks.append(_Chunk(part, self.length + 1, self.height))
            elif part:
                self._chunks[-1].text += part
            else:
                continue
            self._lay_out_last()

    def _lay_out_last(self) -> None:
        """Lay the last chunk out, and cut finished lines off while it is very long."""
        self._lay_out(self._chunks[-1])
        while (
            len(self._chunks[-1].text) > LONG_CHUNK and self._chunks[-1].layout.lineCount() > 2 * OPEN_LINES
        ):
            chunk = self._chunks[-1]
            cut = chunk.layout.lineAt(chunk.layout.lineCount() - OPEN_LINES).textStart()
            rest = _slice(chunk.text, cut, chunk.length)
            chunk.text = _slice(chunk.text, 0, cut)
            self._lay_out(chunk)
            self._chunks.append(_Chunk(rest, chunk.start + chunk.length, chunk.top + chunk.height))
            self._lay_out(self._chunks[-1])

    def _lay_out(self, chunk: _Chunk) -> None:
        chunk.length = _length(chunk.text)
        layout = chunk.layout = QTextLayout(chunk.text, self._font)
        layout.setCacheEnabled(True)
        option = QTextOption()
        option.setWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
        option.setTextDirection(Qt.LayoutDirection.LayoutDirectionAuto)
        option.setTabStopDistance(4 * QFontMetricsF(self._font).horizontalAdvance("0"))
        layout.setTextOption(option)
        chunk.height, chunk.natural_width = 0.0, 0.0
        layout.beginLayout()
        while (line := layout.createLine()).isValid():
            line.setLineWidth(self._width)
            row_height = max(self._line_height, ceil(line.height()))
            line.setPosition(QPointF(0, chunk.height + (row_height - line.height()) / 2))
            chunk.height += row_height
            chunk.natural_width = max(chunk.natural_width, line.naturalTextWidth())
        layout.endLayout()
        if not chunk.text:
            chunk.height = round(BLANK_LINE * self._line_height)

    def _chunk_at_y(self, y: float) -> int:
        return max(bisect_right(self._chunks, y, key=lambda chunk: chunk.top) - 1, 0)

    def _chunk_at_position(self, position: int) -> int:
        return max(bisect_right(self._chunks, position, key=lambda chunk: chunk.start) - 1, 0)


def _format_ranges(chunk: _Chunk, selection: Selection | None, back: QColor) -> list[QTextLayout.FormatRange]:
    if selection is None:
        return []
    start = max(selection.start - chunk.start, 0)
    end = min(selection.end - chunk.start, chunk.length)
    if start >= end:
        return []
    marked = QTextLayout.FormatRange()
    marked.start, marked.length = start, end - start
    character_format = QTextCharFormat()
    character_format.setBackground(back)
    marked.format = character_format
    return [marked]


def _length(text: str) -> int:
    """UTF-16 units."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def _slice(text: str, start: int, end: int) -> str:
    """The characters between two UTF-16 positions."""
    if text.isascii():
        return text[start:end]
    encoded = text.encode("utf-16-le", "surrogatepass")[2 * start : 2 * end]
    return encoded.decode("utf-16-le", "replace")
