"""The choice of a type per group that does the least damage within a number of bytes: exactly the least.

A multiple-choice knapsack: from each group one of its options, damages and sizes add up. Solved by keeping,
group by group, every total that no other one beats in both size and damage (the Pareto frontier), which loses
no optimum (Nemhauser and Ullmann 1969; Kellerer, Pferschy, Pisinger: Knapsack Problems, 2004, chapter 11).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Option:
    """One type for one group."""

    type: str
    size_bytes: int
    damage: float  # what it adds to the divergence


@dataclass(frozen=True, slots=True)
class Choice:
    """What was chosen: an option per group, in the order of the groups."""

    options: tuple[Option, ...]

    @property
    def size_bytes(self) -> int:
        """All groups together."""
        return sum(option.size_bytes for option in self.options)

    @property
    def damage(self) -> float:
        """The predicted divergence: damages added up."""
        return sum(option.damage for option in self.options)


@dataclass(frozen=True, slots=True)
class _Frontier:
    """Totals that nothing beats, by growing size; each knows the total it came from and the option taken."""

    sizes: NDArray[np.int64]
    damages: NDArray[np.float64]
    parents: NDArray[np.int64]
    taken: NDArray[np.int64]


def solve(groups: Sequence[Sequence[Option]], budget_bytes: int) -> Choice | None:
    """The choice of least damage whose size is at most the budget; None where even the smallest is larger.

    Among equal damages the smaller size wins.
    """
    least_left = np.cumsum([0, *(min(o.size_bytes for o in options) for options in reversed(groups))])[::-1]
    start = _Frontier(np.zeros(1, np.int64), np.zeros(1), np.zeros(1, np.int64), np.zeros(1, np.int64))
    stages = [start]
    for index, options in enumerate(groups):
        frontier = _extend(stages[-1], options, budget_bytes - int(least_left[index + 1]))
        if not len(frontier.sizes):
            return None
        stages.append(frontier)
    return Choice(tuple(_trace(stages, groups)))


def _extend(frontier: _Frontier, options: Sequence[Option], budget_bytes: int) -> _Frontier:
    """Every total with every option, without those over the budget and those that another one beats."""
    count = len(frontier.sizes)
    sizes = np.concatenate([frontier.sizes + option.size_bytes for option in options])
    damages = np.concatenate([frontier.damages + option.damage for option in options])
    parents = np.tile(np.arange(count), len(options))
    taken = np.repeat(np.arange(len(options)), count)
    order = np.lexsort((damages, sizes))
    order = order[sizes[order] <= budget_bytes]
    sizes, damages, parents, taken = sizes[order], damages[order], parents[order], taken[order]
    best_before = np.concatenate([[np.inf], np.minimum.accumulate(damages)[:-1]])
    kept = damages < best_before
    return _Frontier(sizes[kept], damages[kept], parents[kept], taken[kept])


def _trace(stages: Sequence[_Frontier], groups: Sequence[Sequence[Option]]) -> list[Option]:
    """The options behind the least damage: the last total of the last frontier."""
    chosen = []
    place = len(stages[-1].sizes) - 1
    for frontier, options in zip(reversed(stages[1:]), reversed(groups), strict=True):
        chosen.append(options[frontier.taken[place]])
        place = int(frontier.parents[place])
    return chosen[::-1]
