"""What a message consists of: blocks, one below the other, each with the place where it was written.

Lists and quotes are no blocks but containers: a list item is as many blocks as it has paragraphs, code and
tables, each of which knows what it stands in. So every block can be laid out, painted and kept by itself.
"""

from dataclasses import dataclass
from typing import Literal

from app.chat_view.inline_text import InlineText

Alignment = Literal["", "left", "center", "right"]


@dataclass(frozen=True, slots=True)
class Container:
    """A quote, a list item or a footnote around a block; `place` tells neighbours apart."""

    kind: Literal["quote", "bullet", "ordered", "footnote"]
    place: int  # where the quote or list begins
    item: int = 0  # where the item begins


@dataclass(frozen=True, slots=True)
class Marker:
    """What stands before a list item: a bullet, "3." or a box. `depth` counts containers down to its list."""

    depth: int
    text: str


@dataclass(frozen=True, slots=True)
class Prose:
    """A paragraph, or a heading of a level from 1 to 6."""

    inline: InlineText
    level: int = 0


@dataclass(frozen=True, slots=True)
class Code:
    """Lines of code; `place` is where they begin, or -1 where the source has something between them."""

    text: str
    language: str = ""
    place: int = -1
    is_closed: bool = True


@dataclass(frozen=True, slots=True)
class LongText:
    """Text that is too long for anything but lines of equal width; see `LONGEST` of the splitter."""

    text: str
    place: int = 0


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of cells; the first row is the head."""

    rows: tuple[tuple[InlineText, ...], ...]
    alignments: tuple[Alignment, ...]


@dataclass(frozen=True, slots=True)
class Mathematics:
    """A formula on a line of its own."""

    tex: str
    place: int = 0


@dataclass(frozen=True, slots=True)
class Picture:
    """An image on a line of its own."""

    source: str
    alt: str


@dataclass(frozen=True, slots=True)
class Rule:
    """A line across."""


Content = Prose | Code | LongText | Table | Mathematics | Picture | Rule


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """One block of a message; `start` and `end` bound its source, marks and line ends included."""

    content: Content
    start: int
    end: int
    containers: tuple[Container, ...] = ()
    markers: tuple[Marker, ...] = ()  # of the list items that begin here
    is_tight: bool = False  # no empty line above it
    is_part: bool = False  # one of several that a single paragraph was divided into
