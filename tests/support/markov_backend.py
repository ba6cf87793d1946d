"""A model whose next token depends on the last one alone: every distribution can be written down."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from engine.contract.model_info import LoadedModel, ModelInfo
from engine.contract.params import SamplingParams
from engine.generation.backend import CacheFull, Cancelled, Entry, Floats
from engine.generation.draft import Draft
from engine.generation.sampler import LogitsSampler
from engine.generation.vocabulary import Vocabulary

PIECES = (b"a", b"b", b"c", b"d", b"ab", b"cd")
V = len(PIECES)


def markov_table(seed: int) -> Floats:
    """Logits (V, V): a row for each token that came before."""
    return np.random.default_rng(seed).normal(0, 1.2, (V, V)).astype(np.float32)


class MarkovBackend:
    """As much of a backend as sequences need; checks that what is computed follows on what is there."""

    def __init__(
        self, *, num_slots: int = 64, num_positions: int = 10_000, end_tokens: frozenset[int] = frozenset()
    ) -> None:
        self.table = markov_table(1)
        self.num_slots, self.num_positions, self.batch_size = num_slots, num_positions, 512
        self.can_truncate = self.is_interruptible = True
        self.end_tokens, self.chat_template, self.template_tokens = end_tokens, "", dict[str, str]()
        self.near_tie = 0.0
        self.vocabulary = Vocabulary(self.piece, V, end_tokens)
        info = ModelInfo(
            name="", path="", architecture="", size_bytes=0, parameters=0, quantization="",
            context_length=1000, vocabulary_size=V, has_chat_template=False,
        )  # fmt: skip
        self.loaded = LoadedModel(
            info=info, backend="fake", device="", context_length=1000, kv_bytes_per_token=8, load_ms=0.0,
            backend_version="", sequences=num_slots,
        )  # fmt: skip
        self.slots: list[list[int]] = [[] for _ in range(num_slots)]
        self.most_entries = 0  # of any call
        self._rows: list[Floats] = []

    def tokenize(self, text: str, *, add_special: bool) -> list[int]:
        return [PIECES.index(character.encode()) for character in text]

    def piece(self, token: int, *, special: bool = False) -> bytes:
        return PIECES[token]

    def decode(self, entries: Sequence[Entry], cancelled: Cancelled) -> list[int]:
        new = sum(len(entry.token_ids) for entry in entries)
        assert new <= self.batch_size
        if sum(map(len, self.slots)) + new > self.num_positions:
            raise CacheFull
        self.most_entries = max(self.most_entries, len(entries))
        self._rows, rows = [], []
        for entry in entries:
            assert len(self.slots[entry.slot]) == entry.position
            self.slots[entry.slot] += entry.token_ids
            rows.append(len(self._rows))
            wanted = entry.token_ids[len(entry.token_ids) - entry.num_logits :]
            self._rows += [self.table[token] for token in wanted]
        return rows

    def logits(self, row: int) -> Floats:
        return self._rows[row]

    def truncate(self, slot: int, length: int) -> bool:
        del self.slots[slot][length:]
        return True

    def copy(self, source: int, target: int, length: int) -> None:
        self.slots[target] = self.slots[source][:length]

    def save_state(self, slot: int, *, partial: bool = False) -> bytes:
        return bytes(self.slots[slot])

    def restore_state(self, slot: int, state: bytes, *, partial: bool = False) -> bool:
        self.slots[slot] = list(state)
        return True

    def sampler(self, params: SamplingParams, seed: int, history: Sequence[int]) -> LogitsSampler:
        return LogitsSampler(params, seed, history, logits=self.logits, vocabulary=self.vocabulary)

    def states(self, slot: int) -> tuple[()]:
        return ()

    def drafter(self) -> "MarkovDrafter":
        return MarkovDrafter(2)

    def expert_counts(self, slot: int) -> tuple[tuple[int, ...], ...]:
        return ()

    def close(self) -> None:
        return None


class MarkovDrafter:
    """Guesses from another such table."""

    def __init__(self, seed: int) -> None:
        self.table = markov_table(seed)

    def observe(self, position: int, states: Any) -> None:
        return None

    def rest(self, is_resting: bool) -> None:
        return None

    def propose(self, token_ids: Sequence[int], most: int, choose: Any) -> list[Draft]:
        drafts: list[Draft] = []
        for _ in range(most):
            known = [*token_ids, *(draft.token for draft in drafts)]
            drafts.append(choose(self.table[known[-1]], known))
        return drafts
