"""Whether drafting pays here, and how deep: measured on the conversation that runs, not assumed.

Checking two tokens at once costs 1.1 to 1.5 steps with experts on a CPU, so drafts that are often refused
make an answer slower. Tokens per round and the time of a round are noted for each depth. Plain steps and the
depths next to the best are tried again from time to time, as long as all trials together have cost no more
than a hundredth of the time.

Three things are known without measuring. A round tells what fewer guesses would have brought, so that depths
are compared on the same rounds. A round in which nobody had a guess is a plain step, whatever depth
was wanted: it costs nothing to wait for guesses of a drafter that seldom has one. And checking guesses never
takes less time than a plain step: where it seems so, other programs were in the way.
"""

from collections import deque
from dataclasses import dataclass, field, replace

MAX_DEPTH = 4
TRIALS = 4  # rounds with guesses before a depth is judged
HOPELESS = 3  # such rounds without one guess that stayed: nothing more to find out
PATIENCE = 48  # rounds of the best depth before another is tried again; of waiting for guesses, too
WARMING_UP = 32  # plain steps before such a trial in which the drafter sees the text again
BUDGET = 0.01  # of the time, for trying what turns out slower
WINDOW = 12  # rounds of which the lower quartile is the time of one: other programs make many of them long
FADING = 0.95  # what a round counts for after the next one of its depth
REMEMBERED = 2.0  # rounds that what was found earlier counts for when a depth is tried again
TAKEN_OVER = 10.0  # rounds that what an answer before this one taught counts for
WORTH_IT = 1.02  # how much faster than plain steps drafting has to be


