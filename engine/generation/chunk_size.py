"""How many prompt tokens go into one decode call, so that nobody waits too long for it.

Between two tokens of a running answer lie a step of all running answers and a chunk of a prompt. Together
they shall take less than 300 ms: the chunk gets what the step leaves of GOAL_S. The rest is for errors, and
for the 33 ms that a text may wait until it is sent. A chunk never takes less than a step, since every call
reads all weights: where two steps are too long already, it gets a quarter more than a step, which is several
tokens.
"""

GOAL_S = 0.2  # a step and a chunk together, or a chunk where nobody generates
LATEST_S = 0.28  # the same, where the steps leave less of GOAL_S than a call of one token takes
CLEARLY_BELOW = 0.95  # what a call has to stay below for one of a token more
MORE_THAN_A_STEP = 1.25  # what a chunk may take then: a prompt has to come to its end too
FIRST_CHUNK = 64  # before anything is known; short prompts whole: greedy answers depend on it (decision 4)
SLOW_STEP_S = 0.05  # a model whose steps take longer may take much longer for so many tokens
INFORMATIVE = 16  # tokens; in shorter calls the pass over the weights hides what a token takes


class ChunkSize:
    """Follows the speed that was seen last."""

    def __init__(self, batch_size: int) -> None:
        """`batch_size` is the most tokens of a call."""
        self._batch_size = batch_size
        self._num_tokens, self._elapsed_s = 0, 0.0  # of the call that is gone by; none yet
        self._first = float(FIRST_CHUNK)
        self._asked = FIRST_CHUNK  # what was given last

    def note(self, num_tokens: int, elapsed_s: float) -> None:
        """A call of so many tokens took so long; one much shorter than the last says little of others."""
        is_long = num_tokens >= min(INFORMATIVE, self._asked) and 2 * num_tokens >= self._num_tokens
        if is_long or elapsed_s > GOAL_S:
            self._num_tokens, self._elapsed_s = num_tokens, elapsed_s

    def note_unfinished(self, num_tokens: int, elapsed_s: float) -> None:
        """A call of so many tokens was broken off after so long: it would have taken longer."""
        self._first = min(self._first, num_tokens * GOAL_S / max(elapsed_s, 1e-6))

    def tokens(self, step_s: float) -> int:
        """For a call between two steps of running answers that take so long; 0 where nobody generates."""
        goal_s = chunk_goal_s(step_s)
        if self._num_tokens:
            fitting = self._num_tokens * goal_s / max(self._elapsed_s, 1e-6)
            if (
                self._elapsed_s <= CLEARLY_BELOW * goal_s
            ):  # most of it may be the weights, whatever the number of tokens
                fitting = max(fitting, self._num_tokens + 1)
            fitting = min(fitting, max(2 * self._num_tokens, FIRST_CHUNK))
        else:  # a token of a prompt takes no longer than one that is generated
            fitting = min(self._first, goal_s / step_s) if step_s > SLOW_STEP_S else self._first
        self._asked = max(1, min(int(fitting), self._batch_size))
        return self._asked


def chunk_goal_s(step_s: float) -> float:
    """What prompts may take between two steps of running answers."""
    slightly_more = MORE_THAN_A_STEP * step_s
    if 2 * step_s > LATEST_S:
        return slightly_more
    return max(GOAL_S - step_s, min(LATEST_S - step_s, slightly_more))
