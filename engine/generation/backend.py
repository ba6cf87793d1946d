"""What generation needs of an engine. Implemented in `engine.backends`; nothing here imports those."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from engine.contract.model_info import LoadedModel
from engine.contract.params import SamplingParams
from engine.generation.vocabulary import Vocabulary

Cancelled = Callable[[], bool]
Progress = Callable[[float], None]
Floats = np.ndarray[Any, np.dtype[np.float32]]


class DecodeCancelled(Exception):
    """A decode call gave up, its requests being cancelled; the slots may hold a part of their tokens."""


class CacheFull(Exception):
    """A decode call found no room in the KV cache; every slot is as it was before."""


@dataclass(frozen=True, slots=True)
class Entry:
    """Tokens of one slot in a decode call."""

    slot: int
    position: int  # of the first of them: how many the slot holds already
    token_ids: list[int]
    num_logits: int = 1  # the last so many positions get logits; 0 while a prompt goes on


class Sampler(Protocol):
    """Picks tokens for one request; remembers what it picked where penalties need that."""

    def sample(self, row: int) -> int:
        """The next token, from a row of logits of the backend's last decode call."""
        ...

    def accept(self, token: int) -> None:
        """Take note of a token that was not sampled."""
        ...

    def close(self) -> None:
        """Give its memory back."""
        ...


class Backend(Protocol):
    """One loaded model with a KV cache in slots, a sequence in each. Not for several threads at once."""

    @property
    def loaded(self) -> LoadedModel:
        """What was loaded, and how."""
        ...

    @property
    def num_slots(self) -> int:
        """How many sequences the KV cache can tell apart: those that run, and idle ones kept for later."""
        ...

    @property
    def num_positions(self) -> int:
        """How many tokens the KV cache holds, of all slots together; what slots share counts once."""
        ...

    @property
    def can_truncate(self) -> bool:
        """Whether a slot can forget its end; recurrent layers cannot, and go back by `restore_state` only."""
        ...

    @property
    def batch_size(self) -> int:
        """The most tokens of one decode call."""
        ...

    @property
    def is_interruptible(self) -> bool:
        """Whether a decode call that is running notices a cancel; otherwise prefill goes in small chunks."""
        ...

    @property
    def near_tie(self) -> float:
        """Logits nearer than this may change places with the number of rows that a call computes."""
        ...

    @property
    def end_tokens(self) -> frozenset[int]:
        """Tokens that end an answer."""
        ...

    @property
    def chat_template(self) -> str:
        """The Jinja source of the model's chat template, empty where it has none."""
        ...

    @property
    def template_tokens(self) -> dict[str, str]:
        """The texts of `bos_token` and `eos_token` as chat templates name them."""
        ...

    @property
    def vocabulary(self) -> Vocabulary:
        """The tokens as bytes, for grammars."""
        ...

    def tokenize(self, text: str, *, add_special: bool) -> list[int]:
        """Token ids of a text; special tokens written out in it are recognised.

        `add_special` puts the begin token in front where the vocabulary asks for one.
        """
        ...

    def piece(self, token: int, *, special: bool = False) -> bytes:
        """The bytes a token stands for; may be a part of a character.

        Control tokens stand for nothing unless `special` is set.
        """
        ...

    def decode(self, entries: Sequence[Entry], cancelled: Cancelled) -> list[int]:
        """Append tokens to slots, at most `batch_size` in all and one entry per slot.

        Returns for each entry its first row of logits; its others follow on it. Rows are valid until the
        next call. Raises CacheFull; DecodeCancelled where `cancelled` became true on the way; EngineError.
        """
        ...

    def logits(self, row: int) -> Floats:
        """A row of logits, (V,), valid until the next decode call."""
        ...

    def truncate(self, slot: int, length: int) -> bool:
        """Forget a slot's positions from `length` on; false where it cannot, and then nothing has changed.

        Every backend can forget all of a slot, or nothing of it.
        """
        ...

    def copy(self, source: int, target: int, length: int) -> None:
        """Let an empty slot hold the first positions of another: all of them unless `can_truncate`."""
        ...

    def save_state(self, slot: int, *, partial: bool = False) -> bytes:
        """What a slot holds; `partial` leaves out what `truncate` can bring back: keys and values."""
        ...

    def restore_state(self, slot: int, state: bytes, *, partial: bool = False) -> bool:
        """Make an empty slot hold what was saved, or with `partial` a slot that has gone on since then.

        False where there is no room; the slot is empty then.
        """
        ...

    def sampler(self, params: SamplingParams, seed: int, history: Sequence[int]) -> Sampler:
        """A sampler for one request; `history` is the prompt, for repeat penalties."""
        ...

    def states(self, slot: int) -> Any:
        """What the last decode call leaves a drafter: a sequence with a row per token of its entry, or ()."""
        ...

    def drafter(self) -> Any:
        """A `draft.Drafter` for one sequence; None where the model has nothing to draft with."""
        ...

    def expert_counts(self, slot: int) -> tuple[tuple[int, ...], ...]:
        """How often each expert of each layer was chosen since the slot was empty; () where nobody counts."""
        ...

    def close(self) -> None:
        """Free the model."""
        ...
