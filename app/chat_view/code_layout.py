"""Code: a head with the language and a Copy button, and below it lines that are laid out when they are seen.

Every line is equally high, so the height of a thousand lines is known without looking at one of them.
"""

from bisect import bisect_right
from collections import OrderedDict
from functools import partial

from PySide6.QtCore import QPointF, QRectF, Qt, QTimer
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPainterPath, QPen, QTextLayout, QTextOption

from app.chat_view.block_layout import BlockLayout
from app.chat_view.blocks import Code, Content
from app.chat_view.code_highlighter import LONGEST, CodeHighlighter, find_lexer
from app.chat_view.inline_layout import cursor_x
from app.chat_view.look import Look, Marks
from app.chat_view.shown_text import ShownText
from app.chat_view.sideways import BAR_SPACE, Sideways
from app.translation import format_number, tr

HEAD_HEIGHT, PADDING_X, PADDING_Y, RADIUS = 34, 14, 10, 10
COPY_WIDTH, ICON_SIZE = 74, 15
TAB = 4  # characters
MOST_LINES_KEPT = 300
LINES_AT_ONCE = 150  # coloured in one go while nothing waits
LONGEST_SHOWN = 4000  # characters of one line; all of it is copied


class CodeLayout(BlockLayout):
    """Lines in the code font, scrolled sideways where they are long."""

    def __init__(self, look: Look, language: str) -> None:
        self._look = look
        self._head_height = look.theme.scaled(HEAD_HEIGHT)
        self._copy_width = look.theme.scaled(COPY_WIDTH)
        self._language = language
        self._highlighter = CodeHighlighter(language)
        self._font = look.theme.fonts.code
        metrics = QFontMetricsF(self._font)
        self._character_width = metrics.horizontalAdvance("0")
        self._line_height = look.line_height(self._font)
        self._ascent = (self._line_height - metrics.height()) / 2 + metrics.ascent()
        self._code = Code("")
        self._lines: list[str] = []
        self._starts: list[int] = []  # position of each line's first character
        self._widest = 0.0  # characters
        self._width = 0.0
        self._made: OrderedDict[int, tuple[QTextLayout, ShownText]] = OrderedDict()
        self._sideways = Sideways()
        self._is_copied = False
        self._changed_from = 0.0

    @property
    def height(self) -> float:
        """Head, lines, and the room around them."""
        bar = BAR_SPACE if self._sideways.is_needed else PADDING_Y
        return self._head_height + PADDING_Y + max(len(self._lines), 1) * self._line_height + bar

    @property
    def changed_from(self) -> float:
        """The first line that is new."""
        return self._changed_from

    @property
    def text(self) -> str:
        """All lines."""
        return "\n".join(self._lines)

    @property
    def is_unfinished(self) -> bool:
        """Whether lines wait for their colours."""
        return (
            len(self._code.text) <= LONGEST
            and self._highlighter.num_lines < len(self._lines) - (not self._code.is_closed)
            and self._highlighter.can_colour(is_complete=self._code.is_closed)
        )

    def advance(self) -> None:
        """Colour some more lines."""
        self._colour(self._highlighter.num_lines + LINES_AT_ONCE)
        self._made.clear()

    def lay_out(self, content: Content, width: float) -> None:
        """Take more lines, or others."""
        assert isinstance(content, Code)
        if content.text != self._code.text or not self._lines:
            self._take_lines(content)
        self._code = content
        self._width = width
        self._sideways.fit(self._widest * self._character_width, width - 2 * PADDING_X)

    def _take_lines(self, content: Code) -> None:
        kept = 0
        if self._lines and content.text.startswith(self._code.text.removesuffix("\n")):
            kept = len(self._lines) - 1
        start = self._starts[kept] if kept else 0
        new = content.text[start:].removesuffix("\n").split("\n")
        del self._lines[kept:], self._starts[kept:]
        for line in new:
            self._lines.append(line)
            self._starts.append(start)
            start += len(line) + 1
            width = float(len(line.expandtabs(TAB)) if "\t" in line else len(line))
            if not line.isascii():
                width += 0.8 * sum(character > "\u2e7f" for character in line)  # most of them are wide
            self._widest = max(self._widest, min(width, LONGEST_SHOWN + 40))
        self._changed_from = self._head_height + PADDING_Y + kept * self._line_height if kept else 0.0
        self._highlighter.forget_from(kept)
        for number in [number for number in self._made if number >= kept]:
            del self._made[number]

    def draw(self, painter: QPainter, origin: QPointF, clip: tuple[float, float], marks: Marks) -> None:
        """Draw the box, and the lines in sight."""
        tokens = self._look.theme.tokens
        box = QRectF(origin.x(), origin.y(), self._width, self.height)
        self._draw_box(painter, box, clip[0])
        top = origin.y() + self._head_height + PADDING_Y
        first = max(int((clip[0] - top) // self._line_height), 0)
        last = min(int((clip[1] - top) // self._line_height) + 1, len(self._lines))
        if first >= last:
            return
        if not self._highlighter.is_ready:
            QTimer.singleShot(0, partial(find_lexer, self._language))  # what is painted next has its colours
        elif self.is_unfinished and last - self._highlighter.num_lines <= LINES_AT_ONCE:
            self._colour(last)
        painter.save()
        painter.setClipRect(box.adjusted(PADDING_X - 4, 0, 4 - PADDING_X, 0), Qt.ClipOperation.IntersectClip)
        painter.setPen(QColor(tokens.text))
        left = origin.x() + PADDING_X - self._sideways.offset
        for number in range(first, last):
            layout, shown = self._line(number)
            start = self._starts[number]
            inside = marks.shifted(start, start + len(self._lines[number]) + 1)
            ranges = self._look.mark_ranges(inside, shown)
            layout.draw(painter, QPointF(left, top + number * self._line_height), ranges)
        painter.restore()
        self._sideways.draw_bar(painter, box.adjusted(PADDING_X, 0, -PADDING_X, 0), tokens.line)

    def position_at(self, x: float, y: float) -> int:
        """The character nearest to a point."""
        if not self._lines:
            return 0
        row = (y - self._head_height - PADDING_Y) / self._line_height
        if row < 0:
            return 0
        if row >= len(self._lines):
            return len(self.text)
        layout, shown = self._line(int(row))
        inner = int(layout.lineAt(0).xToCursor(x - PADDING_X + self._sideways.offset))
        return self._starts[int(row)] + shown.position(inner)

    def word_at(self, position: int) -> tuple[int, int]:
        """The word around a position."""
        number = self._line_of(position)
        start, line = self._starts[number], self._lines[number]
        first = last = min(position - start, len(line))
        while first > 0 and (line[first - 1].isalnum() or line[first - 1] == "_"):
            first -= 1
        while last < len(line) and (line[last].isalnum() or line[last] == "_"):
            last += 1
        return start + first, start + last

    def caret(self, position: int) -> QRectF:
        """Where a position is."""
        number = self._line_of(position)
        layout, shown = self._line(number)
        x = cursor_x(layout.lineAt(0), shown.shown(position - self._starts[number]))
        top = self._head_height + PADDING_Y + number * self._line_height
        return QRectF(PADDING_X + x - self._sideways.offset, top, 0, self._line_height)

    def place(self, position: int, *, is_end: bool) -> int | None:
        """Where in the source a position is, if the code stands there as it is."""
        return self._code.place + position if self._code.place >= 0 else None

    def positions(self, start: int, end: int) -> tuple[int, int]:
        """The characters between two places of the source."""
        if self._code.place < 0:
            return 0, 0
        first, last = max(start - self._code.place, 0), min(end - self._code.place, len(self.text))
        return (first, last) if first < last else (0, 0)

    def is_copy_button_at(self, x: float, y: float) -> bool:
        """Whether a point is on Copy."""
        return 0 <= y < self._head_height and self._width - self._copy_width <= x <= self._width

    def show_copied(self, *, is_copied: bool) -> None:
        """Say on the button that the code is on the clipboard."""
        self._is_copied = is_copied

    @property
    def sideways(self) -> Sideways:
        """How far it is moved."""
        return self._sideways

    def _line_of(self, position: int) -> int:
        return max(bisect_right(self._starts, position) - 1, 0)

    def _colour(self, end: int) -> None:
        before = self._highlighter.num_lines
        complete = len(self._lines) if self._code.is_closed else len(self._lines) - 1
        self._highlighter.colour(self._lines, min(end, complete), is_complete=self._code.is_closed)
        for number in range(before, self._highlighter.num_lines):
            self._made.pop(number, None)

    def _line(self, number: int) -> tuple[QTextLayout, ShownText]:
        """A line, laid out."""
        found = self._made.get(number)
        if found is None:
            found = self._made[number] = self._make_line(number)
            while len(self._made) > MOST_LINES_KEPT:
                self._made.popitem(last=False)
        return found

    def _make_line(self, number: int) -> tuple[QTextLayout, ShownText]:
        line = self._lines[number]
        if len(line) > LONGEST_SHOWN:
            line = f"{line[:LONGEST_SHOWN]} " + tr(
                "… {count} more characters", count=format_number(len(line) - LONGEST_SHOWN)
            )
        shown = ShownText(line)
        layout = QTextLayout(shown.text, self._font)
        layout.setCacheEnabled(True)
        option = QTextOption()
        option.setWrapMode(QTextOption.WrapMode.NoWrap)
        option.setTabStopDistance(TAB * self._character_width)
        option.setTextDirection(Qt.LayoutDirection.LeftToRight)
        layout.setTextOption(option)
        ranges = []
        for part in self._highlighter.line(number):
            made = QTextLayout.FormatRange()
            made.start = shown.shown(part.start)
            made.length = shown.shown(part.start + part.length) - made.start
            made.format = self._look.foreground(part.token)
            ranges.append(made)
        layout.setFormats(ranges)
        layout.beginLayout()
        text_line = layout.createLine()
        text_line.setLineWidth(1e6)
        text_line.setPosition(QPointF(0, self._ascent - text_line.ascent()))
        layout.endLayout()
        return layout, shown

    def _draw_box(self, painter: QPainter, box: QRectF, clip_top: float) -> None:
        tokens, fonts = self._look.theme.tokens, self._look.theme.fonts
        painter.setPen(QPen(QColor(tokens.line)))
        painter.setBrush(QColor(tokens.code))
        painter.drawRoundedRect(box.adjusted(0.5, 0.5, -0.5, -0.5), RADIUS, RADIUS)
        head = QRectF(box.left(), box.top(), box.width(), self._head_height)
        if head.bottom() < clip_top:
            return
        path = QPainterPath()
        path.addRoundedRect(box.adjusted(1, 1, -1, -1), RADIUS - 1, RADIUS - 1)
        painter.save()
        painter.setClipRect(head, Qt.ClipOperation.IntersectClip)
        painter.fillPath(path, QColor(tokens.code_head))
        painter.restore()
        painter.setPen(QColor(tokens.secondary))
        painter.setFont(fonts.small)
        middle = Qt.AlignmentFlag.AlignVCenter
        name = head.adjusted(PADDING_X, 0, -self._copy_width - 8, 0)
        shortened = QFontMetricsF(fonts.small).elidedText(
            self._language or "text", Qt.TextElideMode.ElideRight, name.width()
        )
        painter.drawText(name, middle, shortened)
        icon = "check" if self._is_copied else "copy"
        scale = painter.device().devicePixelRatioF()
        side = self._look.theme.scaled(ICON_SIZE)
        pixmap = self._look.theme.icons.pixmap(icon, tokens.secondary, side, scale)
        painter.drawPixmap(
            QPointF(box.right() - self._copy_width + 8, head.top() + (self._head_height - side) / 2), pixmap
        )
        painter.drawText(
            head.adjusted(0, 0, -PADDING_X, 0),
            middle | Qt.AlignmentFlag.AlignRight,
            tr("Copied") if self._is_copied else tr("Copy"),
        )