@dataclass(slots=True)
class _Depth:
    """What was measured of one depth."""

    rounds: int = 0
    guessed_rounds: int = 0  # of them with guesses; all of depth 0 count
    tokens: float = 0.0  # of `weight` rounds, old ones fading
    guessed: float = 0.0  # how much of `weight` had guesses
    weight: float = 0.0
    seconds: deque[float] = field(default_factory=lambda: deque(maxlen=WINDOW))  # of rounds with guesses
    round_s: float = 0.0  # what such a round takes; 0 where none was timed

    @property
    def is_judged(self) -> bool:
        """Whether enough is known of it."""
        if self.rounds >= PATIENCE:
            return True
        nothing_stayed = self.guessed_rounds >= HOPELESS and self.tokens <= self.weight
        return bool(self.seconds) and (self.guessed_rounds >= TRIALS or nothing_stayed)

    def time(self, seconds: float) -> None:
        """A round with guesses took so long."""
        self.seconds.append(seconds)
        self.round_s = sorted(self.seconds)[len(self.seconds) // 4]

    def note(self, num_tokens: int, *, has_guesses: bool) -> None:
        """One more round."""
        self.rounds += 1
        self.guessed_rounds += has_guesses
        self.learn(num_tokens, has_guesses=has_guesses)

    def learn(self, num_tokens: int, *, has_guesses: bool) -> None:
        """What a round of this depth brought, or would have brought."""
        self.tokens = FADING * self.tokens + num_tokens
        self.guessed = FADING * self.guessed + has_guesses
        self.weight = FADING * self.weight + 1

    def fade(self, remembered: float = REMEMBERED) -> None:
        """What comes now counts for more than what was: the text may have changed."""
        share = min(1.0, remembered / self.weight) if self.weight else 1.0
        self.tokens, self.guessed, self.weight = (
            share * self.tokens,
            share * self.guessed,
            share * self.weight,
        )


class Governor:
    """Chooses how many tokens to draft in each round."""

    def __init__(self, max_depth: int = MAX_DEPTH, *, fixed: int | None = None) -> None:
        """`fixed` takes one depth whatever is measured; a `max_depth` of 0 never drafts."""
        self.fixed, self._max_depth = fixed, max_depth
        self._depths = [_Depth() for _ in range(max(max_depth, fixed or 0) + 1)]
        self._since_trial = 0
        self._warming_up = 0  # plain steps of it that are behind it
        self._trial = 0  # the depth that is being tried again
        self._trial_rounds = 0  # rounds of it that are left, of those with guesses
        self._trial_patience = 0  # rounds of it that are left, with guesses or without
        self.is_resting = False  # no guesses for a while: a drafter need not see what comes now
        self._last = 0  # depth of the round before
        self._best = 0  # the fastest depth
        self._lost_s = self._spent_s = 0.0  # by trials, and altogether

    @property
    def may_draft(self) -> bool:
        """Whether a drafter has to be kept up to date: drafting may begin or begin again."""
        return bool(self.fixed if self.fixed is not None else self._max_depth)

    def begin_from(self, before: "Governor") -> None:
        """Take over, as a first guess, what an answer before this one taught; nothing is measured yet."""
        if self._spent_s or self.fixed is not None or self._max_depth != before._max_depth:
            return
        self._depths = [replace(d, seconds=deque(d.seconds, WINDOW)) for d in before._depths]
        for depth in self._depths:
            depth.fade(TAKEN_OVER)
        self._lost_s, self._spent_s = before._lost_s, before._spent_s
        self._best = self._find_best()

    def next_depth(self) -> int:
        """How many tokens to draft in the next round."""
        if self.is_resting and self._since_trial < PATIENCE:
            return 0
        self.is_resting = False
        if self.fixed is not None:
            return self.fixed
        untried = next((n for n, depth in enumerate(self._depths) if not depth.is_judged), None)
        if untried is not None and self._is_promising(untried):
            return untried
        if self._trial_rounds:
            return self._trial
        is_due = self._since_trial >= PATIENCE and self._lost_s <= BUDGET * self._spent_s
        if is_due and (self._best or self._warming_up == WARMING_UP):
            self._begin_trial()
            return self._trial
        self._warming_up += is_due
        self.is_resting = not (self._best or self._warming_up)
        return self._best

    def _begin_trial(self) -> None:
        """Of a depth next to the best, or of plain steps: what was tried least."""
        best = self._best
        around = [n for n in (0, best - 1, best + 1) if 0 <= n <= self._max_depth and n != best]
        self._trial = min(around, key=lambda n: self._depths[n].rounds, default=best)
        self._since_trial = self._warming_up = 0
        self._trial_rounds, self._trial_patience = TRIALS, PATIENCE
        self._depths[self._trial].fade()
        self._best = self._find_best()

    def record(self, depth: int, num_tokens: int, seconds: float, *, num_guesses: int) -> None:
        """A round at this depth gave so many tokens in so much time, by so many guesses."""
        changed, self._last = depth != self._last, depth
        self._spent_s += seconds
        if self.is_resting:  # most rounds, of models that are quick: nothing changes but the clock
            self._depths[0].time(seconds)
            self._since_trial += 1
            return
        if depth != self._best and (usual := self._speed(self._best)):
            self._lost_s += max(0.0, seconds - num_tokens / usual)
        has_guesses = num_guesses > 0 or depth == 0
        self._depths[depth].note(num_tokens, has_guesses=has_guesses)
        if num_tokens <= depth + 1:  # else they are those of several sequences
            for fewer in range(1, depth):
                if self._depths[fewer].rounds:
                    self._depths[fewer].learn(min(num_tokens, fewer + 1), has_guesses=has_guesses)
        if not changed:  # else a drafter may have had to catch up: that time says nothing of the depth
            self._depths[depth if has_guesses else 0].time(seconds)
        if self._trial_rounds and depth == self._trial:
            self._trial_rounds -= has_guesses
            self._trial_patience -= 1
            if not self._trial_patience:
                self._trial_rounds = 0
        else:
            self._since_trial += 1
        self._best = self._find_best()

    @property
    def gain(self) -> float | None:
        """Speed of the best drafting over that of plain steps; None before both were measured."""
        plain = self._speed(0)
        drafted = [self._speed(n) for n, depth in enumerate(self._depths) if n and depth.is_judged]
        return max(drafted) / plain if drafted and plain else None

    def describe(self) -> str:
        """What a person wants to know of it."""
        if self.fixed is not None:
            return f"drafting {self.fixed} tokens, as asked" if self.fixed else "off, as asked"
        gain = self.gain
        if gain is None:
            return "measuring whether drafting pays" if self._max_depth else "off: nothing here drafts"
        percent = round(100 * (gain - 1))
        if self._best:
            return f"drafting +{percent} % here"
        return f"off: {-percent} % slower here" if percent < 0 else "off: no faster here"

    def _is_promising(self, untried: int) -> bool:
        """Plain steps and one draft are always tried; a depth more where the last one more was a gain."""
        return untried <= 1 or self._speed(untried - 1) > self._speed(untried - 2)

    def _find_best(self) -> int:
        """Plain steps where drafting is not clearly faster."""
        tried = [n for n, depth in enumerate(self._depths) if depth.is_judged]
        best = max(tried, key=self._speed, default=0)
        return best if self._speed(best) > WORTH_IT * self._speed(0) else 0

    def _speed(self, depth: int) -> float:
        """Tokens per second at a depth; 0 where none was measured."""
        found, plain_s = self._depths[depth], self._depths[0].round_s
        if not found.weight:
            return 0.0
        share = found.guessed / found.weight  # of its rounds that have guesses
        round_s = share * max(found.round_s, plain_s) + (1 - share) * plain_s
        return found.tokens / found.weight / round_s if round_s else 0.0
