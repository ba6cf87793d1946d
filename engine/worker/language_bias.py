"""Steering an answer back to the scripts of its conversation: a bias on all tokens in other letters."""

from collections.abc import Sequence
from dataclasses import replace

from engine.chat.language import foreign_scripts
from engine.contract.params import SamplingParams
from engine.generation.backend import Backend

FOREIGN_BIAS = -8.0  # a name or a quotation can still win; a drift, which begins at near ties, cannot


def without_foreign_scripts(params: SamplingParams, backend: Backend, said: Sequence[str]) -> SamplingParams:
    """The same params with tokens less likely that are in scripts nobody has used; Latin letters stay.

    Languages in the same letters are not told apart by tokens: of those a drift is noticed only.
    """
    scripts = foreign_scripts(said)
    vocabulary = range(backend.loaded.info.vocabulary_size)
    biases = tuple(
        (token, FOREIGN_BIAS)
        for token in vocabulary
        if token not in backend.end_tokens and scripts.is_foreign(backend.piece(token))
    )
    return replace(params, logit_bias=(*params.logit_bias, *biases))
