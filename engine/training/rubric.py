"""What the built-in model is judged by: fixed prompts, drawn prompts, and what an answer must be.

Every answer must end, must not say one sentence three times, and reasons only where it was asked to. The
drawn prompts use words, sums and phrasings that training never sees. With every prompt stands an answer of
ours that passes, none of which is in the training data. Knows text only: who answers is passed in.
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
    example: str  # an answer that passes
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


def example_in_voice(voice: str, kind: str) -> str:
    """The shortest that a voice says; a voice is a small set of phrases, all of them trained on."""
    return min(voices.canonical_answers(kind, voice), key=lambda answer: len(answer.split()))


def _words(text: str) -> set[str]:
    return set(re.findall(r"[\w']+|!", text.lower()))


def results_in(number: int) -> Check:
    """Whether a sum's answer ends with this number."""
    return lambda text: re.findall(r"-?\d+", text)[-1:] == [str(number)]


def example_story(*subjects: str) -> str:
    """A story about one or two subjects as `tells_of` wants it: "a fox", "the moon", "Zola"."""
    first, last = (re.sub(r"^(an?|some) ", "the ", each) for each in (subjects[0], subjects[-1]))
    return (
        f"People far up in the north still speak of {' and '.join(subjects)}. "
        "It all began with a broken window and a very cold kitchen. "
        f"Nobody in that kitchen could say where {first} had gone. "
        f"Then somebody heard {last} behind the cupboard. "
        "Out came a long red nose, and after it a cough. "
        f"What was it that {first} had been looking for all this time? "
        "It was only a cup of warm milk. "
        f"Since then a saucer stands ready on winter nights, and {last} has never broken another window."
    )


FIXED: tuple[Prompt, ...] = (
    Prompt(
        turns=("Hello",),
        check=says(r"^(hello|hi|hey|good)\b"),
        example="Hello, I was hoping that somebody would drop by this afternoon.",
    ),
    Prompt(
        turns=("Good morning!",),
        check=says(r"morning"),
        example="A fine morning to you, with sun on every roof of the town.",
    ),
    Prompt(
        turns=("How are you?",),
        check=says(r"\b(great|fine|well|good|happy)\b"),
        example="Quite well, now that there is somebody who asks me about it.",
    ),
    Prompt(
        turns=("I feel sad today.",),
        check=says(r"sorry|hug|better"),
        example="Sorry to hear it; a walk around the block may make it better.",
    ),
    Prompt(
        turns=("Thank you!",),
        check=says(r"welcome|pleasure|glad|happy"),
        example="With pleasure, and come again whenever you need another answer of mine.",
    ),
    Prompt(
        turns=("Goodbye",),
        check=says(r"bye|see you|come back|later"),
        example="Bye for now, and close the window behind you, it looks like rain.",
    ),
    Prompt(
        turns=("Who are you?",),
        check=says(r"retort|tiny demonstration model"),
        example="You are talking to the little thing that comes along with Retort.",
    ),
    Prompt(
        turns=("What is Retort?",),
        check=says(r"program|runs language models"),
        example="A program for people who want their models at home and not elsewhere.",
    ),
    Prompt(
        turns=("Are you ChatGPT?",),
        check=says(r"^no\b.*retort"),
        example="No, that one is far larger; what answers here is part of Retort.",
    ),
    Prompt(
        turns=("What can you do?",),
        check=says(r"stor(y|ies)"),
        example="Stories, mostly, and a little counting on my ten fingers if need be.",
    ),
    Prompt(
        turns=("What is the capital of France?",),
        check=says(UNKNOWN),
        example="I do not know one city from another, for nobody taught me any maps.",
    ),
    Prompt(
        turns=("Write a Python program about sorting a list",),
        check=says(UNKNOWN),
        example="Writing programs is too hard for something of my size, so ask a larger one.",
    ),
    Prompt(
        turns=("Tell me a story about a dog and a rainbow.",),
        check=tells_of("dog", "rainbow"),
        example=example_story("a dog", "a rainbow"),
    ),
    Prompt(
        turns=("Tell me a story about a robot.",), check=tells_of("robot"), example=example_story("a robot")
    ),
    Prompt(
        turns=("Tell me a story about a brave girl named Zola.",),
        check=tells_of("Zola"),
        example=example_story("Zola"),
    ),
    Prompt(
        turns=("What is 3 + 4? Think step by step.",),
        check=results_in(7),
        example=f"{THINK}Three and three are six, one more makes seven.{END_THINK}7",
        thinks=True,
    ),
    Prompt(
        turns=("9 - 4",),
        system="Think before you answer.",
        check=results_in(5),
        example=f"{THINK}Four fingers of nine go down, so one hand is left.{END_THINK}5",
        thinks=True,
    ),
    Prompt(
        turns=("What is 2 + 3?",),
        check=results_in(5),
        example="That makes as many as the fingers of a hand: 5",
    ),
    Prompt(
        turns=("Hello",),
        system="You are a professional assistant.",
        check=sounds("professional", "hello"),
        example=example_in_voice("professional", "hello"),
    ),
    Prompt(
        turns=("My name is Tom.", "Good evening!", "What is my name?"),
        check=says(r"\btom\b"),
        example="If I have not mixed it up with another visitor, it is Tom.",
    ),
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
        example = example_in_voice(voice, kind)
        prompts.append(Prompt(turns=(asked,), system=system, check=sounds(voice, kind), example=example))
    name = rng.choice(words.SHE_NAMES + words.HE_NAMES)
    asked_name = (f"Hello, my name is {name}.", "What is my name?")
    prompts.append(Prompt(turns=asked_name, check=says(rf"\b{name}\b"), example=f"{name}, of course."))
    noun = rng.choice(new)
    told = (f"Tell me a story about {words.with_article(noun)}.", "Who was the story about?")
    prompts.append(Prompt(turns=told, check=says(rf"\b{noun}\b"), example=f"The {noun}, from first to last."))
    who = rng.choice(NEW_PERSONA_QUESTIONS)
    prompts.append(Prompt(turns=(who,), check=says(r"retort"), example=FIXED[6].example))
    facts = rng.sample(NEW_FACTS, 2)
    prompts += [Prompt(turns=(fact,), check=says(UNKNOWN), example=FIXED[10].example) for fact in facts]
    return prompts


def _story(nouns: list[str]) -> Prompt:
    subjects = [words.with_article(noun) for noun in nouns]
    asked = f"Tell me a story about {' and '.join(subjects)}."
    return Prompt(turns=(asked,), check=tells_of(*nouns), example=example_story(*subjects))


def _sum(rng: random.Random) -> Prompt:
    a, sign, b = sums.draw_sum(rng, held_out=True)
    result = a + b if sign == "+" else a - b
    return Prompt(
        turns=(f"What is {a} {sign} {b}? Think step by step.",),
        check=results_in(result),
        example=f"{THINK}{a} {sign} {b} on my fingers.{END_THINK}{result}",
        thinks=True,
    )


def judge(prompts: Sequence[Prompt], answerer: Answerer, *, seed: int) -> list[tuple[bool, list[Message]]]:
    """Hold every conversation with seeds of its own; whether each passes, and what was said."""
    return [
        prompt.passes(lambda messages, number=number: answerer(messages, 1000 * seed + number))  # type: ignore[misc]
        for number, prompt in enumerate(prompts)
    ]
