"""Pieces of a treemap have the areas that were asked for, fill the whole, and are nearly square."""

import random

import pytest

from app.workbench.treemap import Box, squarify


def overlap(one: Box, other: Box) -> float:
    width = min(one.x + one.width, other.x + other.width) - max(one.x, other.x)
    height = min(one.y + one.height, other.y + other.height) - max(one.y, other.y)
    return max(0.0, width) * max(0.0, height)


@pytest.mark.parametrize("seed", range(20))
def test_pieces_fill_the_whole_in_proportion_without_covering_each_other(seed: int) -> None:
    chance = random.Random(seed)
    amounts = [chance.choice([0, 1, 10, 1000]) * chance.random() for _ in range(chance.randint(1, 30))]
    amounts.append(1.0)
    whole = Box(3, 5, chance.uniform(10, 900), chance.uniform(10, 300))
    pieces = squarify(amounts, whole)
    area = whole.width * whole.height
    for amount, piece in zip(amounts, pieces, strict=True):
        assert piece.width * piece.height == pytest.approx(area * amount / sum(amounts), abs=1e-6 * area)
        assert piece.x >= whole.x - 1e-6
        assert piece.y >= whole.y - 1e-6
        assert piece.x + piece.width <= whole.x + whole.width + 1e-6
        assert piece.y + piece.height <= whole.y + whole.height + 1e-6
    covered = sum(overlap(a, b) for at, a in enumerate(pieces) for b in pieces[at + 1 :])
    assert covered < 1e-6 * area


def test_the_paper_s_example_has_the_paper_s_worst_ratio() -> None:
    # Bruls, Huizing, van Wijk, 2000, figure 4: six areas in 6 by 4; the first two share the left side
    pieces = squarify([6, 6, 4, 3, 2, 2, 1], Box(0, 0, 6, 4))
    assert pieces[0] == Box(0, 0, 3, 2)
    assert pieces[1] == Box(0, 2, 3, 2)
    assert max(max(p.width / p.height, p.height / p.width) for p in pieces) < 3


def test_nothing_in_nothing_is_nothing() -> None:
    assert squarify([], Box(0, 0, 5, 5)) == []
    assert squarify([0, 0], Box(1, 1, 5, 5)) == [Box(1, 1, 0, 0)] * 2
    assert squarify([1], Box(0, 0, 0, 5)) == [Box(0, 0, 0, 0)]
