"""A treemap: a rectangle cut into pieces whose areas are as given, each as near a square as it can be.

Squarified treemaps (Bruls, Huizing, van Wijk, 2000): rows are filled along the shorter side as long as that
makes the worst piece of the row better.
"""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle, in whatever unit the caller measures."""

    x: float
    y: float
    width: float
    height: float

    def shrunk(self, margin: float, top: float = 0.0) -> "Box":
        """What is left inside a margin, and below a strip at the top."""
        return Box(
            self.x + margin,
            self.y + margin + top,
            max(0.0, self.width - 2 * margin),
            max(0.0, self.height - 2 * margin - top),
        )


def squarify(amounts: Sequence[float], within: Box) -> list[Box]:
    """A piece for each amount, in the order given; amounts of nothing get a piece of nothing.

    Pieces are placed the largest first, from the left and the top.
    """
    total = sum(amounts)
    if total <= 0 or within.width <= 0 or within.height <= 0:
        return [Box(within.x, within.y, 0.0, 0.0) for _ in amounts]
    scale = within.width * within.height / total
    order = sorted(range(len(amounts)), key=lambda at: -amounts[at])
    pieces: dict[int, Box] = {}
    left, row = within, list[int]()
    for at in order:
        side = min(left.width, left.height)
        areas = [amounts[number] * scale for number in row]
        if row and _worst([*areas, amounts[at] * scale], side) > _worst(areas, side):
            left = _place(row, areas, left, pieces)
            row = []
        row.append(at)
    _place(row, [amounts[number] * scale for number in row], left, pieces)
    return [pieces[at] for at in range(len(amounts))]


def _worst(areas: Sequence[float], side: float) -> float:
    """The largest ratio of the sides of a row's pieces."""
    thickness = sum(areas) / side if side > 0 else 0.0
    lengths = [area / thickness for area in areas if area > 0] if thickness > 0 else []
    return max((max(thickness / length, length / thickness) for length in lengths), default=float("inf"))


def _place(row: Sequence[int], areas: Sequence[float], left: Box, pieces: dict[int, Box]) -> Box:
    """Lay a row along the shorter side; returns what is left beside it."""
    is_wide = left.width >= left.height
    side = left.height if is_wide else left.width
    thickness = sum(areas) / side if side > 0 else 0.0
    offset = 0.0
    for at, area in zip(row, areas, strict=True):
        length = area / thickness if thickness > 0 else 0.0
        if is_wide:
            pieces[at] = Box(left.x, left.y + offset, thickness, length)
        else:
            pieces[at] = Box(left.x + offset, left.y, length, thickness)
        offset += length
    if is_wide:
        return Box(left.x + thickness, left.y, max(0.0, left.width - thickness), left.height)
    return Box(left.x, left.y + thickness, left.width, max(0.0, left.height - thickness))
