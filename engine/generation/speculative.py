"""Which guesses stay: a model has checked several in one step and keeps what it would have said.

Speculative sampling (Leviathan et al. 2023, arXiv:2211.17192): a guess x drawn from q stays with probability
min(1, p(x) / q(x)); the first one refused is replaced by a draw from (p - q)+, and where all stay, one more
token comes from the model's own p. The tokens are distributed exactly as without drafts. p and q both come
through the request's filters, its grammar too, each given the tokens before it.

Greedy answers are those of plain decoding. Several rows computed at once are rounded otherwise than one, so
where the best two logits are nearer than `near_tie` nothing is decided: that row is computed again alone.
"""

from collections.abc import Sequence

import numpy as np

from engine.generation.backend import Floats
from engine.generation.distribution import Distribution, Filters
from engine.generation.draft import Draft

QUANTIZED_NEAR_TIE = 0.05  # roundings of 16-bit activations turn over
NEAR_TIE = 1e-3  # of logits in float32: 400 times the largest deviation measured (docs/benchmarks.md)


def judge(
    drafts: list[Draft],
    rows: Sequence[Floats],
    token_ids: Sequence[int],
    *,
    filters: Filters,
    random: np.random.Generator,
    near_tie: float,
    end_tokens: frozenset[int],
) -> list[int]:
    """The tokens that come after `token_ids`: guesses that stay, then one of the model's own.

    `rows` are logits (V,), one after `token_ids` and one after each guess. Fewer tokens, or none, where a
    near tie comes first; no more after an end token. Tells the grammar of each.
    """
    tokens: list[int] = []
    for row, draft in zip(rows, [*drafts, None], strict=True):
        target = filters(row, [*token_ids, *tokens])
        if drafts and target.gap < near_tie:
            return tokens
        token, stays = (target.draw(random), False) if draft is None else accept(draft, target, random)
        tokens.append(token)
        if filters.path is not None:
            filters.path.accept(token)
        if not stays or token in end_tokens:
            return tokens
    raise AssertionError("the last row has no guess to stay")


def accept(draft: Draft, target: Distribution, random: np.random.Generator) -> tuple[int, bool]:
    """The token that takes a guess's place, and whether it is the guess."""
    guessed, wanted = draft.distribution.share_of(draft.token), target.share_of(draft.token)
    if random.random() * guessed < wanted:
        return draft.token, True
    return target.without(draft.distribution).draw(random), False
