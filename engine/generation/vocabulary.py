"""The tokens of a model as bytes, in the order of a dictionary: for those that ask what each begins with."""

from collections.abc import Callable
from functools import cached_property


class Vocabulary:
    """Made by a backend, for all of its requests. Nothing is computed before somebody asks."""

    def __init__(self, piece: Callable[[int], bytes], size: int, end_tokens: frozenset[int]) -> None:
        """`piece` gives the bytes of a token, none for control tokens; `size` is V."""
        self.piece, self.size, self.end_tokens = piece, size, end_tokens

    @cached_property
    def in_order(self) -> tuple[tuple[bytes, int, int], ...]:
        """Every token with bytes: these, its id, and how many of them it shares with the one before it."""
        pieces = ((self.piece(token), token) for token in range(self.size) if token not in self.end_tokens)
        before, found = b"", []
        for piece, token in sorted((piece, token) for piece, token in pieces if piece):
            found.append((piece, token, _shared_length(before, piece)))
            before = piece
        return tuple(found)


def _shared_length(first: bytes, second: bytes) -> int:
    pairs = zip(first, second, strict=False)
    return next((n for n, (a, b) in enumerate(pairs) if a != b), min(len(first), len(second)))
