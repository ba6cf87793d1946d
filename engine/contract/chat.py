"""What is said: the messages of a conversation as the engine sees them, and the parts of an answer."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Role = Literal["system", "user", "assistant", "tool"]


@dataclass(frozen=True, slots=True)
class TextPart:
    """What an answer says to the user."""

    text: str


@dataclass(frozen=True, slots=True)
class ReasoningPart:
    """What a model thinks before it answers."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCallPart:
    """A tool the model wants called; with `error` set it is only what the model wrote."""

    name: str = ""
    arguments: str = "{}"  # a JSON object, as text
    call_id: str = ""  # what a tool result refers to
    raw: str = ""  # the call as the model wrote it, without the marks around it
    error: str = ""  # why it cannot be called; empty for a good one


Part = TextPart | ReasoningPart | ToolCallPart


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatMessage:
    """One message on the path from the first message of a conversation to its newest."""

    role: Role
    text: str = ""
    reasoning: str = ""  # of an answer
    tool_calls: tuple[ToolCallPart, ...] = ()  # of an answer
    call_id: str = ""  # which call a tool result is for

    @classmethod
    def answer(cls, parts: Iterable[Part]) -> "ChatMessage":
        """The assistant's message that an answer's parts make; parts of one kind follow one another."""
        text, reasoning, calls = "", "", list[ToolCallPart]()
        for part in parts:
            if isinstance(part, TextPart):
                text += part.text
            elif isinstance(part, ReasoningPart):
                reasoning += part.text
            else:
                calls.append(part)
        return cls(role="assistant", text=text, reasoning=reasoning, tool_calls=tuple(calls))
