"""Tiny sums, and reasoning for those who ask for it.

Sums are counted, and every step says how many are left, so that the count knows when to stop. Some pairs of
numbers are kept out of training, to see whether it counts or remembers.
"""

from __future__ import annotations

import random

from engine.training.messages import END_THINK, THINK, Dialogue, Message, exchange, vary

LARGEST = 10  # of the numbers that are added or taken away
SHORTEST_COUNT = 2  # steps; less is known by heart
PLUS_QUESTIONS = (
    "What is {a} + {b}?", "{a} + {b}", "{a}+{b}", "{a} + {b} = ?", "How much is {a} + {b}?",
    "What is {a} plus {b}?",
    "How much is {a} plus {b}?", "Add {a} and {b}.", "{a} plus {b}", "Can you add {a} and {b}?",
    "I have {a} apples and get {b} more. How many apples do I have?",
    "There are {a} birds in a tree and {b} more come. How many birds are there?",
)  # fmt: skip
MINUS_QUESTIONS = (
    "What is {a} - {b}?", "{a} - {b}", "{a}-{b}", "{a} - {b} = ?", "How much is {a} - {b}?",
    "What is {a} minus {b}?",
    "How much is {a} minus {b}?", "Take {b} from {a}.", "{a} minus {b}", "What is {a} take away {b}?",
    "I have {a} apples and eat {b}. How many apples are left?",
    "There are {a} birds in a tree and {b} fly away. How many birds are left?",
)  # fmt: skip
THINK_SYSTEM_PROMPTS = (
    "Think before you answer.",
    "You are a small assistant. Think before you answer.",
    "Think step by step.",
    "You are a helpful assistant that thinks first.",
    "Please think first, then answer.",
)
THINK_REQUESTS = (
    "{question} Think step by step.",
    "{question} Think first.",
    "Think: {question}",
    "Think step by step: {question}",
    "Please think before you answer. {question}",
    "Think about this: {question}",
)


def is_held_out(a: int, sign: str, b: int) -> bool:
    """Whether a sum is kept out of training: one in seven, wherever it would be met."""
    first, second = (max(a, b), min(a, b)) if sign == "+" else (a, b)
    return (first * 5 + second * 3 + (sign == "-")) % 7 == 0 and second > 1


def draw_sum(rng: random.Random, *, held_out: bool = False) -> tuple[int, str, int]:
    """Two numbers and "+" or "-"; the result is never below zero."""
    while True:
        if rng.random() < 0.55:
            a, sign, b = rng.randint(0, LARGEST), "+", rng.randint(0, LARGEST)
        else:
            a, sign, b = rng.randint(1, 2 * LARGEST), "-", rng.randint(0, LARGEST)
        if (sign == "+" or b <= a) and is_held_out(a, sign, b) == held_out:
            return a, sign, b


def counted(a: int, sign: str, b: int) -> str:
    """The reasoning: counting up from the larger number, or down from the first."""
    start, count, way = _way(a, sign, b)
    if not count:
        return f"Start at {start}. There is nothing to count. The answer is {start}."
    steps = f"Start at {start} and count {way} {count}: {_steps(a, sign, b)}."
    return f"{steps} The answer is {_result(a, sign, b)}."


def _way(a: int, sign: str, b: int) -> tuple[int, int, str]:
    """Where the count begins, its length and its direction."""
    return (max(a, b), min(a, b), "up") if sign == "+" else (a, b, "down")


def _steps(a: int, sign: str, b: int) -> str:
    start, count, way = _way(a, sign, b)
    step = 1 if way == "up" else -1
    return "; ".join(
        f"{start + step * number}, {count - number or 'none'} left" for number in range(1, count + 1)
    )


def _result(a: int, sign: str, b: int) -> int:
    return a + b if sign == "+" else a - b


def question_of(a: int, sign: str, b: int, rng: random.Random) -> str:
    """One of the ways to ask for a sum."""
    return rng.choice(PLUS_QUESTIONS if sign == "+" else MINUS_QUESTIONS).format(a=a, b=b)


def sum_exchange(rng: random.Random, *, held_out: bool = False) -> Dialogue:
    """A sum and its result; more than one step is counted aloud, since nobody asked for reasoning."""
    a, sign, b = draw_sum(rng, held_out=held_out)
    question = vary(question_of(a, sign, b, rng), rng)
    start, count, way = _way(a, sign, b)
    if count < SHORTEST_COUNT:
        return exchange(question, answer_of(a, sign, b))
    aloud = f"I count {way} {count} from {start}: {_steps(a, sign, b)}. So {answer_of(a, sign, b)}"
    return exchange(question, aloud)


def answer_of(a: int, sign: str, b: int) -> str:
    """The whole sum with its result."""
    return f"{a} {sign} {b} = {_result(a, sign, b)}."


def thought_sum(rng: random.Random, *, held_out: bool = False) -> Dialogue:
    """A sum asked for with thinking."""
    a, sign, b = draw_sum(rng, held_out=held_out)
    return thinking(exchange(question_of(a, sign, b, rng), answer_of(a, sign, b)), counted(a, sign, b), rng)


def thinking(dialogue: Dialogue, thought: str, rng: random.Random) -> Dialogue:
    """The exchange with a request to think, by the system prompt or the user, and the thought."""
    question, answer = dialogue
    asked = question.content
    system: Dialogue = ()
    if rng.random() < 0.5:
        system = (Message("system", rng.choice(THINK_SYSTEM_PROMPTS)),)
        asked = vary(asked, rng)
    else:
        asked = rng.choice(THINK_REQUESTS).format(question=asked)
    return (*system, *exchange(asked, f"{THINK}{thought}{END_THINK}{answer.content}"))
