"""How many tokens the sequences of a step guess: measured, for one sequence and for several apart.

A sequence that has the model for itself asks its own governor, which begins with what the last one's found:
an answer of fifty tokens is too short to try everything. Several share one for their number, and what
counts is the tokens of all: with each for itself every one of them would gain by slowing the others down.
"""

import time
from collections.abc import Callable

from engine.generation.drafting import Drafting
from engine.generation.governor import Governor


class DraftDepth:
    """Chooses a depth before a step and measures what it brought."""

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        """Nothing is measured yet."""
        self._clock = clock
        self._shared: dict[tuple[int, int | None], Governor] = {}  # by number of sequences and fixed depth
        self._governor: Governor | None = None  # of the round that goes on
        self._before: Governor | None = None  # of the last sequence that had the model for itself
        self._drafting: list[Drafting] = []  # of this step
        self._guesses_before: list[tuple[int, int]] = []  # drafted and accepted by each, before this step
        self._depth = self._num_tokens = 0
        self._outcomes: list[tuple[int, int]] = []  # guesses of a sequence in a step, and how many stayed
        self._seconds = self._again_s = self._started_s = 0.0
        self.is_asleep = False  # nobody guesses in this step, and nothing is measured: it needs no end

    def begin(self, drafting: list[Drafting]) -> int:
        """Guesses for each of these sequences; a step is about to begin."""
        governor = self._governor_of(drafting)
        # Else a near tie was left undecided, and this step is about it.
        is_new = governor is not self._governor
        self.is_asleep = is_new and all(one.is_resting for one in drafting) and governor.sleep()
        if self.is_asleep:
            return 0
        self._started_s = self._clock()
        self._drafting = drafting
        self._guesses_before = [(one.num_drafted, one.num_accepted) for one in drafting]
        if is_new:
            self._governor, self._depth = governor, governor.next_depth()
            self._num_tokens, self._outcomes, self._seconds, self._again_s = 0, [], 0.0, 0.0
            for one in drafting:
                one.rest(governor.is_resting)
        return self._depth

    def end(self, num_tokens: int, *, is_undecided: bool) -> None:
        """The step brought so many tokens; undecided, the next one of a sequence alone belongs to it."""
        took = self._clock() - self._started_s
        if self._outcomes:
            self._again_s += took
        self._seconds += took
        self._num_tokens += num_tokens
        for one, (drafted, accepted) in zip(self._drafting, self._guesses_before, strict=True):
            self._outcomes.append((one.num_drafted - drafted, one.num_accepted - accepted))
        if self._governor is None or (is_undecided and len(self._drafting) == 1):
            return
        if self._num_tokens:  # else the step was cancelled, or found no room
            self._governor.record(
                self._depth,
                self._num_tokens,
                self._seconds,
                num_guesses=sum(guesses for guesses, _ in self._outcomes),
                outcomes=self._outcomes,
                again_s=self._again_s,
            )
        self._governor = None

    def _governor_of(self, drafting: list[Drafting]) -> Governor:
        own = drafting[0].governor
        if len(drafting) == 1:
            if self._before is not None and own is not self._before:
                own.begin_from(self._before)
            self._before = own
            return own
        return self._shared.setdefault((len(drafting), own.fixed), Governor(fixed=own.fixed))
