"""The search: coordinate descent in which settings are compared in turns, and hopeless ones dropped early.

A machine's speed wanders by more than settings differ, so figures of different minutes are never compared.
Every challenger is measured beside the best setting so far, and what counts is the median of their ratios.
In a pass every option of every axis runs one round; those that did not lose it go on (as in successive
halving, Jamieson and Talwalkar 2016) into duels, the most promising first, so that much is found even where
time is short. At last the winner has to beat the setting that it began with, or that one stays.

Knows nothing of hosts and models: `measure` is given settings and answers figures.
"""

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import zip_longest
from typing import Any

from engine.contract.errors import EngineError
from engine.contract.params import LoadParams
from engine.contract.tuned import Trial
from engine.contract.tuning_messages import TuningAxis
from engine.tuning.space import LEAST_GAIN, Axis
from engine.tuning.trial import median_trial

PROMISING = 1.03  # times as slow in one round: beyond it no further one is run
SCREENING_SHARE = 0.6  # of a pass: then the duels begin with what has been seen
LEAST_ROUNDS, MOST_ROUNDS = 3, 5
FINAL_ROUNDS = 7
FINAL_SHARE_AGAINST = 1 / 3  # of its rounds that may speak for the start
MOST_PASSES = 3  # over all axes; later ones run only what has not lost a duel yet
FINAL_SHARE = 0.2  # of the time, kept for the last comparison


