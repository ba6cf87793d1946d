"""What a plot is."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Plot:
    """One plot: its text, and the words its `{thing}` may be; `things` is empty where it has none."""

    text: str
    things: tuple[str, ...] = ()
    thing_is_hero: bool = False  # {hero} is the thing itself: "There was once a little boat."
