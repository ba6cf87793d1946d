"""A paragraph or a heading, laid out."""

from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QPainter

from app.chat_view.block_layout import BlockLayout
from app.chat_view.blocks import Content, Prose
from app.chat_view.inline_layout import InlineLayout
from app.chat_view.inline_text import Link
from app.chat_view.look import Look, Marks


class ProseLayout(BlockLayout):
    """One inline text in the body font, or in that of its heading."""

    def __init__(self, look: Look, level: int, colour: str) -> None:
        fonts = look.theme.fonts
        self._colour = colour
        self._lines = InlineLayout(look, fonts.headings[level - 1] if level else fonts.body, colour=colour)

    @property
    def height(self) -> float:
        """All lines."""
        return self._lines.height

    @property
    def text(self) -> str:
        """As it is read."""
        return self._lines.inline.text

    @property
    def changed_from(self) -> float:
        """The first line that is new."""
        return self._lines.changed_from

    @property
    def natural_width(self) -> float:
        """The longest line."""
        return self._lines.natural_width

    def lay_out(self, content: Content, width: float) -> None:
        """Lay the paragraph out; text that was appended costs only what is new."""
        assert isinstance(content, Prose)
        self._lines.lay_out(content.inline, width)

    def draw(self, painter: QPainter, origin: QPointF, clip: tuple[float, float], marks: Marks) -> None:
        """Draw the lines in sight."""
        self._lines.draw(painter, origin, clip, marks, self._colour)

    def position_at(self, x: float, y: float) -> int:
        """The character nearest to a point."""
        return self._lines.position_at(x, y)

    def word_at(self, position: int) -> tuple[int, int]:
        """The word around a position."""
        return self._lines.word_at(position)

    def caret(self, position: int) -> QRectF:
        """Where a position is."""
        return self._lines.caret(position)

    @property
    def links(self) -> list[Link]:
        """Those of the paragraph."""
        return self._lines.links

    def link_at(self, x: float, y: float) -> Link | None:
        """The link at a point."""
        return self._lines.link_at(x, y)

    def place(self, position: int, *, is_end: bool) -> int | None:
        """Where in the source a position is."""
        return self._lines.inline.place(position, is_end=is_end)

    def positions(self, start: int, end: int) -> tuple[int, int]:
        """The characters between two places of the source."""
        return self._lines.inline.positions(start, end)
