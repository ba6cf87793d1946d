"""What generation needs of an engine. Implemented in `engine.backends`; nothing here imports those."""

from collections.abc import Callable, Sequence
from typing import Protocol

from engine.contract.model_info import LoadedModel
from engine.contract.params import SamplingParams

Cancelled = Callable[[], bool]
Progress = Callable[[float], None]


class DecodeCancelled(Exception):
    """A decode call gave up because its request was cancelled; the KV cache holds a part of the chunk."""


class Sampler(Protocol):
    """Picks tokens for one request; remembers what it picked where penalties need that."""

    def sample(self) -> int:
        """The next token, from the logits of the backend's last decoded position."""
        ...

    def close(self) -> None:
        """Give its memory back."""
        ...


class Backend(Protocol):
    """One loaded model with one KV cache. Not for several threads at once."""

    @property
    def loaded(self) -> LoadedModel:
        """What was loaded, and how."""
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

    def decode(self, token_ids: Sequence[int], position: int, cancelled: Cancelled) -> None:
        """Append tokens to the KV cache from `position` on; afterwards the logits are the last one's.

        Raises DecodeCancelled where `cancelled` became true on the way.
        """
        ...

    def truncate(self, length: int) -> bool:
        """Forget every position from `length` on; false where the model cannot, and then all is forgotten."""
        ...

    def sampler(self, params: SamplingParams, seed: int, history: Sequence[int]) -> Sampler:
        """A sampler for one request; `history` is the prompt, for repeat penalties."""
        ...

    def close(self) -> None:
        """Free the model."""
        ...
