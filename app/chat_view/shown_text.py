"""Positions as Qt counts them beside positions as we count them.

Qt counts UTF-16 units, we count characters; and a formula that is painted is one character for Qt, whatever
the length of its source.
"""

import re
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

PLACEHOLDER = "\u00a0"  # stands for a formula; spread to its width
_BEYOND_16_BITS = re.compile("[\U00010000-\U0010ffff]+")


@dataclass(frozen=True, slots=True)
class _Stretch:
    position: int
    shown: int
    units: int  # Qt's per character of ours; 0 for a formula, which is one of Qt's altogether


class ShownText:
    """A text as Qt gets it, with some stretches replaced by a placeholder."""

    def __init__(self, text: str, replaced: Sequence[tuple[int, int]] = ()) -> None:
        self._length = len(text)
        if not replaced and (text.isascii() or not _BEYOND_16_BITS.search(text)):
            self.text = text
            self.length = len(text)
            self._stretches: list[_Stretch] = []
            return
        parts: list[str] = []
        self._stretches = []
        self.length = 0  # in UTF-16 units
        last = 0
        for start, end in [*replaced, (len(text), len(text))]:
            self._append(text, last, start, parts)
            if end > start:
                self._stretches.append(_Stretch(start, self.length, 0))
                parts.append(PLACEHOLDER)
                self.length += 1
            last = end
        self.text = "".join(parts)

    def shown(self, position: int) -> int:
        """Qt's position for one of ours."""
        if not self._stretches:
            return position
        if position >= self._length:
            return self.length
        stretch = self._stretches[
            max(bisect_right(self._stretches, position, key=lambda stretch: stretch.position) - 1, 0)
        ]
        return stretch.shown + (position - stretch.position) * stretch.units

    def position(self, shown: int) -> int:
        """Our position for one of Qt's."""
        if not self._stretches:
            return shown
        if shown >= self.length:
            return self._length
        stretch = self._stretches[
            max(bisect_right(self._stretches, shown, key=lambda stretch: stretch.shown) - 1, 0)
        ]
        return stretch.position + ((shown - stretch.shown) // stretch.units if stretch.units else 0)

    def _append(self, text: str, start: int, end: int, parts: list[str]) -> None:
        """Take a stretch that is shown as it is."""
        if start == end:
            return
        parts.append(text[start:end])
        last = start
        for run_start, run_end in _spans(_BEYOND_16_BITS.finditer(text, start, end)):
            if run_start > last:
                self._stretches.append(_Stretch(last, self.length, 1))
                self.length += run_start - last
            self._stretches.append(_Stretch(run_start, self.length, 2))
            self.length += 2 * (run_end - run_start)
            last = run_end
        if last < end:
            self._stretches.append(_Stretch(last, self.length, 1))
            self.length += end - last


def _spans(matches: Iterable["re.Match[str]"]) -> list[tuple[int, int]]:
    return [match.span() for match in matches]
