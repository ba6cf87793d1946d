"""Drafts in a sequence that the scheduler runs: what to guess before a step, what to keep after it."""

from collections.abc import Callable
from collections.abc import Sequence as Tokens
from dataclasses import dataclass, field

import numpy as np

from engine.generation.backend import Backend, Entry, Floats
from engine.generation.distribution import Filters
from engine.generation.draft import Draft, Drafter
from engine.generation.governor import Governor
from engine.generation.speculative import judge


@dataclass(slots=True)
class Drafting:
    """The drafter of one sequence and what became of its guesses."""

    backend: Backend
    drafter: Drafter
    filters: Filters
    random: np.random.Generator
    governor: Governor  # of the steps that the sequence has for itself
    near_tie: float
    num_together: Callable[[list[int]], int] = len  # how many of these guesses one step may check
    num_drafted: int = 0
    num_accepted: int = 0
    is_undecided: bool = False  # a near tie: the next step computes its row alone
    is_resting: bool = False  # no guesses for a while: the drafter is not told what comes
    _drafts: list[Draft] = field(default_factory=list)

    def end(self) -> None:
        """The sequence has ended: what its drafter holds is free for another one's."""
        del self.drafter

    def rest(self, is_resting: bool) -> None:
        """Whether there will be no guesses for a while."""
        if is_resting != self.is_resting:
            self.is_resting = is_resting
            self.drafter.rest(is_resting)

    def propose(self, token_ids: list[int], most: int) -> list[int]:
        """Guesses for the next step, at most `most` (1 or more); all tokens but the last are computed."""
        self._drafts = []
        if not self.is_undecided:
            path = self.filters.path
            length = path.length if path is not None else 0
            self._drafts = self.drafter.propose(token_ids, most, self._choose)
            if path is not None:
                path.roll_back(length)
        tokens = [draft.token for draft in self._drafts]
        tokens = tokens[: self.num_together(tokens)]
        self._drafts = self._drafts[: len(tokens)]
        return tokens

    def withdraw(self) -> None:
        """The guesses find no room: the step goes without them."""
        self._drafts = []

    def is_plain(self, entry: Entry) -> bool:
        """Whether the sequence's own sampler takes the next token, if any: there is nothing to judge.

        Within a grammar it never does: only one of the two can know where the answer stands in it.
        """
        is_judged = self._drafts or self.is_undecided or self.filters.path is not None
        return not (entry.num_logits and is_judged)

    def judge(self, entry: Entry, rows: Tokens[Floats], token_ids: list[int]) -> tuple[list[int], int]:
        """The tokens that come next, and how many tokens of the entry stay computed.

        `token_ids` are those known before the step, `rows` (num_logits, V) its logits.
        """
        drafts, self._drafts = self._drafts[: entry.num_logits - 1], []
        tokens = judge(
            drafts,
            rows,
            token_ids,
            filters=self.filters,
            random=self.random,
            near_tie=self.near_tie,
            end_tokens=self.backend.end_tokens,
        )
        stayed = sum(token == draft.token for token, draft in zip(tokens, drafts, strict=False))
        self.is_undecided = len(tokens) == stayed and not (tokens and tokens[-1] in self.backend.end_tokens)
        kept = len(entry.token_ids) - len(drafts) + len(tokens) - 1
        if kept < len(entry.token_ids):
            self.backend.truncate(entry.slot, entry.position + kept)
        if not self.is_resting:
            self.drafter.observe(entry.position, self.backend.states(entry.slot)[:kept])
        self.num_drafted += len(drafts)
        self.num_accepted += stayed
        return tokens, kept

    def observe(self, entry: Entry) -> None:
        """A part of the prompt was computed, or a token without guesses."""
        if not self.is_resting:
            self.drafter.observe(entry.position, self.backend.states(entry.slot))

    def accept(self, token: int) -> None:
        """Take note of a token that was forced on the answer."""
        if self.filters.path is not None:
            self.filters.path.accept(token)

    def _choose(self, logits: Floats, history: Tokens[int]) -> Draft:
        distribution = self.filters(logits, history)
        draft = Draft(distribution.draw(self.random), distribution)
        if self.filters.path is not None:
            self.filters.path.accept(draft.token)
        return draft
