"""The choice within a budget, against trying every combination."""

import itertools
import random

import pytest

from engine.quantization.solver import Option, solve


def every_choice(groups: list[list[Option]], budget: int) -> float | None:
    """The least damage by trying everything."""
    fitting = (
        sum(option.damage for option in options)
        for options in itertools.product(*groups)
        if sum(option.size_bytes for option in options) <= budget
    )
    return min(fitting, default=None)


@pytest.mark.parametrize("seed", range(40))
def test_no_combination_is_better(seed: int) -> None:
    draw = random.Random(seed)
    groups = [
        [Option(f"T{index}", draw.randint(1, 60), draw.random()) for index in range(draw.randint(1, 5))]
        for _ in range(draw.randint(1, 6))
    ]
    for budget in (5, 40, 90, 150, 400):
        chosen, best = solve(groups, budget), every_choice(groups, budget)
        if best is None:
            assert chosen is None
        else:
            assert chosen is not None
            assert chosen.damage == pytest.approx(best)
            assert chosen.size_bytes <= budget
            assert all(option in group for option, group in zip(chosen.options, groups, strict=True))


def test_among_equal_damages_the_smaller_wins() -> None:
    groups = [[Option("large", 10, 0.5), Option("small", 4, 0.5)]]
    chosen = solve(groups, 100)
    assert chosen is not None
    assert chosen.options[0].type == "small"


def test_forty_groups_of_ten_types_are_solved() -> None:
    draw = random.Random(0)
    groups = [
        [Option(f"T{bits}", bits * size, 2.0**-bits * draw.uniform(0.2, 5)) for bits in range(1, 11)]
        for size in (draw.randint(100, 2000) for _ in range(40))
    ]
    budget = sum(group[4].size_bytes for group in groups)
    chosen = solve(groups, budget)
    assert chosen is not None
    assert chosen.size_bytes <= budget
    assert chosen.damage < sum(group[4].damage for group in groups)
