"""Whether drafting pays here, and how deep: measured on the conversation that runs, not assumed.

Checking two tokens at once costs 1.1 to 1.5 steps with experts on a CPU, so drafts that are often refused
make an answer slower. Tokens per second are counted for each depth, old rounds fading; plain steps and the
depths next to the best are tried again from time to time, more seldom while that changes nothing.
"""

from dataclasses import dataclass

MAX_DEPTH = 4
TRIALS = 4  # rounds before a depth is judged
FIRST_PATIENCE, MOST_PATIENCE = 48, 768  # rounds of the best depth before another is tried again
FADING = 0.95  # what a round counts for after the next one of its depth
WORTH_IT = 1.02  # how much faster than plain steps drafting has to be


@dataclass(slots=True)
class _Depth:
    """What was measured of one depth."""

    rounds: int = 0
    tokens: float = 0.0
    seconds: float = 0.0

    @property
    def speed(self) -> float:
        """Tokens per second."""
        return self.tokens / self.seconds if self.seconds else 0.0


class Governor:
    """Chooses how many tokens to draft in each round."""

    def __init__(self, max_depth: int = MAX_DEPTH, *, fixed: int | None = None) -> None:
        """`fixed` takes one depth whatever is measured; a `max_depth` of 0 never drafts."""
        self._fixed, self._max_depth = fixed, max_depth
        self._depths = [_Depth() for _ in range(max(max_depth, fixed or 0) + 1)]
        self._since_trial = 0
        self._patience, self._settled = FIRST_PATIENCE, -1
        self._trial = 0  # the depth that is being tried again
        self._trial_rounds = 0  # rounds of it that are left
        self._last = 0  # depth of the round before

    @property
    def may_draft(self) -> bool:
        """Whether a drafter has to be kept up to date: drafting may begin or begin again."""
        return bool(self._fixed if self._fixed is not None else self._max_depth)

    def next_depth(self) -> int:
        """How many tokens to draft in the next round."""
        if self._fixed is not None:
            return self._fixed
        untried = next((n for n, depth in enumerate(self._depths) if depth.rounds < TRIALS), None)
        if untried is not None and self._is_promising(untried):
            return untried
        if self._trial_rounds:
            return self._trial
        best = self._best()
        if self._since_trial >= self._patience:
            self._since_trial, self._trial_rounds = 0, TRIALS - 1
            same, self._settled = best == self._settled, best
            self._patience = min(2 * self._patience, MOST_PATIENCE) if same else FIRST_PATIENCE
            around = [n for n in (0, best - 1, best + 1) if 0 <= n <= self._max_depth and n != best]
            self._trial = min(around, key=lambda n: self._depths[n].rounds, default=best)
            return self._trial
        return best

    def record(self, depth: int, num_tokens: int, seconds: float) -> None:
        """A round at this depth gave so many tokens in so much time."""
        changed, self._last = depth != self._last, depth
        if changed:  # a drafter has to catch up first: that says nothing of this depth
            return
        measured = self._depths[min(depth, len(self._depths) - 1)]
        measured.rounds += 1
        measured.tokens = FADING * measured.tokens + num_tokens
        measured.seconds = FADING * measured.seconds + seconds
        if self._trial_rounds and depth == self._trial:
            self._trial_rounds -= 1
        else:
            self._since_trial += 1

    @property
    def gain(self) -> float | None:
        """Speed of the best drafting over that of plain steps; None before both were measured."""
        plain = self._depths[0]
        drafted = [depth.speed for depth in self._depths[1:] if depth.rounds >= TRIALS]
        return max(drafted) / plain.speed if drafted and plain.rounds >= TRIALS else None

    def describe(self) -> str:
        """What a person wants to know of it."""
        if self._fixed is not None:
            return f"drafting {self._fixed} tokens, as asked" if self._fixed else "off, as asked"
        gain = self.gain
        if gain is None:
            return "measuring whether drafting pays" if self._max_depth else "off: nothing here drafts"
        percent = round(100 * (gain - 1))
        if self._best():
            return f"drafting +{percent} % here"
        return f"off: {-percent} % slower here" if percent < 0 else "off: no faster here"

    def _is_promising(self, untried: int) -> bool:
        """Plain steps and one draft are always tried; a depth more where the last one more was a gain."""
        return untried <= 1 or self._depths[untried - 1].speed > self._depths[untried - 2].speed

    def _best(self) -> int:
        """The fastest depth, plain steps where drafting is not clearly faster."""
        tried = [n for n, depth in enumerate(self._depths) if depth.rounds >= TRIALS]
        best = max(tried, key=lambda n: self._depths[n].speed, default=0)
        return best if self._depths[best].speed > WORTH_IT * self._depths[0].speed else 0
