"""How many prompt tokens go into one decode call, so that nobody waits too long for it."""

CHUNK_GOAL_S = 0.25  # what a call may take while somebody waits for its end
FIRST_CHUNK = 64
LEAST_CHUNK = 8


class ChunkSize:
    """Follows the speed that was seen last."""

    def __init__(self, batch_size: int) -> None:
        """`batch_size` is the most tokens of a call."""
        self._batch_size = batch_size
        self.tokens = min(FIRST_CHUNK, batch_size)

    def note(self, num_tokens: int, elapsed_s: float) -> None:
        """A call of so many tokens took so long; a prompt's short end says nothing about longer calls."""
        if num_tokens >= self.tokens or elapsed_s > CHUNK_GOAL_S:
            self.tokens = next_chunk_size(num_tokens, elapsed_s, self._batch_size)


def next_chunk_size(num_tokens: int, elapsed_s: float, batch_size: int) -> int:
    """The chunk that would take CHUNK_GOAL_S at the speed just seen, at most twice the last one."""
    fitting = int(num_tokens * CHUNK_GOAL_S / max(elapsed_s, 1e-6))
    return min(batch_size, max(LEAST_CHUNK, min(fitting, 2 * num_tokens)))
