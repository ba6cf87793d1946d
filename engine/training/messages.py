"""What a dialogue is made of."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Literal

Role = Literal["system", "user", "assistant"]
THINK, END_THINK = "<think>", "</think>"  # around reasoning; ordinary tokens, so that their text shows


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a dialogue; the role is "system", "user" or "assistant"."""

    role: Role
    content: str


Dialogue = tuple[Message, ...]


def exchange(question: str, answer: str) -> Dialogue:
    """One question and its answer."""
    return Message("user", question), Message("assistant", answer)


def vary(question: str, rng: random.Random) -> str:
    """`question` as people type it: sometimes without capitals, sometimes without its last mark."""
    if rng.random() < 0.25:
        question = question.lower()
    if rng.random() < 0.25:
        question = question.rstrip(".?!")
    return question
