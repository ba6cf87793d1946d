"""What a round takes by the number of its guesses, compared on rounds that are near each other.

A machine gets slower and faster by a fifth within seconds, and answers get slower as they get longer. So no
time is kept in seconds: it is divided by the pace of the rounds just before it. What is kept is how many
times as long such rounds take as plain ones: a property of the model and the machine, not of the text. While
one number of guesses goes on, what changes is the pace.
"""

from collections import deque
from collections.abc import Collection
from itertools import pairwise

BLOCK = 3  # rounds or more of which the shortest counts: other programs make many of them long
AGREE = 1.12  # the second shortest over the shortest, else all of them may have been disturbed
LONGEST = 8  # rounds that a block has at most
HOPELESS = 1.1  # as many plain rounds as a round could bring tokens take that much less: two are enough
BLOCKS = 5  # of which the middle one counts
RECENT = 10  # rounds whose lower quartile is the pace
WRONG = 1.1  # how much longer than more guesses fewer of them take where they were disturbed
FURTHER = 0.7  # what one more guess than were measured may take, over what one of those takes
UNKNOWN = 0.25  # what a guess may take, over a plain round, before one was measured


class RoundTimes:
    """Times of rounds with 0, 1, 2 and more guesses, over those of the first plain ones."""

    def __init__(self, most: int) -> None:
        """`most` guesses in a round; nothing is measured yet."""
        self._blocks = [deque[float](maxlen=BLOCKS) for _ in range(most + 1)]  # what each found
        self._filling: list[list[float]] = [[] for _ in range(most + 1)]  # seconds of a block's rounds
        self._paces = [0.0] * (most + 1)  # when that block began
        self._has_others = [True] * (most + 1)  # whether there were other rounds since the last block
        self._recent = deque[float](maxlen=RECENT)  # seconds over what such a round takes
        self._estimates: list[float] = []  # empty where they have to be made anew

    def is_known(self, num_guesses: int) -> bool:
        """Whether such rounds were measured."""
        return bool(self._blocks[num_guesses])

    def is_compared(self, num_guesses: int) -> bool:
        """Whether such rounds were compared with others just before them: more only tell the pace."""
        return not self._has_others[num_guesses]

    def note(self, num_guesses: int, seconds: float) -> None:
        """A round with so many guesses took so long."""
        if seconds <= 0:  # less than the clock can tell
            return
        if self._has_others[num_guesses]:
            self._fill(num_guesses, seconds)
        if self._blocks[num_guesses]:
            self._recent.append(seconds / self._measured(num_guesses))
        for other in range(len(self._has_others)):
            if other != num_guesses:
                self._has_others[other] = True

    def estimates(self) -> list[float]:
        """What rounds with 0, 1, 2 and more guesses take, in one unit: measured, or judged by the others.

        Each 0 as long as nothing is known of plain rounds.
        """
        if not self._estimates:
            self._estimates = self._estimate()
        return self._estimates

    def excess(self, num_guesses: int, seconds: Collection[float]) -> float:
        """How much longer these rounds took, in the unit of `estimates`, than such rounds did before them."""
        usual = self._pace() * self._measured(num_guesses)
        if not (seconds and usual):
            return 0.0
        ratio = _lower_quartile(seconds) / usual
        return max(0.0, ratio - 1) * self._measured(num_guesses) * len(seconds)

    def _fill(self, num_guesses: int, seconds: float) -> None:
        """Add a round to its block; complete, it is compared with the pace before it."""
        block = self._filling[num_guesses]
        if not block:
            self._paces[num_guesses] = self._pace()
        block.append(seconds)
        most_tokens = num_guesses + 1 if num_guesses else 0
        if not self._is_complete(block, most_tokens * self._measured(0) * self._paces[num_guesses]):
            return
        shortest = min(block)
        self._blocks[num_guesses].append(shortest / (self._paces[num_guesses] or shortest))
        if len(self._blocks[num_guesses]) == 1:
            self._recent.extend(second / self._measured(num_guesses) for second in block[:-1])
        self._filling[num_guesses] = []
        self._has_others[num_guesses] = False
        for fewer in range(num_guesses):
            if self._measured(fewer) > WRONG * self._measured(num_guesses):
                self._blocks[fewer].clear()
        self._estimates = []

    def _is_complete(self, block: list[float], as_plain_s: float) -> bool:
        """Whether these rounds say enough; plain ones for as many tokens take `as_plain_s`."""
        if len(block) < 2:
            return False
        shortest, second, *others = sorted(block)
        if second > AGREE * shortest:
            return len(block) == LONGEST
        return len(others) + 2 >= BLOCK or 0 < HOPELESS * as_plain_s < shortest

    def _pace(self) -> float:
        """Seconds of a round over what such a round takes, just now; 0 where nothing is known."""
        return _lower_quartile(self._recent) if self._recent else 0.0

    def _measured(self, num_guesses: int) -> float:
        """The lower middle one of the blocks; 0 where there is none."""
        blocks = sorted(self._blocks[num_guesses])
        return blocks[(len(blocks) - 1) // 2] if blocks else 0.0

    def _estimate(self) -> list[float]:
        times = [self._measured(number) for number in range(len(self._blocks))]
        if not times[0]:
            return [0.0] * len(times)
        known = [number for number, found in enumerate(times) if found]
        for fewer, more in reversed([*pairwise(known)]):
            times[fewer] = min(times[fewer], times[more])  # more guesses never take less time
        for fewer, more in pairwise(known):
            step = (times[more] - times[fewer]) / (more - fewer)
            for number in range(fewer + 1, more):
                times[number] = times[fewer] + step * (number - fewer)
        last = known[-1]
        if len(known) > 2:  # between guesses: checking the first one may take more than those after it
            step = (times[last] - times[known[1]]) / (last - known[1])
        else:
            step = FURTHER * (times[last] - times[0]) / last if last else UNKNOWN * times[0]
        for number in range(last + 1, len(times)):
            times[number] = times[last] + step * (number - last)
        return times


def _lower_quartile(values: Collection[float]) -> float:
    return sorted(values)[max(0, (len(values) + 1) // 4 - 1)]
