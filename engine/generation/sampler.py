"""Picking the next token from logits, for backends that hand them out; llama.cpp has a chain of its own.

The same seed gives the same answer again, but not llama.cpp's: the random numbers are others.
"""

from collections.abc import Callable, Sequence

import numpy as np

from engine.contract.errors import InvalidRequest
from engine.contract.params import SamplingParams
from engine.generation.backend import Floats
from engine.generation.distribution import Filters
from engine.generation.grammar import Grammar, GrammarPath
from engine.generation.vocabulary import Vocabulary


class LogitsSampler:
    """A sampler for one request."""

    def __init__(
        self,
        params: SamplingParams,
        seed: int,
        history: Sequence[int],
        *,
        logits: Callable[[int], Floats],
        vocabulary: Vocabulary,
    ) -> None:
        """`logits` gives a row of the last decode call, (V,); `history` is the prompt.

        Raises InvalidRequest for a grammar or a token id that cannot be used.
        """
        self._logits = logits
        self._random = np.random.Generator(np.random.PCG64(seed))
        self._filters = request_filters(params, self._random, vocabulary)
        self._tokens = list(history)

    def sample(self, row: int) -> int:
        """The next token, from a row of logits."""
        token = self._filters(self._logits(row), self._tokens).draw(self._random)
        self.accept(token)
        return token

    def accept(self, token: int) -> None:
        """Take note of a token that was not sampled."""
        self._tokens.append(token)
        if self._filters.path is not None:
            self._filters.path.accept(token)

    def close(self) -> None:
        """Nothing to give back."""


def request_filters(params: SamplingParams, random: np.random.Generator, vocabulary: Vocabulary) -> Filters:
    """The filters of one request, before its first token; raises InvalidRequest.

    A JSON schema has to be a grammar by now (`engine.worker.answer`).
    """
    for token, _ in params.logit_bias:
        if token >= vocabulary.size:
            raise InvalidRequest(f"logit_bias names token {token}, there are {vocabulary.size}")
    path = GrammarPath(Grammar(params.grammar, vocabulary)) if params.grammar else None
    return Filters(params, vocabulary.piece, random, path)
