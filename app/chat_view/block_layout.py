"""What every laid-out block can do, whatever it shows."""

from abc import ABC, abstractmethod
from collections.abc import Sequence

from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QPainter

from app.chat_view.blocks import Content
from app.chat_view.inline_text import Link
from app.chat_view.look import Marks
from app.chat_view.sideways import BAR_SPACE, Sideways


class BlockLayout(ABC):
    """Points are relative to the block's top left corner; positions count the characters of its text."""

    @property
    @abstractmethod
    def height(self) -> float:
        """How high the block is at its width."""

    @property
    @abstractmethod
    def text(self) -> str:
        """Its characters, as someone reads them."""

    @abstractmethod
    def lay_out(self, content: Content, width: float) -> None:
        """Take another content of the same kind, or another width; what did not change costs nothing."""

    @abstractmethod
    def draw(self, painter: QPainter, origin: QPointF, clip: tuple[float, float], marks: Marks) -> None:
        """Draw what lies between two y coordinates of the painter."""

    @property
    def natural_width(self) -> float:
        """How wide the block would like to be."""
        return 0.0

    @property
    def changed_from(self) -> float:
        """Above this height nothing looks different since the last content was taken."""
        return 0.0

    @property
    def is_unfinished(self) -> bool:
        """Whether there is something left for `advance`."""
        return False

    def advance(self) -> None:
        """Do a little of what can wait until nothing else is to do."""

    def position_at(self, x: float, y: float) -> int:
        """The position nearest to a point."""
        return 0 if y < self.height / 2 else len(self.text)

    def word_at(self, position: int) -> tuple[int, int]:
        """The word around a position."""
        return 0, len(self.text)

    def caret(self, position: int) -> QRectF:
        """Where a position is."""
        return QRectF(0, 0, 0, self.height)

    @property
    def links(self) -> Sequence[Link]:
        """Its links that may be opened, in the block's own positions."""
        return ()

    def link_at(self, x: float, y: float) -> Link | None:
        """The link at a point."""
        return None

    def place(self, position: int, *, is_end: bool) -> int | None:
        """Where in the source a selection starts or ends; None where only all of the block can be copied."""
        return None

    def positions(self, start: int, end: int) -> tuple[int, int]:
        """The characters between two places of the source; an empty pair where there are none."""
        return 0, 0

    # what only some blocks have

    def is_copy_button_at(self, x: float, y: float) -> bool:
        """Whether a point is on the block's button that copies all of it."""
        return False

    def show_copied(self, *, is_copied: bool) -> None:
        """Say on that button that it has done so."""

    @property
    def sideways(self) -> Sideways | None:
        """How far what may be wider than the block is moved."""
        return None

    def scroll_sideways(self, pixels: float) -> bool:
        """Move what is wider than the block; False where nothing moves."""
        return self.sideways is not None and self.sideways.move(pixels)

    def is_bar_at(self, x: float, y: float) -> bool:
        """Whether a point is on the bar that shows how far it is moved, or beside it on its way."""
        needed = self.sideways is not None and self.sideways.is_needed
        return needed and x >= 0 and self.height - BAR_SPACE <= y < self.height
