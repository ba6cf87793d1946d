"""Quality cards as a picture: SVG, written by hand so that no window system is needed.

Each card is a block of lines; several cards that were measured against a reference are also drawn as points,
size across and damage upwards, both logarithmic, since quantizations differ by factors.
"""

import math
from collections.abc import Sequence
from html import escape
from pathlib import Path

from engine.contract.jobs import QualityCard
from engine.library.card_rows import card_rows

WIDTH, MARGIN, LINE = 760, 28, 22
PLOT_HEIGHT = 260
NAME_WIDTH = 150
LEAST_DIVERGENCE = 1e-6  # nats; a model against itself would be at minus infinity
STYLE = (
    "text{font:14px sans-serif;fill:#1d1d1f}.title{font-weight:600;font-size:17px}"
    ".name{fill:#6b6b70}.axis{stroke:#b8b8bd}.point{fill:#2f6fdb}.note{font-size:12px;fill:#6b6b70}"
)


def draw_cards(cards: Sequence[QualityCard]) -> str:
    """The picture of one or more cards."""
    top, parts = MARGIN, list[str]()
    for card in cards:
        top += LINE
        parts.append(_text(MARGIN, top, Path(card.model).name, "title"))
        for name, value in card_rows(card):
            top += LINE
            parts.append(_text(MARGIN, top, name, "name"))
            parts.append(_text(MARGIN + NAME_WIDTH, top, value))
        top += LINE
    measured = [card for card in cards if card.divergence is not None]
    if len(measured) > 1:
        parts.append(_plot(measured, top + LINE))
        top += PLOT_HEIGHT + 3 * LINE
    height = top + MARGIN
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" '
        f'viewBox="0 0 {WIDTH} {height}"><style>{STYLE}</style>'
        f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>{"".join(parts)}</svg>\n'
    )


def _plot(cards: Sequence[QualityCard], top: int) -> str:
    """One point per card with its name, on two axes."""
    sizes = [math.log(max(1, card.size_bytes)) for card in cards]
    damages = [math.log(_divergence(card)) for card in cards]
    left, right, bottom = MARGIN + 20, WIDTH - MARGIN - 150, top + PLOT_HEIGHT
    parts = [
        f'<path class="axis" fill="none" d="M{left} {top}V{bottom}H{right}"/>',
        _text(left, bottom + LINE, "size →", "note"),
        _text(left + 6, top + 4, "KL divergence ↑", "note"),
    ]
    for card, size, damage in zip(cards, sizes, damages, strict=True):
        x = left + 20 + _share(size, sizes) * (right - left - 40)
        y = bottom - 20 - _share(damage, damages) * (PLOT_HEIGHT - 50)
        label = f"{Path(card.model).stem}: {card.size_bytes / 2**20:,.1f} MiB, {_divergence(card):.4f}"
        parts.append(f'<circle class="point" cx="{x:.1f}" cy="{y:.1f}" r="4"/>')
        parts.append(_text(round(x) + 8, round(y) + 4, label, "note"))
    return "".join(parts)


def _divergence(card: QualityCard) -> float:
    assert card.divergence is not None
    return max(LEAST_DIVERGENCE, card.divergence.mean.value)


def _share(value: float, values: Sequence[float]) -> float:
    """Where a value is between the least and the largest, 0 to 1."""
    least, most = min(values), max(values)
    return (value - least) / (most - least) if most > least else 0.5


def _text(x: int, y: int, text: str, kind: str = "") -> str:
    marked = f' class="{kind}"' if kind else ""
    return f'<text x="{x}" y="{y}"{marked}>{escape(text)}</text>'
