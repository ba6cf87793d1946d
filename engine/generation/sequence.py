"""The one mutable record of generation: the tokens of a request and how far they are computed."""

from dataclasses import dataclass


@dataclass(slots=True)
class Sequence:
    """A prompt and what has been generated after it."""

    token_ids: list[int]
    prompt_length: int
    cached_length: int = 0  # positions whose keys and values are in the KV cache

    @property
    def generated_length(self) -> int:
        """Tokens generated so far."""
        return len(self.token_ids) - self.prompt_length

    @property
    def pending(self) -> list[int]:
        """Tokens that are known but not yet computed: the prompt at first, then one at a time."""
        return self.token_ids[self.cached_length :]
