"""A model of the torch engine in a scheduler, without a tokenizer: answers with drafts, token by token."""

from types import SimpleNamespace
from typing import Any

import numpy as np

from engine.contract.params import SamplingParams
from engine.generation.backend import Entry
from engine.generation.drafting import Drafting
from engine.generation.governor import Governor
from engine.generation.sampler import LogitsSampler, request_filters
from engine.generation.sequence import Sequence
from engine.generation.speculative import NEAR_TIE
from engine.generation.vocabulary import Vocabulary
from engine.transformer.model import Transformer
from tests.support.generation import GREEDY, new_scheduler, run

CHUNK = 64  # tokens of a prompt in one call


class TransformerBackend:
    """As much of a backend as the scheduler needs, over a model without a tokenizer."""

    def __init__(
        self, model: Transformer, context_length: int, end_tokens: frozenset[int] = frozenset()
    ) -> None:
        self.model, self.end_tokens = model, end_tokens
        self.batch_size, self.num_slots, self.num_positions = CHUNK, 1, context_length
        self.can_truncate = self.is_interruptible = True
        self.vocabulary = Vocabulary(lambda token: b"", model.config.vocabulary_size, end_tokens)
        self.loaded = SimpleNamespace(sequences=1, context_length=context_length)
        self.cache = model.new_cache(context_length)

    def decode(self, entries: list[Entry], cancelled: Any) -> list[int]:
        (entry,) = entries
        self.hidden = self.model.hidden_states(entry.token_ids, entry.position, self.cache)
        wanted = self.hidden[len(self.hidden) - entry.num_logits :]
        self.rows = list(self.model.logits(wanted).numpy()) if entry.num_logits else []
        return [0]

    def logits(self, row: int) -> Any:
        return self.rows[row]

    def states(self, slot: int) -> Any:
        return self.hidden

    def truncate(self, slot: int, length: int) -> bool:
        self.cache.truncate(length)
        return True

    def expert_counts(self, slot: int) -> tuple[()]:
        return ()


def drafted_answer(
    model: Transformer,
    drafter: Any,
    prompt: list[int],
    *,
    depth: int,
    max_tokens: int,
    context_length: int,
    sampling: SamplingParams = GREEDY,
    near_tie: float = NEAR_TIE,
    end_tokens: frozenset[int] = frozenset(),
) -> tuple[list[int], Sequence]:
    """An answer with drafts of a fixed depth, without its end token, and its sequence."""
    backend: Any = TransformerBackend(model, context_length, end_tokens)
    rng = np.random.default_rng(0)
    filters = request_filters(sampling, rng, backend.vocabulary)
    sequence = Sequence(
        token_ids=list(prompt),
        sampler=LogitsSampler(sampling, 0, prompt, logits=backend.logits, vocabulary=backend.vocabulary),
        max_tokens=max_tokens,
        drafting=Drafting(backend, drafter, filters, rng, Governor(fixed=depth), near_tie),
    )
    generated = run(new_scheduler(backend), sequence)
    assert sequence.error is None
    return [one.token for one in generated], sequence
