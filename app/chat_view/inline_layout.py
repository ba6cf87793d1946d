"""Inline text laid out to a width, in pieces: while text is appended only the last piece is laid out again.

A piece is a long text's finished lines, or the rest of it. Nothing here can load anything: Qt's text layouts
know characters, fonts and colours only.
"""

import unicodedata
from bisect import bisect_right
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import cast

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import (
    QColor,
    QFont,
    QFontMetricsF,
    QPainter,
    QTextCharFormat,
    QTextLayout,
    QTextLine,
    QTextOption,
)

from app.chat_view.formulas import DrawnFormula
from app.chat_view.inline_text import InlineText, Link, Style
from app.chat_view.link_policy import is_allowed
from app.chat_view.look import Look, Marks
from app.chat_view.shown_text import ShownText

LONG_PIECE = 1200  # UTF-16 units after which finished lines become a piece of their own
OPEN_LINES = 3  # lines at its end that may still change while text is appended
CHIP_PADDING, CHIP_RADIUS = 2.0, 4.0  # around code in a line
WIDEST = 100_000.0  # pixels; the width of what is not to be wrapped


@dataclass(slots=True)
class _Format:
    start: int
    end: int
    style: Style
    formula: DrawnFormula | None = None


@dataclass(slots=True)
class _Piece:
    start: int  # Qt's position of its first character in the shown text
    text: str
    formats: list[_Format]
    top: float
    height: float = 0.0
    natural_width: float = 0.0
    layout: QTextLayout = field(default_factory=QTextLayout)
    chips: list[QRectF] = field(default_factory=list)

    @property
    def end(self) -> int:
        return self.start + _units(self.text)


