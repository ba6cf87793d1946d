"""Drafts in a sequence that the scheduler runs: what to guess before a step, what to keep after it.

Guesses are made while the sequence runs alone: in a batch of several the model is busy without them.
"""

import time
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
    governor: Governor
    near_tie: float
    num_drafted: int = 0
    num_accepted: int = 0
    _drafts: list[Draft] = field(default_factory=list)
    _depth: int | None = None  # of the step that runs; None where none was asked for
    _started_s: float = 0.0  # of that step, guessing included

    def propose(self, token_ids: list[int], most: int) -> list[int]:
        """Guesses for the next step, at most `most`; all but the last of `token_ids` are computed."""
        self._started_s = time.perf_counter()
        self._depth = self.governor.next_depth()
        most = min(self._depth, most)
        self._drafts = self.drafter.propose(token_ids, most, self._choose) if most > 0 else []
        return [draft.token for draft in self._drafts]

    def judge(self, entry: Entry, row: int, token_ids: list[int]) -> tuple[list[int], int]:
        """The tokens that come next, and how many tokens of the entry stay.

        `token_ids` are those known before the step; its logits begin at `row`.
        """
        drafts, self._drafts = self._drafts, []
        logits = [self.backend.logits(row + number) for number in range(entry.num_logits)]
        states = self.backend.states(entry.slot)

        def alone(history: list[int]) -> Floats:
            last = Entry(entry.slot, len(history) - 1, history[-1:])
            self.backend.truncate(entry.slot, last.position)
            (again,) = self.backend.decode([last], lambda: False)
            return self.backend.logits(again)

        tokens, num_rows = judge(
            drafts,
            logits,
            token_ids,
            filters=self.filters,
            random=self.random,
            near_tie=self.near_tie,
            end_tokens=self.backend.end_tokens,
            alone=alone,
        )
        kept = len(entry.token_ids) - len(drafts) + num_rows - 1
        self.backend.truncate(entry.slot, entry.position + kept)
        self.drafter.observe(entry.position, states[:kept])
        self.num_drafted += len(drafts)
        self.num_accepted += sum(t == d.token for t, d in zip(tokens, drafts, strict=False))
        if self._depth is not None:
            self.governor.record(self._depth, len(tokens), time.perf_counter() - self._started_s)
            self._depth = None
        return tokens, kept

    def observe(self, entry: Entry) -> None:
        """A part of the prompt was computed."""
        self.drafter.observe(entry.position, self.backend.states(entry.slot))

    def _choose(self, logits: Floats, history: Tokens[int]) -> Draft:
        distribution = self.filters(logits, history)
        return Draft(distribution.draw(self.random), distribution)
