"""Whether drafting pays here, and how deep: measured on the conversation that runs, not assumed.

Checking two tokens at once costs 1.1 to 1.5 steps with experts on a CPU, so drafts that are often refused
make an answer slower. The speed of every depth is judged from all rounds: what it brings by the chance of
each guess in a row (`round_tokens`), what it takes by rounds of other depths near it (`round_time`), or by
those of its neighbours where it was never measured. The first answer begins with a few plain steps and a few
rounds of two guesses; a depth that was not measured is tried where it may be faster than all that were.

The best depth is left for another that was measured and is clearly faster. Depths about as fast, and plain
steps, are tried again from time to time, as long as all trials together have cost no more than a hundredth of
the time. A round in which nobody had a guess is a plain step, whatever depth was wanted: it costs nothing to
wait for guesses of a drafter that seldom has one.
"""

from collections.abc import Sequence
from copy import deepcopy
from math import inf

from engine.generation.round_time import RECENT, RoundTimes
from engine.generation.round_tokens import Outcome, RoundTokens

MAX_DEPTH = 4
START = 2  # the depth that is tried first
TRIAL = 5  # rounds with guesses of a trial while drafting pays, or more until its time is known
LEAST_TRIAL = 4  # the first of which says nothing of the time
LONG_TRIAL = 10  # where plain steps are the best so far: whether guesses stay has to be found out, too
SOON = 4  # rounds of the best depth before one that was never measured is tried
PATIENCE = 48  # plain steps before drafting is tried again; rounds of waiting for guesses, too
NEXT_TRIAL = 20  # rounds of a best depth that pays before the next trial, for each trial so far
MOST_PATIENCE = 192  # where trials were many, or no guesses at all could make drafting pay
WARMING_UP = 32  # plain steps before such a trial in which the drafter sees the text again
BUDGET = 0.01  # of the time, for trying what turns out slower
NEAR = 0.85  # of the best speed: depths as fast as this may be the best in truth
REMEMBERED = 2.0  # observations of a guess that count when drafting is tried again
AFTER_TRIAL = 10.0  # and after a trial that did not pay
TAKEN_OVER = 20.0  # and in the next answer
DOUBT = 0.7  # standard deviations of what guesses bring within which a trial is not decided
WORTH_IT = 1.02  # how much faster than plain steps, or than the best depth, another has to be
CLEAR = 1.05  # how much faster than plain steps it has to be for certain to end a trial early
LEAST_GUESSED = 3  # rounds with guesses before a gain is told


