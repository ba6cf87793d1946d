"""A scheduler over a backend that drafts, driven by hand."""

import numpy as np

from engine.contract.params import SamplingParams
from engine.generation.backend import Backend
from engine.generation.drafting import Drafting
from engine.generation.governor import Governor
from engine.generation.sampler import request_filters
from engine.generation.sequence import Sequence
from tests.support.generation import GREEDY, new_scheduler


class DraftConversation:
    """Sequences of a backend, with drafts where it has a drafter; `depth` None lets the governor choose."""

    def __init__(self, backend: Backend, depth: int | None) -> None:
        self.backend, self._depth = backend, depth
        self.scheduler = new_scheduler(backend)

    def sequence(
        self,
        token_ids: list[int],
        max_tokens: int = 40,
        name: str = "a",
        params: SamplingParams = GREEDY,
        seed: int = 0,
    ) -> Sequence:
        drafter, drafting = self.backend.drafter(), None
        if drafter is not None:
            rng = np.random.default_rng((seed, 1))
            filters = request_filters(params, rng, self.backend.vocabulary)
            governor = Governor(fixed=self._depth)
            drafting = Drafting(self.backend, drafter, filters, rng, governor, self.backend.near_tie)
        return Sequence(
            token_ids=list(token_ids),
            sampler=self.backend.sampler(params, seed, token_ids),
            max_tokens=max_tokens,
            conversation_id=name,
            drafting=drafting,
        )

    def run(self, *sequences: Sequence) -> list[list[int]]:
        """What the sequences generate, together."""
        for sequence in sequences:
            self.scheduler.add(sequence)
        while self.scheduler.has_work:
            self.scheduler.step()
        errors = [sequence.error for sequence in sequences if sequence.error is not None]
        assert not errors, errors
        return [sequence.token_ids[sequence.prompt_length :] for sequence in sequences]


def accepted(*sequences: Sequence) -> tuple[int, int]:
    """How many guesses there were, and how many of them stayed."""
    draftings = [sequence.drafting for sequence in sequences if sequence.drafting is not None]
    return sum(one.num_drafted for one in draftings), sum(one.num_accepted for one in draftings)
