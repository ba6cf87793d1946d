"""What the KV cache holds between requests, so that a second turn computes only what is new."""

from engine.generation.backend import Backend


class PrefixCache:
    """The token ids whose keys and values are in a backend's KV cache, in order."""

    def __init__(self) -> None:
        self._token_ids: list[int] = []

    def reuse(self, backend: Backend, token_ids: list[int]) -> int:
        """Keep the longest common prefix with a new prompt and forget the rest; returns its length.

        At least the prompt's last token is left to compute, since its logits are needed.
        """
        length = min(common_prefix_length(self._token_ids, token_ids), len(token_ids) - 1)
        if not backend.truncate(length):
            length = 0
        self._token_ids = token_ids[:length]
        return length

    def store(self, token_ids: list[int]) -> None:
        """Note what the KV cache holds now."""
        self._token_ids = token_ids


def common_prefix_length(first: list[int], second: list[int]) -> int:
    """How many leading tokens two lists share."""
    shorter = min(len(first), len(second))
    if first[:shorter] == second[:shorter]:  # the usual case, without a Python loop
        return shorter
    return next(i for i in range(shorter) if first[i] != second[i])
