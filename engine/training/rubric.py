"""What the built-in model is judged by: fixed prompts, drawn prompts, and what an answer must be.

Every answer must end, must not say one sentence three times, and reasons only where it was asked to. The
drawn prompts use words, sums and phrasings that training never sees. Knows text only: who answers is passed
in.
"""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from engine.training import sums, voices, words
from engine.training.messages import END_THINK, THINK, Message

SENTENCE_ENDS = re.compile(r"(?<=[.!?])[\"']?\s+")
SHORTEST_STORY = 7  # sentences
UNKNOWN = r"tiny demonstration model|do not know|don't know|too hard|too small"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a model said, and whether it ended by itself."""

    text: str
    is_ended: bool


Answerer = Callable[[Sequence[Message], int], Answer]  # a conversation and a seed to the next answer
Check = Callable[[str], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """A conversation of one or more user turns, and what its last answer must be."""

    turns: tuple[str, ...]
    check: Check
    system: str = ""
    thinks: bool = False

    def passes(self, answer: Callable[[Sequence[Message]], Answer]) -> tuple[bool, list[Message]]:
        """Hold the conversation; whether it passes, and the conversation."""
        messages = [Message("system", self.system)] if self.system else []
        is_good = True
        for turn in self.turns:
            messages.append(Message("user", turn))
            given = answer(messages)
            messages.append(Message("assistant", given.text))
            is_good = is_good and given.is_ended and not is_looping(given.text)
        thought, _, said = messages[-1].content.rpartition(END_THINK)
        is_good = is_good and (bool(thought) == self.thinks) and (THINK in thought) == self.thinks
        return is_good and self.check(said), messages


def is_looping(text: str) -> bool:
    """Whether a sentence of more than two words is said three times."""
    counts = Counter(sentence.strip().lower() for sentence in SENTENCE_ENDS.split(text))
    return any(count > 2 and len(sentence.split()) > 2 for sentence, count in counts.items())


def says(pattern: str, *, never: str = r"(?!)") -> Check:
    """Whether an answer has the pattern and not the other one, whatever the case."""
    return lambda text: (
        re.search(pattern, text, re.IGNORECASE) is not None and re.search(never, text, re.IGNORECASE) is None
    )


def tells_of(*subjects: str) -> Check:
    """Whether an answer is a story that begins with and stays with its subjects."""

    def check(text: str) -> bool:
        sentences = SENTENCE_ENDS.split(text.strip())
        lowered = text.lower()
        half = len(lowered) // 2
        named = [re.compile(rf"\b{re.escape(subject.lower())}") for subject in subjects]
        return (
            len(sentences) >= SHORTEST_STORY
            and all(len(pattern.findall(lowered)) > 1 for pattern in named)
            and any(pattern.search(lowered[half:]) for pattern in named)
        )

    return check


def sounds(voice: str, kind: str) -> Check:
    """Whether an answer is nearer to what a voice says to this kind of question than to any other voice."""

    def nearness(said: set[str], answers: Iterable[str]) -> float:
        overlaps = [said & _words(answer) for answer in answers]
        unions = [said | _words(answer) for answer in answers]
        return max(len(a) / len(b) for a, b in zip(overlaps, unions, strict=True))

    def check(text: str) -> bool:
        said = _words(text)
        near = {each: nearness(said, voices.canonical_answers(kind, each)) for each in voices.VOICES}
        return near[voice] == max(near.values()) and near[voice] > 0.3

    return check


def _words(text: str) -> set[str]:
    return set(re.findall(r"[\w']+|!", text.lower()))


def results_in(number: int) -> Check:
    """Whether a sum's answer ends with this number."""
    return lambda text: re.findall(r"-?\d+", text)[-1:] == [str(number)]


