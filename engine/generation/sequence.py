"""The one mutable record of generation: the tokens of a request and how far they are computed."""

from dataclasses import dataclass, field

from engine.contract.errors import EngineError
from engine.contract.messages import FinishReason
from engine.generation.backend import Cancelled, Sampler
from engine.generation.drafting import Drafting


def never() -> bool:
    """For a request that nobody cancels."""
    return False


@dataclass(slots=True, eq=False, kw_only=True)
class Sequence:
    """A prompt and what has been generated after it.

    `reason` is set once it has ended, `error` where a fault of its own ended it.
    """

    token_ids: list[int]
    sampler: Sampler
    max_tokens: int
    cancelled: Cancelled = never
    conversation_id: str = ""  # empty for a side request, whose cache nobody comes back for
    logprobs: int | None = None  # how many alternatives to tell with each token; None tells nothing
    prompt_length: int = field(init=False)
    slot: int = -1  # where in the backend its keys and values are, while it runs
    cached_length: int = 0  # positions whose keys and values are there
    reused_length: int = 0  # of the prompt, found there when it began
    started_s: float = 0.0  # when it first got a slot, on the clock of time.perf_counter
    expert_counts_before: tuple[tuple[int, ...], ...] = ()  # of its slot, when it got it
    drafting: Drafting | None = None  # guesses several tokens per step, in place of the sampler
    reason: FinishReason | None = None
    error: EngineError | None = None
    _forced: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        """What is there at first is the prompt."""
        self.prompt_length = len(self.token_ids)

    @property
    def has_ended(self) -> bool:
        """Whether nothing more will come."""
        return self.reason is not None or self.error is not None

    @property
    def generated_length(self) -> int:
        """Tokens generated so far."""
        return len(self.token_ids) - self.prompt_length

    @property
    def pending_length(self) -> int:
        """Tokens that are known but not yet computed: the prompt at first, then one at a time."""
        return len(self.token_ids) - self.cached_length

    @property
    def cached_token_ids(self) -> list[int]:
        """What its slot holds."""
        return self.token_ids[: self.cached_length]

    def force(self, token_ids: list[int]) -> None:
        """Let the answer go on with these tokens; sampling follows after them.

        They count as generated and come out of the next step like any others.
        """
        self._forced += token_ids

    def take_forced(self) -> list[int]:
        """The tokens that go next without being sampled."""
        if not self._forced:
            return self._forced
        forced, self._forced = self._forced, []
        return forced
