"""What is said: the messages of a conversation as the engine sees them."""

from dataclasses import dataclass
from typing import Literal

Role = Literal["system", "user", "assistant"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatMessage:
    """One message on the path from the first message of a conversation to its newest."""

    role: Role
    text: str
