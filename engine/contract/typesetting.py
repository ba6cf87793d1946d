"""What the window and the child that typesets mathematics say to each other: one JSON object per line.

An empty line asks whether the child is ready, and is answered by a Typeset of nothing.
"""

import msgspec


class TypesetRequest(msgspec.Struct, frozen=True, kw_only=True):
    """One formula, written in TeX without the marks around it."""

    id: int
    tex: str
    size_px: float  # of the text around it
    colour: str  # "#rrggbb"
    display: bool  # on lines of its own, not within a line of text


class Typeset(msgspec.Struct, frozen=True, kw_only=True):
    """A formula as a drawing, or why there is none; lengths in pixels."""

    id: int = 0
    svg: str = ""  # within SVG Tiny 1.2, which is what Qt draws
    width: float = 0.0
    height: float = 0.0
    baseline: float = 0.0  # from the drawing's lower edge up to the baseline
    error: str = ""
