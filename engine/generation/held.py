"""What is remembered of token ids whose keys and values are somewhere: in a slot, or parked in RAM."""

from dataclasses import dataclass, field

from engine.generation.common_prefix import common_prefix_length
from engine.generation.sequence import Sequence

KEPT_CHECKPOINTS = 16  # per conversation; the newest, two for every turn


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The state of recurrent layers after the first `length` tokens of a slot."""

    length: int
    state: bytes


@dataclass(slots=True, eq=False)
class Held:
    """Tokens that need not be computed again."""

    conversation_id: str = ""
    idle_token_ids: list[int] = field(default_factory=list)
    checkpoints: list[Checkpoint] = field(default_factory=list)  # oldest first
    shared_length: int = 0  # of its beginning, that another slot holds too
    used_at: int = 0  # counts releases: the smallest was used longest ago
    sequence: Sequence | None = None  # that runs on it now
    state: bytes = b""  # where it is parked

    @property
    def token_ids(self) -> list[int]:
        """What is held, in order."""
        return self.idle_token_ids if self.sequence is None else self.sequence.cached_token_ids

    @property
    def length(self) -> int:
        """How many tokens are held."""
        return len(self.idle_token_ids) if self.sequence is None else self.sequence.cached_length

    @property
    def is_idle(self) -> bool:
        """Whether something is held that nobody is working on."""
        return self.sequence is None and bool(self.idle_token_ids)

    @property
    def is_empty(self) -> bool:
        """Whether nothing is held."""
        return self.sequence is None and not self.idle_token_ids

    @property
    def size_bytes(self) -> int:
        """RAM that it takes besides a slot."""
        return len(self.state) + sum(len(checkpoint.state) for checkpoint in self.checkpoints)

    def common_length(self, token_ids: list[int]) -> int:
        """How many leading tokens it shares with a prompt."""
        return common_prefix_length(self.token_ids, token_ids)

    def checkpoint_within(self, length: int) -> Checkpoint | None:
        """The newest one that is not beyond `length`."""
        return next((point for point in reversed(self.checkpoints) if point.length <= length), None)

    def has_checkpoint_at(self, length: int) -> bool:
        """Whether there is one of exactly so many tokens."""
        return any(point.length == length for point in self.checkpoints)

    def forget_beyond(self, length: int) -> None:
        """Drop the checkpoints of tokens that are held no longer."""
        self.checkpoints = [point for point in self.checkpoints if point.length <= length]

    def add_checkpoint(self, checkpoint: Checkpoint) -> None:
        """Keep one more, and of all the newest."""
        self.forget_beyond(checkpoint.length - 1)
        self.checkpoints = [*self.checkpoints, checkpoint][-KEPT_CHECKPOINTS:]

    def clear(self) -> None:
        """Hold nothing."""
        self.conversation_id, self.idle_token_ids, self.checkpoints, self.shared_length = "", [], [], 0