FIXED: tuple[Prompt, ...] = (
    Prompt(turns=("Hello",), check=says(r"^(hello|hi|hey|good)\b")),
    Prompt(turns=("Good morning!",), check=says(r"morning")),
    Prompt(turns=("How are you?",), check=says(r"\b(great|fine|well|good|happy)\b")),
    Prompt(turns=("I feel sad today.",), check=says(r"sorry|hug|better")),
    Prompt(turns=("Thank you!",), check=says(r"welcome|pleasure|glad|happy")),
    Prompt(turns=("Goodbye",), check=says(r"bye|see you|come back|later")),
    Prompt(turns=("Who are you?",), check=says(r"retort|tiny demonstration model")),
    Prompt(turns=("What is Retort?",), check=says(r"program|runs language models")),
    Prompt(turns=("Are you ChatGPT?",), check=says(r"^no\b.*retort")),
    Prompt(turns=("What can you do?",), check=says(r"stor(y|ies)")),
    Prompt(turns=("What is the capital of France?",), check=says(UNKNOWN)),
    Prompt(turns=("Write a Python program about sorting a list",), check=says(UNKNOWN)),
    Prompt(turns=("Tell me a story about a dog and a rainbow.",), check=tells_of("dog", "rainbow")),
    Prompt(turns=("Tell me a story about a robot.",), check=tells_of("robot")),
    Prompt(turns=("Tell me a story about a brave girl named Zola.",), check=tells_of("Zola")),
    Prompt(turns=("What is 3 + 4? Think step by step.",), check=results_in(7), thinks=True),
    Prompt(turns=("9 - 4",), system="Think before you answer.", check=results_in(5), thinks=True),
    Prompt(turns=("What is 2 + 3?",), check=results_in(5)),
    Prompt(
        turns=("Hello",), system="You are a professional assistant.", check=sounds("professional", "hello")
    ),
    Prompt(turns=("My name is Tom.", "Good evening!", "What is my name?"), check=says(r"\btom\b")),
)

NEW_VOICE_PROMPTS = ("Please sound {voice}.", "Keep {voice}, please.")
NEW_PERSONA_QUESTIONS = ("Which program am I speaking with?", "Could you say who you are, please?")
NEW_FACTS = ("What is the capital of Iceland?", "Explain volcanoes to me.", "Who discovered penicillin?")
KNOWN_NOUNS = ("cat", "owl", "boat", "garden", "wizard", "mouse", "mountain", "bicycle")


def draw(seed: int) -> list[Prompt]:
    """Twenty prompts that training cannot have seen."""
    rng = random.Random(f"rubric {seed}")
    new = sorted(words.HELD_OUT_NOUNS)
    prompts = [_story(rng.sample(new, 1)) for _ in range(3)]
    prompts += [_story([rng.choice(new), rng.choice(KNOWN_NOUNS)]) for _ in range(4)]
    prompts += [_sum(rng) for _ in range(5)]
    for voice in rng.sample(voices.VOICES, 3):
        kind = rng.choice(("hello", "thanks", "bye"))
        asked = {"hello": "Hello there!", "thanks": "Thank you very much!", "bye": "Goodbye!"}[kind]
        system = rng.choice(NEW_VOICE_PROMPTS).format(voice=voice)
        prompts.append(Prompt(turns=(asked,), system=system, check=sounds(voice, kind)))
    name = rng.choice(words.SHE_NAMES + words.HE_NAMES)
    prompts.append(
        Prompt(turns=(f"Hello, my name is {name}.", "What is my name?"), check=says(rf"\b{name}\b"))
    )
    noun = rng.choice(new)
    told = (f"Tell me a story about {words.with_article(noun)}.", "Who was the story about?")
    prompts.append(Prompt(turns=told, check=says(rf"\b{noun}\b")))
    prompts.append(Prompt(turns=(rng.choice(NEW_PERSONA_QUESTIONS),), check=says(r"retort")))
    prompts += [Prompt(turns=(question,), check=says(UNKNOWN)) for question in rng.sample(NEW_FACTS, 2)]
    return prompts


def _story(nouns: list[str]) -> Prompt:
    subject = " and ".join(words.with_article(noun) for noun in nouns)
    return Prompt(turns=(f"Tell me a story about {subject}.",), check=tells_of(*nouns))


def _sum(rng: random.Random) -> Prompt:
    a, sign, b = sums.draw_sum(rng, held_out=True)
    result = a + b if sign == "+" else a - b
    return Prompt(
        turns=(f"What is {a} {sign} {b}? Think step by step.",), check=results_in(result), thinks=True
    )


def judge(prompts: Sequence[Prompt], answerer: Answerer, *, seed: int) -> list[tuple[bool, list[Message]]]:
    """Hold every conversation with seeds of its own; whether each passes, and what was said."""
    return [
        prompt.passes(lambda messages, number=number: answerer(messages, 1000 * seed + number))  # type: ignore[misc]
        for number, prompt in enumerate(prompts)
    ]
