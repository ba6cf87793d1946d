"""Guessing the next tokens cheaply, so that the model checks several in one step.

A drafter says where its guesses come from: the text itself (`PromptLookup`, here), the model's own MTP layers
or a smaller model (`engine.transformer.drafters`). `speculative` decides which guesses stay, `drafting` ties
one drafter to one sequence of the scheduler, `draft_depth` and `governor` say how many guesses pay.

What a backend provides, so that its sequences can draft:

- `drafter()`: a fresh `Drafter` for every sequence, or None. Several of them are asked in turn while their
  sequences run together, so each has its own state (a KV cache of its own, of its MTP layers or its model).
- `can_truncate` and `truncate`: refused guesses are forgotten by length. Who can go back by `restore_state`
  only gets no drafts yet.
- `decode` with entries of 1 + n tokens and `num_logits` 1 + n, several such entries in one call; all their
  `logits(row)` stay valid until the next `decode`. A drafter that computes must leave them alone: `observe`
  is called between the rows of two sequences.
- `states(slot)`: a row per token of the slot's entry in the last call, of whatever its drafter needs (hidden
  states, say); it can be sliced. `()` where it needs nothing.
- `vocabulary`, `piece` and `end_tokens`: the request's filters and its grammar work on logits here, whatever
  sampler the backend has for requests without drafts. Both have to mean the same distribution.

The order of one round: `propose` (each guess drawn by `choose`, once and in order, which lets the grammar go
along; afterwards it is rolled back), `decode`, the judgement, `truncate`, `observe` of what stays. Near a tie
nothing is judged: the row is computed again without guesses in the next round.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from engine.generation.backend import Floats
from engine.generation.distribution import Distribution

States = Any  # what a model hands its drafter beside the logits: hidden states (T, C), or nothing


@dataclass(frozen=True, slots=True)
class Draft:
    """A guessed token and the distribution it was drawn from."""

    token: int
    distribution: Distribution


# From logits (V,) of the drafter and the tokens before it: draws one, after the request's own filters.
Choose = Callable[[Floats, Sequence[int]], Draft]


class Drafter(Protocol):
    """Guesses for one sequence. It sees a prompt's parts as they are computed, after a pause again."""

    def observe(self, position: int, states: States) -> None:
        """Tokens from `position` on were computed, with these states, and stay.

        Of guesses that were refused it never hears; what it kept of them it must overwrite.
        """
        ...

    def rest(self, is_resting: bool) -> None:
        """Whether no guesses are wanted for a while: until that ends it sees nothing of what is computed."""
        ...

    def propose(self, token_ids: Sequence[int], most: int, choose: Choose) -> list[Draft]:
        """At most `most` (1 or more) guesses of what comes after `token_ids`, the last not computed yet.

        Each given those before it. None where it has no guess, or has not seen enough of the sequence.
        """
        ...


class PromptLookup:
    """Guesses that a passage of the text comes again: what followed the last few tokens the last time.

    Prompt lookup decoding (Saxena 2023; transformers' `prompt_lookup_num_tokens`). Costs no computing; good
    for summaries, corrections and code. A guess is certain of itself: its distribution is one token.
    """

    def __init__(self, longest: int = 3, shortest: int = 2) -> None:
        """Look for the last `longest` tokens, then fewer, down to `shortest`."""
        self._lengths = range(longest, shortest - 1, -1)
        self._followers: dict[tuple[int, ...], int] = {}
        self._known = 0  # tokens whose passages are noted

    def observe(self, position: int, states: States) -> None:
        """Nothing: the text is all it needs."""

    def rest(self, is_resting: bool) -> None:
        """Nothing changes."""

    def propose(self, token_ids: Sequence[int], most: int, choose: Choose) -> list[Draft]:  # noqa: ARG002
        """The tokens that followed the last occurrence of the text's end."""
        self._note(token_ids)
        for length in self._lengths:
            place = self._followers.get(tuple(token_ids[-length:])) if len(token_ids) >= length else None
            if place is not None:
                guesses = token_ids[place : place + most]
                return [Draft(token, Distribution.certain(token)) for token in guesses]
        return []

    def _note(self, token_ids: Sequence[int]) -> None:
        """Where each passage that has a follower was last followed; work only for what is new."""
        for place in range(max(self._known, 1), len(token_ids)):
            for length in self._lengths:
                if place >= length:
                    self._followers[tuple(token_ids[place - length : place])] = place
        self._known = len(token_ids)
