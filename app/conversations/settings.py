"""What one conversation sets for itself: who answers, and how. All else follows the general settings."""

import json
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from engine.contract.params import SamplingParams

SamplingValue = float | int | str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversationSettings:
    """Empty and None everywhere is a conversation as it begins; a change is a new record."""

    system_prompt: str = ""
    model: str = ""  # `builtin`, a path or a library name; empty: the one chosen in the window
    sampling: dict[str, SamplingValue] = field(default_factory=dict)  # fields of SamplingParams, changed ones
    reasoning_effort: str = ""  # one of the loaded model's reasoning_efforts; empty: its own default
    keep_language: bool = False  # other scripts than the conversation's become unlikely
    preset: str = ""  # the name of the preset that the values came from
    max_tokens: int | None = None  # of an answer; None goes on to the context length
    stop: tuple[str, ...] = ()  # stop strings

    def sampling_params(self) -> SamplingParams:
        """The params of a call; names that this version does not know are left out. Raises ValueError."""
        known = {field.name for field in fields(SamplingParams)}
        return SamplingParams(
            **{name: value for name, value in self.sampling.items() if name in known}  # type: ignore[arg-type]
        )

    def to_json(self) -> str:
        """The fields that differ from a new conversation's, as a JSON object."""
        plain = asdict(ConversationSettings())
        return json.dumps({name: value for name, value in asdict(self).items() if value != plain[name]})

    @classmethod
    def from_json(cls, text: str) -> "ConversationSettings":
        """The settings in a JSON object; what is unknown or of a wrong kind is left out."""
        values = json.loads(text)
        if not isinstance(values, dict):
            return cls()
        fitting = {name: value for name, value in values.items() if _fits(name, value)}
        if "stop" in fitting:
            fitting["stop"] = tuple(fitting["stop"])
        return cls(**fitting)


_TEXTS = {"system_prompt", "model", "reasoning_effort", "preset"}


def _fits(name: str, value: Any) -> bool:
    if name == "sampling":
        return isinstance(value, dict) and all(
            isinstance(one, float | int | str) or one is None for one in value.values()
        )
    if name == "max_tokens":
        return value is None or (isinstance(value, int) and not isinstance(value, bool) and value >= 0)
    if name == "keep_language":
        return isinstance(value, bool)
    if name == "stop":
        return isinstance(value, list) and all(isinstance(one, str) and one for one in value)
    return name in _TEXTS and isinstance(value, str)