class Governor:
    """Chooses how many tokens to draft in each round."""

    def __init__(self, max_depth: int = MAX_DEPTH, *, fixed: int | None = None) -> None:
        """`fixed` takes one depth whatever is measured; a `max_depth` of 0 never drafts."""
        self.fixed, self._max_depth = fixed, max_depth
        most = max(max_depth, fixed or 0)
        self._tokens, self._times = RoundTokens(most), RoundTimes(most)
        self._speeds = [0.0] * (most + 1)  # of each depth, after the last round
        self._measured_at = [0] * (most + 1)  # the last round with so many guesses
        self._num_rounds = self._num_trials = 0
        self._since_trial = 0
        self._patience = PATIENCE  # rounds of the best depth before the next trial
        self._warming_up = 0  # plain steps of it that are behind it
        self._awake: list[float] = []  # seconds of them: a drafter that looks on makes them longer
        self._trial = 0  # the depth that is tried, while `_trial_rounds` are left
        self._trial_rounds = 0  # of those with guesses
        self._trial_patience = 0  # rounds of it that are left, with guesses or without
        self.is_resting = False  # no guesses for a while: a drafter need not see what comes now
        self._last = 0  # depth of the round before
        self._best = 0  # the fastest depth
        self._lost = self._spent = 0.0  # time of trials, and altogether, in units of `RoundTimes`

    @property
    def may_draft(self) -> bool:
        """Whether a drafter has to be kept up to date: drafting may begin or begin again."""
        return bool(self.fixed if self.fixed is not None else self._max_depth)

    def begin_from(self, before: "Governor") -> None:
        """Go on where an answer before this one ended; nothing is measured yet in this one."""
        is_alike = self.fixed is None and before.fixed is None and self._max_depth == before._max_depth
        if self._num_rounds or not is_alike:
            return
        vars(self).update(deepcopy(vars(before)))
        self._tokens.acceptance.fade(TAKEN_OVER)
        self.is_resting, self._warming_up, self._awake = False, 0, []
        self._last = -1  # a drafter has to read the prompt: the first round says nothing of its depth

    def next_depth(self) -> int:
        """How many tokens to draft in the next round."""
        if self.is_resting and self._since_trial < self._patience:
            return 0
        self.is_resting = False
        if self.fixed is not None:
            return self.fixed
        if not self._max_depth or not self._times.is_known(0):
            return 0
        if not self._trial_rounds:
            depth = self._worth_trying()
            if depth is None:
                self.is_resting = not (self._best or self._warming_up)
                return self._best
            self._begin_trial(depth)
        return self._trial

    def sleep(self) -> bool:
        """Let a round pass unmeasured; False where it has to be measured, or may have guesses.

        Most rounds of a drafter that rests are no news, and of quick models measuring them is felt.
        """
        if not self.is_resting or self._may_try(within=RECENT) or not self._times.is_compared(0):
            return False
        self._num_rounds += 1
        self._since_trial += 1
        self._spent += 1.0
        return True

    def record(
        self,
        depth: int,
        num_tokens: int,
        seconds: float,
        *,
        num_guesses: int,
        outcomes: Sequence[Outcome] = (),
        again_s: float = 0.0,
    ) -> None:
        """A round at this depth gave so many tokens in so much time, by so many guesses.

        `outcomes` are those of its sequences; without them there was one. `again_s` is what of the time went
        into computing a row near a tie again.
        """
        changed, self._last = depth != self._last, depth
        self._num_rounds += 1
        if self.is_resting:  # nothing changes but the clock
            self._times.note(0, seconds)
            self._since_trial += 1
            self._spent += 1.0
            return
        outcomes = outcomes or ((num_guesses, min(num_guesses, num_tokens - 1)),)
        self._tokens.note(num_tokens, outcomes, is_wanted=depth > 0, is_tie=again_s > 0)
        most = min(max(guesses for guesses, _ in outcomes), depth)
        self._measured_at[most] = self._num_rounds
        if self._warming_up and not depth:
            self._awake.append(seconds)  # no time of plain steps, which need no drafter
        elif not changed:  # else a drafter may have had to catch up: that time says nothing of the depth
            self._times.note(most, seconds - again_s)
        if self.fixed is None and self._times.is_known(0):
            self._speeds = self._judge()
            self._count_cost(depth, most)
            self._decide(depth, has_guesses=most > 0 or depth == 0)

    def _count_cost(self, depth: int, num_guesses: int) -> None:
        """What the round took, and what of it was lost because it was none of the best depth."""
        times = self._times.estimates()
        self._spent += times[num_guesses]
        if depth != self._best and self._speeds[self._best]:
            slower = 1 - self._speeds[depth] / self._speeds[self._best]
            self._lost += max(0.0, slower * times[num_guesses])

    def _decide(self, depth: int, *, has_guesses: bool) -> None:
        """Go on with a trial, or see whether the best depth is still the best."""
        if not self._trial_rounds:
            self._since_trial += 1
        elif depth == self._trial:
            self._trial_rounds -= has_guesses
            self._trial_patience -= 1
            if self._trial_patience and not self._is_decided():
                return
            self._trial_rounds = 0
        if not self._trial_rounds and self._num_trials:
            was_drafting = self._best
            self._best = self._find_best()
            if depth and not self._best:
                if not was_drafting:
                    self._tokens.acceptance.fade(AFTER_TRIAL)
                self._patience = PATIENCE if self._may_pay(inf) else MOST_PATIENCE
            elif self._best:
                self._patience = min(MOST_PATIENCE, NEXT_TRIAL * self._num_trials)

    # trials

    def _may_pay(self, optimism: float) -> bool:
        """Whether drafting would if guesses stayed more often than seems likely."""
        return max(self._judge(optimism)[1:]) > WORTH_IT * self._speeds[0]

    def _worth_trying(self) -> int | None:
        """A depth that may be faster than it seems."""
        if not self._num_trials:
            return min(START, self._max_depth)
        is_soon = self._since_trial >= SOON if self._best else not self._since_trial  # right after a trial
        promising = self._unmeasured(self._speeds[self._best]) if is_soon else None
        if promising is not None:
            return promising
        if not self._may_try():
            return None
        if self._best:
            return self._least_known()
        self._warming_up += 1
        if self._warming_up <= WARMING_UP:
            return None
        self._lost += self._times.excess(0, self._awake)
        self._tokens.acceptance.fade(REMEMBERED)
        speeds = self._judge()
        return max(range(1, self._max_depth + 1), key=speeds.__getitem__)

    def _may_try(self, within: int = 0) -> bool:
        """Whether the next trial may begin now, or within so many plain rounds."""
        is_patient = self._since_trial + within >= self._patience
        return is_patient and self._lost <= BUDGET * (self._spent + within)

    def _unmeasured(self, speed: float) -> int | None:
        """A depth whose time was never measured, if one promises more than this speed."""
        unknown = [depth for depth in range(1, self._max_depth + 1) if not self._times.is_known(depth)]
        top = max(unknown, key=self._speeds.__getitem__, default=None)
        return top if top is not None and self._speeds[top] > WORTH_IT * speed else None

    def _least_known(self) -> int | None:
        """The depth of those nearly as fast as the best that was measured the longest ago."""
        others = [depth for depth in range(self._max_depth + 1) if depth != self._best]
        near = [depth for depth in others if self._speeds[depth] > NEAR * self._speeds[self._best]]
        long_ago = self._num_rounds - 10 * PATIENCE
        near = near or [depth for depth in others if self._measured_at[depth] < long_ago]
        return min(near, key=self._measured_at.__getitem__, default=None)

    def _begin_trial(self, depth: int) -> None:
        self._trial, self._trial_patience = depth, PATIENCE
        self._trial_rounds = LONG_TRIAL
        self._since_trial = self._warming_up = 0
        self._awake = []
        self._num_trials += 1

    def _is_decided(self) -> bool:
        """Whether the trial can end."""
        if not self._trial_rounds:
            return True
        if not self._times.is_known(self._trial):
            return False
        if self._judge(inf)[self._trial] < self._speeds[0]:  # not even if all guesses stayed
            return True
        if self._trial_rounds > LONG_TRIAL - LEAST_TRIAL:
            return False
        if self._best:
            return self._trial_rounds <= LONG_TRIAL - TRIAL
        feared = self._judge(-DOUBT)
        return not self._may_pay(DOUBT) or feared[self._trial] > CLEAR * self._speeds[0]

    # what pays

    def _find_best(self) -> int:
        """The fastest depth that was measured, plain steps where drafting is not clearly faster."""
        known = [depth for depth in range(self._max_depth + 1) if self._times.is_known(depth)]
        top = max(known, key=self._speeds.__getitem__)
        if self._speeds[top] <= WORTH_IT * self._speeds[0]:
            top = 0
        is_clear = self._speeds[top] > WORTH_IT * self._speeds[self._best]
        return top if not top or is_clear else self._best

    def _judge(self, optimism: float = 0.0) -> list[float]:
        """Tokens in a unit of time at each depth; see `Acceptance.expected_tokens`."""
        times, (tokens, ties) = self._times.estimates(), self._tokens.expected(optimism)
        share, plain = self._tokens.share_with_guesses, times[0]
        speeds = [tokens[0] / plain]
        for depth in range(1, len(times)):
            round_time = share * (times[depth] + ties[depth] * plain) + (1 - share) * plain
            speeds.append(tokens[depth] / round_time)
        return speeds

    # what a person is told

    @property
    def gain(self) -> float | None:
        """Speed of the best drafting over that of plain steps; None before both were measured."""
        has_waited = self._tokens.num_wanted >= PATIENCE
        if not (self._times.is_known(0) and (self._tokens.num_guessed >= LEAST_GUESSED or has_waited)):
            return None
        plain, *others = self._judge()
        return max(others) / plain

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
