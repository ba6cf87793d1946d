"""How many prompt tokens go into one decode call, so that nobody waits too long for it.

Between two tokens of a running answer lie a step of all running answers and a chunk of a prompt. Together
they shall take less than 300 ms: the chunk gets what the step leaves of GOAL_S. The rest is for errors, and
for the 33 ms that a text may wait until it is sent. A chunk never takes less than a step, since every call
reads all weights: where two steps are too long already, it gets a quarter more than a step, which is several
tokens.
"""

from collections import deque

GOAL_S = 0.2  # a step and a chunk together, or a chunk where nobody generates
LATEST_S = 0.28  # the same, where the steps leave less of GOAL_S than a call of one token takes
CLEARLY_BELOW = 0.95  # what a call has to stay below for one of a token more
MORE_THAN_A_STEP = 1.25  # what a chunk may take then: a prompt has to come to its end too
FIRST_CHUNK = 64  # before anything is known; short prompts whole: greedy answers depend on it (decision 4)
SLOW_STEP_S = 0.05  # a model whose steps take longer may take much longer for so many tokens
REMEMBERED = 6  # calls, of which the slowest counts: a machine may take half more for one than for the last
TOO_LONG = 1.3  # times what was wanted: kernels take tokens by fours, a fifth one may double the time
NOT_AGAIN = 32  # calls for which so many tokens are not tried one more at a time
NEVER = 1 << 30
INFORMATIVE = 16  # tokens; in shorter calls the pass over the weights hides what a token takes


class ChunkSize:
    """Follows the slowest of the last calls."""

    def __init__(self, batch_size: int) -> None:
        """`batch_size` is the most tokens of a call."""
        self._batch_size = batch_size
        self._calls = deque[tuple[int, float]](maxlen=REMEMBERED)  # tokens and seconds of those gone by
        self._first = float(FIRST_CHUNK)
        self._asked = FIRST_CHUNK  # what was given last
        self._goal_s = GOAL_S  # what that was to take
        self._too_many = NEVER  # tokens of a call that took much longer than that
        self._calls_since = 0

    def note(self, num_tokens: int, elapsed_s: float) -> None:
        """A call of so many tokens took so long; one much shorter than the last says little of others."""
        last = self._calls[-1][0] if self._calls else 0
        is_long = num_tokens >= min(INFORMATIVE, self._asked) and num_tokens >= min(last / 2, self._asked)
        if is_long or elapsed_s > GOAL_S:
            self._calls.append((num_tokens, elapsed_s))
        self._calls_since += 1
        if elapsed_s > TOO_LONG * self._goal_s:
            self._too_many, self._calls_since = num_tokens, 0
        elif self._calls_since > NOT_AGAIN:
            self._too_many = NEVER

    def note_unfinished(self, num_tokens: int, elapsed_s: float) -> None:
        """A call of so many tokens was broken off after so long: it would have taken longer."""
        self._first = min(self._first, num_tokens * GOAL_S / max(elapsed_s, 1e-6))

    def tokens(self, step_s: float) -> int:
        """For a call between two steps of running answers that take so long; 0 where nobody generates."""
        goal_s = self._goal_s = chunk_goal_s(step_s)
        if self._calls:
            *before, (last, last_s) = self._calls
            telling = [call for call in before if call[0] >= max(last, INFORMATIVE)]
            fitting = min(_fitting(*call, goal_s, step_s) for call in [*telling, (last, last_s)])
            if fitting >= last and last_s <= CLEARLY_BELOW * goal_s and last + 1 < self._too_many:
                fitting = max(fitting, last + 1)  # most of it may be the weights, which every call reads
            fitting = min(fitting, max(2 * last, FIRST_CHUNK))
        else:  # a token of a prompt takes no longer than one that is generated
            fitting = min(self._first, goal_s / step_s) if step_s > SLOW_STEP_S else self._first
        self._asked = max(1, min(int(fitting), self._batch_size))
        return self._asked


def _fitting(num_tokens: int, elapsed_s: float, goal_s: float, step_s: float) -> float:
    """How many tokens fit into a time, by a call of so many.

    Each takes as long as those did; where far fewer fit, the first takes a step, since every call reads all
    weights.
    """
    fitting = num_tokens * goal_s / max(elapsed_s, 1e-9)
    if 2 * fitting < num_tokens and elapsed_s > step_s:
        return min(fitting, 1 + (goal_s - step_s) * (num_tokens - 1) / (elapsed_s - step_s))
    return fitting


def chunk_goal_s(step_s: float) -> float:
    """What prompts may take between two steps of running answers."""
    slightly_more = MORE_THAN_A_STEP * step_s
    if 2 * step_s > LATEST_S:
        return slightly_more
    return max(GOAL_S - step_s, min(LATEST_S - step_s, slightly_more))
