"""The losses of a run as a picture: an SVG drawn from its log."""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path

WIDTH, HEIGHT, MARGIN = 720, 400, 52
COLOURS = ("#2563eb", "#d97706", "#059669", "#7c3aed", "#dc2626")
Series = dict[str, list[tuple[float, float]]]


def read_series(log: Path) -> Series:
    """What was measured, by name, over millions of tokens."""
    series: Series = defaultdict(list)
    for line in log.read_text(encoding="utf-8").splitlines():
        record = json.loads(line)
        for name in ("held_out", "stories", "chats", "sums"):
            if name in record:
                series[name].append((record["tokens"] / 1e6, record[name]))
    return dict(series)


def draw(series: Series) -> str:
    """The curves as SVG; empty axes where there is nothing yet."""
    points = [point for each in series.values() for point in each]
    most_x = max((x for x, _ in points), default=0.0) or 1.0
    most_y = max((y for _, y in points), default=0.0) or 1.0
    plot_width, plot_height = WIDTH - 2 * MARGIN, HEIGHT - 2 * MARGIN

    def place(x: float, y: float) -> str:
        return f"{MARGIN + x / most_x * plot_width:.1f},{HEIGHT - MARGIN - y / most_y * plot_height:.1f}"

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        'font-family="sans-serif" font-size="12">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
        f'<path d="M{MARGIN} {MARGIN} V{HEIGHT - MARGIN} H{WIDTH - MARGIN}" fill="none" stroke="#666"/>',
        f'<text x="{WIDTH / 2}" y="{HEIGHT - 14}" text-anchor="middle">million tokens</text>',
        f'<text x="14" y="{MARGIN - 16}">loss in nats per token</text>',
    ]
    for share in (0.25, 0.5, 0.75, 1.0):
        x, y = place(most_x * share, 0).split(","), place(0, most_y * share).split(",")
        parts.append(
            f'<text x="{x[0]}" y="{HEIGHT - MARGIN + 16}" text-anchor="middle">{most_x * share:.1f}</text>'
        )
        parts.append(f'<text x="{MARGIN - 6}" y="{y[1]}" text-anchor="end">{most_y * share:.1f}</text>')
    for number, (name, curve) in enumerate(series.items()):
        colour = COLOURS[number % len(COLOURS)]
        line = " ".join(place(x, y) for x, y in curve)
        parts.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"/>')
        top = MARGIN + 16 * number
        parts.append(
            f'<text x="{WIDTH - MARGIN - 90}" y="{top}" fill="{colour}">{name.replace("_", " ")}</text>'
        )
    return "\n".join([*parts, "</svg>"]) + "\n"


def update(folder: Path) -> None:
    """Draw the picture of the run in `folder` anew."""
    (folder / "loss.svg").write_text(draw(read_series(folder / "log.jsonl")), encoding="utf-8")
