"""The small-talk data set: the same questions, answered in five voices.

It is a classifier's table: many questions share one answer. What contradicts who the model is, is left out,
and where everybody passes (greetings, thanks, goodbyes) our own answers take the place of its single ones.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from engine.training.persona import HELPLINE
from engine.training.voices import VOICES

HELPLINE_MARK = "Suicide Prevention"
LONGEST_QUESTION = 120  # characters

# kinds of questions, by their answer in the friendly voice, that `persona` answers instead
DROPPED = frozenset(
    (
        "Oh, I don't have a name.",
        "I'm a bot who was created by humans.",
        "I come from a long line of code.",
        "People made me out of code and a dash of ingenuity.",
        "I'm here to chat and to try to help out.",
        "That's not one of my talents.",
        "Pretty much this.",
    )
)
# kinds, by their answer in the friendly voice, whose answers are ours
CANONICAL_KINDS = {
    "Hi!": "hello", "Hello!": "hello", "Bye.": "bye", "You're very welcome.": "thanks",
    "I'm doing great, thanks for asking!": "how", "Morning!": "morning", "Evening!": "evening",
    "Nighty night!": "night", "I'm happy you're happy!": "fine",
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """Questions that mean the same, and the answer of every voice."""

    questions: tuple[str, ...]
    answers: dict[str, str]  # by voice
    kind: str = ""  # of `voices.CANONICAL`, where our own answers are taken

    @property
    def is_cry_for_help(self) -> bool:
        """Whether these are the questions of people who want to die."""
        return self.answers[VOICES[0]] == HELPLINE


def group(pairs: Mapping[str, Iterable[tuple[str, str]]]) -> tuple[Intent, ...]:
    """Questions and answers by voice to intents: what all voices answer, by the friendly answer."""
    answers = {voice: dict(each) for voice, each in pairs.items()}
    questions: dict[str, list[str]] = defaultdict(list)
    for question, answer in answers[VOICES[0]].items():
        if answer not in DROPPED and len(question) <= LONGEST_QUESTION and "story" not in question.lower():
            questions[answer].append(question)
    intents = []
    for answer, asked in questions.items():
        by_voice = {voice: answers[voice].get(asked[0], answer) for voice in VOICES}
        if HELPLINE_MARK in answer:
            by_voice = dict.fromkeys(VOICES, HELPLINE)
        kind = CANONICAL_KINDS.get(answer, "")
        intents.append(Intent(questions=tuple(asked), answers=by_voice, kind=kind))
    return tuple(intents)