# settings, the number of the trial, and the settings that should stay ready beside them
Measure = Callable[[LoadParams, int, LoadParams], Trial]


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What the search has just learned; for people who wait."""

    load: LoadParams
    axis: TuningAxis
    share: float  # of the time that has passed, 0 to 1
    gain: float | None  # against the best so far: 0.1 is a tenth less time; None where it did not load
    is_best: bool = False
    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """How a search ended."""

    best: LoadParams
    start: LoadParams
    gain: float  # of time against the start, 0 where the start stays
    trials: Mapping[LoadParams, Trial]  # medians
    refused: Mapping[LoadParams, str]  # what did not load, and why


@dataclass(frozen=True, slots=True)
class _Rival:
    """How an option did in its first round."""

    ratio: float  # of times, below 1 where it was faster
    axis: Axis
    option: Mapping[str, object]


@dataclass(slots=True)
class Search:
    """One search; `clock` is in seconds."""

    measure: Measure
    seconds: float
    tell: Callable[[Step], None] = lambda _step: None
    clock: Callable[[], float] = time.monotonic
    _began: float = 0.0
    _best: LoadParams = field(default_factory=LoadParams)
    _number: int = 0
    _trials: dict[LoadParams, list[Trial]] = field(default_factory=dict)
    _refused: dict[LoadParams, str] = field(default_factory=dict)
    _lost: set[tuple[LoadParams, LoadParams]] = field(default_factory=set)

    def run(self, start: LoadParams, axes: Sequence[Axis]) -> Found:
        """Search from a setting on; raises the EngineError with which that one itself does not run."""
        self._began, self._best = self.clock(), start
        self._try(start)
        for _ in range(MOST_PASSES):
            self._pass(axes)
        gain = self._final(start) if self._best != start else 0.0
        if gain < LEAST_GAIN:
            self._best, gain = start, 0.0
        trials = {load: median_trial(trials) for load, trials in self._trials.items()}
        return Found(best=self._best, start=start, gain=gain, trials=trials, refused=self._refused)

    @property
    def _passed(self) -> float:
        return (self.clock() - self._began) / self.seconds

    def _pass(self, axes: Sequence[Axis]) -> None:
        """One round of every option, then duels of those that did well, the most promising first."""
        began_with = self._best
        rivals = sorted(self._screen(axes), key=lambda rival: rival.ratio)
        decided: set[str] = set()
        for rival in rivals:
            if rival.ratio >= PROMISING or rival.axis.name in decided:
                continue
            challenger = _changed(self._best, rival.option)
            first = [rival.ratio] if self._best == began_with else []
            gain = self._duel(challenger, first, rival.axis.least_gain)
            self._lost.add((challenger, self._best))
            if gain is not None and gain >= rival.axis.least_gain:
                decided.add(rival.axis.name)
                self._lost.add((self._best, challenger))
                self._best = challenger
                self._say(challenger, rival.axis, gain, is_best=True)

    def _screen(self, axes: Sequence[Axis]) -> list["_Rival"]:
        """One round of every option against the best; each axis has had one before any has its second."""
        found: list[_Rival] = []
        ends_at = self._passed + SCREENING_SHARE * (1 - FINAL_SHARE - self._passed)
        turns = zip_longest(*([(axis, option) for option in axis.options] for axis in axes))
        for axis, option in (one for turn in turns for one in turn if one is not None):
            challenger = _changed(self._best, option)
            if challenger in self._refused or (challenger, self._best) in self._lost:
                continue
            if challenger == self._best or self._passed >= ends_at:
                continue
            ratio = self._round(challenger)
            if ratio is None:
                self._say(challenger, axis, None, problem=self._refused[challenger])
            else:
                found.append(_Rival(ratio, axis, option))
                self._say(challenger, axis, 1 - ratio)
        return found

    def _duel(self, challenger: LoadParams, ratios: list[float], least_gain: float) -> float | None:
        """The gain of a challenger over the best, after as many rounds as the answer needs."""
        while len(ratios) < MOST_ROUNDS and self._passed < 1 - FINAL_SHARE:
            ratio = self._round(challenger)
            if ratio is None:
                return None
            ratios.append(ratio)
            gain = 1 - statistics.median(ratios)
            is_clear = gain < 0 or gain > 2 * least_gain
            if min(ratios) > 1 or (len(ratios) >= LEAST_ROUNDS and is_clear):
                break
        # with fewer rounds than these nothing was shown
        return 1 - statistics.median(ratios) if len(ratios) >= LEAST_ROUNDS else None

    def _final(self, start: LoadParams) -> float:
        """The gain of the best over the start, measured once more in turns, over the time if need be."""
        ratios: list[float] = []
        while len(ratios) < FINAL_ROUNDS and (len(ratios) < LEAST_ROUNDS or self._passed < 1):
            ratio = self._round(start)
            if ratio is None:
                break
            ratios.append(1 / ratio)
        against = sum(1 for ratio in ratios if ratio >= 1)
        if len(ratios) < LEAST_ROUNDS or against >= FINAL_SHARE_AGAINST * len(ratios):
            return 0.0
        return 1 - statistics.median(ratios)

    def _round(self, challenger: LoadParams) -> float | None:
        """The challenger's time over that of the best, one after the other; None where it does not run.

        Who goes first changes from round to round: a machine that grows warm slows the second one down.
        """
        self._number += 1
        best = self._best
        try:
            if self._number % 2:
                ours, theirs = self._try(best), self._try(challenger)
            else:
                theirs, ours = self._try(challenger), self._try(best)
        except EngineError as error:
            self._refused[challenger] = str(error)
            return None
        return theirs.exchange_s / ours.exchange_s

    def _try(self, load: LoadParams) -> Trial:
        trial = self.measure(load, self._number, self._best)
        self._trials.setdefault(load, []).append(trial)
        return trial

    def _say(
        self,
        load: LoadParams,
        axis: Axis,
        gain: float | None,
        *,
        is_best: bool = False,
        problem: str = "",
    ) -> None:
        share = min(1.0, self._passed)
        self.tell(Step(load=load, axis=axis.name, share=share, gain=gain, is_best=is_best, problem=problem))


def _changed(load: LoadParams, option: Mapping[str, object]) -> LoadParams:
    changes: dict[str, Any] = dict(option)
    return replace(load, **changes)