class InlineLayout:
    """One inline text in one font."""

    def __init__(
        self,
        look: Look,
        font: QFont,
        *,
        colour: str = "",
        alignment: Qt.AlignmentFlag = Qt.AlignmentFlag.AlignLeft,
    ) -> None:
        self._look = look
        self._font = font
        self._colour = colour
        self._alignment = alignment
        self._line_height = look.line_height(font)
        metrics = QFontMetricsF(font)
        self._ascent = (self._line_height - metrics.height()) / 2 + metrics.ascent()
        self._option = QTextOption()
        self._option.setWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
        self._option.setTextDirection(Qt.LayoutDirection.LayoutDirectionAuto)
        self._option.setTabStopDistance(4 * metrics.horizontalAdvance("0"))
        self._option.setAlignment(alignment)
        self._inline = InlineText()
        self._shown = ShownText("")
        self._pieces: list[_Piece] = []
        self._width = 0.0
        self._formats: list[_Format] = []
        self._changed_from = 0.0

    @property
    def changed_from(self) -> float:
        """Above this height nothing looks different since the text before this one."""
        return self._changed_from

    @property
    def inline(self) -> InlineText:
        """What is laid out."""
        return self._inline

    @property
    def height(self) -> float:
        """The height of all lines; one line's without text."""
        return self._pieces[-1].top + self._pieces[-1].height if self._pieces else float(self._line_height)

    @property
    def natural_width(self) -> float:
        """The width of the longest line."""
        return max((piece.natural_width for piece in self._pieces), default=0.0)

    @property
    def baseline(self) -> float:
        """From the top to the line on which the first row of characters stands."""
        return self._ascent

    def lay_out(self, inline: InlineText, width: float) -> None:
        """Lay a text out; one that only goes on after the present one costs only what is new."""
        formats, shown = self._formats_of(inline)
        if self._alignment == Qt.AlignmentFlag.AlignLeft:
            is_rtl = not inline.text.isascii() and is_right_to_left(inline.text)
            side = Qt.AlignmentFlag.AlignRight if is_rtl else Qt.AlignmentFlag.AlignLeft
            self._option.setAlignment(side)
        kept = same = 0
        if width == self._width:
            same = self._length_of_same(shown, formats)
            while kept < len(self._pieces) - 1 and _is_same(self._pieces[kept], shown, formats):
                kept += 1
        self._inline, self._shown, self._width, self._formats = inline, shown, width, formats
        del self._pieces[kept:]
        if shown.length:
            start = self._pieces[-1].end if self._pieces else 0
            self._lay_out_rest(start, formats)
        self._changed_from = self._line_top(same)

    def _length_of_same(self, shown: ShownText, formats: list[_Format]) -> int:
        """How many units of another text look as now, less the last word, which may go to another line."""
        before, after = self._shown.text, shown.text
        length = len(before)
        if not after.startswith(before):
            pairs = enumerate(zip(before, after, strict=False))
            length = next((number for number, (old, new) in pairs if old != new), min(length, len(after)))
        space = before.rfind(" ", 0, length)
        same = _units(before[:space]) if space > 0 else 0
        for old, new in zip_longest(self._formats, formats):
            if old != new:
                return min([same, *(part.start for part in (old, new) if part is not None)])
        return same

    def _line_top(self, position: int) -> float:
        """Where the line with one of Qt's positions begins."""
        if not position or not self._pieces:
            return 0.0
        piece = self._pieces[max(bisect_right(self._pieces, position, key=lambda piece: piece.start) - 1, 0)]
        line = piece.layout.lineForTextPosition(min(position, piece.end - 1) - piece.start)
        return piece.top + line.y() + min(line.ascent() - self._ascent, 0) if line.isValid() else 0.0

    def draw(
        self, painter: QPainter, origin: QPointF, clip: tuple[float, float], marks: Marks, colour: str
    ) -> None:
        """Draw what lies between two y coordinates of the painter."""
        for piece in self._pieces[self._piece_at_y(clip[0] - origin.y()) :]:
            if origin.y() + piece.top > clip[1]:
                return
            place = QPointF(origin.x(), origin.y() + piece.top)
            if piece.chips:
                painter.setPen(Qt.PenStyle.NoPen)
                painter.setBrush(QColor(self._look.theme.tokens.code_head))
                for chip in piece.chips:
                    painter.drawRoundedRect(chip.translated(place), CHIP_RADIUS, CHIP_RADIUS)
            painter.setPen(QColor(colour))
            seen = QRectF(origin.x() - WIDEST, clip[0], 2 * WIDEST, clip[1] - clip[0])
            piece.layout.draw(painter, place, self._look.mark_ranges(marks, self._shown, piece.start), seen)
            for part in piece.formats:
                if part.formula is not None:
                    line = piece.layout.lineForTextPosition(part.start - piece.start)
                    x = cursor_x(line, part.start - piece.start)
                    left = min(x, cursor_x(line, part.end - piece.start)) if line.isValid() else x
                    top = line.y() + line.ascent() - part.formula.baseline
                    part.formula.paint(painter, place + QPointF(left, top))

    def position_at(self, x: float, y: float) -> int:
        """The position nearest to a point."""
        if not self._pieces:
            return 0
        piece = self._pieces[self._piece_at_y(y)]
        layout = piece.layout
        line = layout.lineAt(layout.lineCount() - 1)
        for number in range(layout.lineCount() - 1):
            if y - piece.top < layout.lineAt(number + 1).y():
                line = layout.lineAt(number)
                break
        return self._shown.position(piece.start + int(line.xToCursor(x))) if line.isValid() else 0

    def word_at(self, position: int) -> tuple[int, int]:
        """The word around a position."""
        if not self._pieces:
            return 0, 0
        piece = self._piece_of(position)
        inner = min(self._shown.shown(position) - piece.start, piece.end - piece.start)
        skip = QTextLayout.CursorMode.SkipWords
        end = piece.layout.nextCursorPosition(inner, skip)
        start = piece.layout.previousCursorPosition(end, skip)
        first, last = self._shown.position(piece.start + start), self._shown.position(piece.start + end)
        word = self._inline.text[first:last]
        return first, last - (len(word) - len(word.rstrip()))

    def caret(self, position: int) -> QRectF:
        """Where a position is: a rectangle without width, one line high."""
        if not self._pieces:
            return QRectF(0, 0, 0, self._line_height)
        piece = self._piece_of(position)
        inner = min(self._shown.shown(position) - piece.start, piece.end - piece.start)
        line = piece.layout.lineForTextPosition(inner)
        if not line.isValid():
            return QRectF(0, piece.top, 0, self._line_height)
        return QRectF(cursor_x(line, inner), piece.top + line.y(), 0, line.height())

    @property
    def links(self) -> list[Link]:
        """The links that may be opened."""
        return [link for link in self._inline.links if is_allowed(link.target)]

    def link_at(self, x: float, y: float) -> Link | None:
        """The link whose characters are at a point."""
        links = self.links
        if not links or not 0 <= y < self.height:
            return None
        position = self.position_at(x, y)
        for link in links:
            if link.start <= position <= link.end:
                before, after = self.caret(link.start), self.caret(link.end)
                is_inside = before.y() != after.y() or before.x() - 2 <= x <= after.x() + 2
                return link if is_inside else None
        return None

    def _formats_of(self, inline: InlineText) -> tuple[list[_Format], ShownText]:
        """The formats of a text in Qt's positions; formulas that are ready become one character each."""
        colour = self._colour or self._look.theme.tokens.text
        drawn = {
            (formula.start, formula.end): found
            for formula in inline.formulas
            if (
                found := self._look.formulas.find(
                    formula.tex, pixels=self._font.pixelSize(), colour=colour, is_display=False
                )
            )
        }
        shown = ShownText(inline.text, sorted(drawn))
        formats = [
            _Format(
                shown.shown(span.start), shown.shown(span.end), span.style, drawn.get((span.start, span.end))
            )
            for span in inline.spans
        ]
        return formats, shown

    def _lay_out_rest(self, start: int, formats: list[_Format]) -> None:
        """Lay out from a position to the end, and cut finished lines off while that is very long."""
        while True:
            top = self._pieces[-1].top + self._pieces[-1].height if self._pieces else 0.0
            piece = self._make_piece(start, None, formats, top)
            lines = piece.layout.lineCount()
            if len(piece.text) <= LONG_PIECE or lines <= 2 * OPEN_LINES:
                self._pieces.append(piece)
                return
            cut = start + piece.layout.lineAt(min(lines - OPEN_LINES, 40)).textStart()
            self._pieces.append(self._make_piece(start, cut, formats, top))
            start = cut

    def _make_piece(self, start: int, end: int | None, formats: list[_Format], top: float) -> _Piece:
        text = _slice(self._shown, start, self._shown.length if end is None else end)
        stop = start + _units(text)
        inside = [part for part in formats if part.start < stop and part.end > start]
        piece = _Piece(start, text, inside, top)
        layout = piece.layout = QTextLayout(text, self._font)
        layout.setCacheEnabled(True)
        layout.setTextOption(self._option)
        if inside:
            layout.setFormats([self._range(part, start, stop) for part in inside])
        self._place_lines(piece)
        return piece

    def _place_lines(self, piece: _Piece) -> None:
        """Break the piece into lines; each stands on its own row, which grows for what is high."""
        layout = piece.layout
        formulas = [part for part in piece.formats if part.formula is not None]
        layout.beginLayout()
        while (line := layout.createLine()).isValid():
            line.setLineWidth(self._width)
            above, below = self._ascent, self._line_height - self._ascent
            if line.height() > self._line_height:
                above, below = max(above, line.ascent()), max(below, line.descent())
            if formulas:
                first, last = (
                    piece.start + line.textStart(),
                    piece.start + line.textStart() + line.textLength(),
                )
                for part in formulas:
                    if part.formula is not None and first <= part.start < last:
                        above = max(above, part.formula.baseline + 2)
                        below = max(below, part.formula.height - part.formula.baseline + 2)
            line.setPosition(QPointF(0, piece.height + above - line.ascent()))
            piece.height += round(above + below)
            piece.natural_width = max(piece.natural_width, line.naturalTextWidth())
        layout.endLayout()
        for part in piece.formats:
            if part.style & Style.CODE or (part.style & Style.FORMULA and part.formula is None):
                piece.chips += self._chips(piece, part)

    def _chips(self, piece: _Piece, part: _Format) -> list[QRectF]:
        """The rounded backgrounds of a stretch of code, one in each line."""
        chips = []
        start, end = max(part.start - piece.start, 0), min(part.end, piece.end) - piece.start
        while start < end:
            line = piece.layout.lineForTextPosition(start)
            line_end = min(line.textStart() + line.textLength(), end)
            if not line.isValid() or line_end <= start:
                break
            left, right = sorted((cursor_x(line, start), cursor_x(line, line_end)))
            top = line.y() + line.ascent() - 0.95 * self._font.pixelSize()
            chips.append(
                QRectF(
                    left - CHIP_PADDING, top, right - left + 2 * CHIP_PADDING, 1.3 * self._font.pixelSize()
                )
            )
            start = line_end
        return chips

    def _range(self, part: _Format, start: int, stop: int) -> QTextLayout.FormatRange:
        made = QTextLayout.FormatRange()
        made.start = max(part.start, start) - start
        made.length = min(part.end, stop) - start - made.start
        if part.formula is not None:
            spread = QTextCharFormat()
            advance = QFontMetricsF(self._font).horizontalAdvance("\u00a0")
            spread.setFontLetterSpacingType(QFont.SpacingType.AbsoluteSpacing)
            spread.setFontLetterSpacing(part.formula.width + 2 - advance)
            made.format = spread
        else:
            made.format = self._look.character_format(part.style, self._font.pixelSize())
        return made

    def _piece_at_y(self, y: float) -> int:
        return max(bisect_right(self._pieces, y, key=lambda piece: piece.top) - 1, 0)

    def _piece_of(self, position: int) -> _Piece:
        shown = self._shown.shown(position)
        return self._pieces[max(bisect_right(self._pieces, shown, key=lambda piece: piece.start) - 1, 0)]


def _is_same(piece: _Piece, shown: ShownText, formats: list[_Format]) -> bool:
    """Whether a piece looks in another text as it did; pieces are long, so that is worth knowing."""
    if _slice(shown, piece.start, piece.end) != piece.text:
        return False
    inside = [part for part in formats if part.start < piece.end and part.end > piece.start]
    return inside == piece.formats


def is_right_to_left(text: str) -> bool:
    """Whether the first character that has a direction runs to the left."""
    for character in text[:1000]:
        direction = unicodedata.bidirectional(character)
        if direction in ("L", "R", "AL"):
            return direction != "L"
    return False


def cursor_x(line: QTextLine, position: int) -> float:
    """Where on a line the character at a position begins."""
    x, _ = cast("tuple[float, int]", line.cursorToX(position))  # Qt also returns the position it took
    return x


def _units(text: str) -> int:
    """UTF-16 units."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def _slice(shown: ShownText, start: int, end: int) -> str:
    """The characters between two of Qt's positions."""
    if len(shown.text) == shown.length:
        return shown.text[start:end]
    encoded = shown.text.encode("utf-16-le", "surrogatepass")[2 * start : 2 * end]
    return encoded.decode("utf-16-le", "replace")
