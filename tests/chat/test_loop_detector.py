"""The loop detector as an answer meets it: twenty planted loops are found, two hundred real texts are not.

The texts are what this repository holds: code, documents with tables, a long list of credits, JSON, and
figures that count. Where the shared data lies beside the checkout, more texts by people come to them.
"""

import json
import random
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pytest

from engine.chat.thinking import LOOP_INTERVAL, ReasoningWatch

ROOT = Path(__file__).resolve().parents[2]
TOKEN_LENGTH = 4  # characters
BETWEEN_LOOKS = LOOP_INTERVAL * TOKEN_LENGTH
MOST_REPEATED = 24_000  # characters of a loop, before it has to be noticed
BEFORE = "Let me think about what the question asks. There are two trains, and one of them is late. "
PARAGRAPH = (
    "So the first train leaves at noon and the second one an hour later. If both go equally fast, the second "
    "never catches up. But the text says that it does, so it must be faster. How much faster is not said. "
)
PLANTED = {
    "a word": "wait ",
    "a word without blanks": "wait",
    "a syllable": "ha",
    "two words": "no no, yes yes, ",
    "a sentence": "Wait, let me check that again. ",
    "a sentence on lines": "Hmm, but what if it is not prime?\n",
    "sentences that alternate": "Perhaps it is 7. No, it cannot be 7. ",
    "three sentences that take turns": "Is it even? It is not. Then it is odd. ",
    "a paragraph": PARAGRAPH,
    "a long paragraph": "".join(f"Thought {n} is not like any of the others. " for n in range(50)),
    "a paragraph with a changing number": "Attempt {n}. " + PARAGRAPH,
    "the same thought between others": "So {n} by {n} is {square}. Let me reconsider that condition again. ",
    "a line of code": "    total += values[index]\n",
    "lines of code": "for row in rows:\n    if row.is_empty:\n        continue\n    yield row\n",
    "a row of a table": "| apple | 3 | red |\n",
    "a formula": "$x^2 + y^2 = z^2$, ",
    "Chinese": "\u8ba9\u6211\u518d\u60f3\u4e00\u60f3\uff0c",
    "Chinese sentences": "\u7b54\u6848\u662f\u4e09\u3002\u7b49\u7b49\uff0c\u4e0d\u5bf9\u3002",
    "Japanese": "\u3082\u3046\u4e00\u5ea6\u8003\u3048\u3066\u307f\u307e\u3057\u3087\u3046\u3002",
    "Thai": "\u0e25\u0e2d\u0e07\u0e04\u0e34\u0e14\u0e2d\u0e35\u0e01\u0e04\u0e23\u0e31\u0e49\u0e07",
}


def noticed_after(text: str) -> int | None:
    """How many characters of a reasoning had come when it was taken for a loop; None for never."""
    watch = ReasoningWatch(None, "</think>")
    for start in range(0, len(text), TOKEN_LENGTH):
        if watch.note(text[start : start + TOKEN_LENGTH], was_reasoning=True, is_reasoning=True):
            assert watch.ended_by == "loop"
            return start + TOKEN_LENGTH
    return None


def planted(stretch: str) -> str:
    turns = range(1, MOST_REPEATED // len(stretch))
    return "".join(stretch.replace("{n}", str(n)).replace("{square}", str(n * n)) for n in turns)


def test_there_are_twenty_loops() -> None:
    assert len(PLANTED) == 20


@pytest.mark.parametrize("stretch", PLANTED.values(), ids=PLANTED)
def test_a_planted_loop_is_noticed(stretch: str) -> None:
    found = noticed_after(BEFORE + planted(stretch))
    assert found is not None
    assert found < len(BEFORE) + 10 * max(len(stretch), 50) + BETWEEN_LOOKS


@pytest.mark.parametrize("stretch", [*PLANTED.values()][::5], ids=[*PLANTED][::5])
def test_a_loop_after_a_long_normal_text_is_noticed_as_soon(stretch: str) -> None:
    normal = " ".join(islice(documents(), 4))
    assert noticed_after(normal) is None
    found = noticed_after(normal + planted(stretch))
    assert found is not None
    assert found < len(normal) + 10 * max(len(stretch), 50) + BETWEEN_LOOKS


def lists() -> Iterator[str]:
    text = (ROOT / "resources/builtin/STORIES.md").read_text(encoding="utf-8")
    yield from (text[start : start + 1500] for start in range(0, len(text), 1500))


def code() -> Iterator[str]:
    for path in sorted((ROOT / "engine").rglob("*.py"))[::3]:
        yield path.read_text(encoding="utf-8")


def documents() -> Iterator[str]:
    for path in sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]):
        text = path.read_text(encoding="utf-8")
        yield from (text[start : start + 8000] for start in range(0, min(len(text), 32_000), 8000))


def data() -> Iterator[str]:
    for path in sorted((ROOT / "resources").rglob("*.json")):
        text = path.read_text(encoding="utf-8")
        yield from (text[start : start + 4000] for start in range(0, min(len(text), 40_000), 4000))
    rows = [{"id": n, "name": f"item {n}", "price": n * 1.5, "tags": ["new", "red"]} for n in range(60)]
    yield json.dumps(rows, indent=2)
    yield json.dumps(rows)


def figures() -> Iterator[str]:
    """Counting, tables, sums and searches through all cases, which repeat their words as they should."""
    rng = random.Random(4)
    yield ", ".join(map(str, range(2000)))
    yield "\n".join(f"{n}. item number {n}" for n in range(300))
    yield "".join(f"Step {n}: add {n} to the sum, which gives {n * (n + 1) // 2}.\n" for n in range(200))
    yield "".join(f"{n} x {m} = {n * m}\n" for n in range(1, 13) for m in range(1, 13))
    yield "".join(f"Is {n} a divisor of 9991? 9991 / {n} = {9991 / n:.3f}, no.\n" for n in range(2, 97))
    yield "".join(f"If x = {n}, then x^2 - 7x + 12 = {n * n - 7 * n + 12}.\n" for n in range(100))
    yield "".join(f"- [{' x'[n % 3 == 0]}] task {n}: write the test\n" for n in range(150))
    yield "| a | b | c |\n|---|---|---|\n" + "".join(f"| {n} | {n * n} | {n % 7} |\n" for n in range(150))
    yield "\n".join(" ".join(str(rng.randint(0, 9)) for _ in range(12)) for _ in range(80))
    yield "\n".join("".join(rng.choice("01") for _ in range(64)) for _ in range(60))
    yield "\n".join("".join(rng.choice(".#") for _ in range(40)) for _ in range(60))
    yield "Ten green bottles hanging on the wall.\n".join(f"{n} green bottles. " for n in range(10, 3, -1))
    yield "Title\n" + "=" * 80 + "\n" + "-" * 300 + "\n" + " " * 400 + "\n" + "\u2014" * 200


def normal_texts() -> list[str]:
    sources = (lists(), documents(), data(), code(), figures())
    return [text for source in sources for text in islice(source, 90)]


def test_two_hundred_normal_texts_are_no_loops() -> None:
    texts = normal_texts()
    assert len(texts) >= 200
    assert [text[:80] for text in texts if noticed_after(text) is not None] == []


def test_answers_worked_sums_stories_and_verses_by_people_are_no_loops(shared_data: Path) -> None:
    answers: list[str] = []
    for line in (shared_data / "chat/open-assistant.jsonl").read_text(encoding="utf-8").splitlines()[:100]:
        answers += [turn["content"] for turn in json.loads(line)["messages"] if turn["role"] == "assistant"]
    sums = (shared_data / "evals/gsm8k-train.jsonl").read_text(encoding="utf-8").splitlines()[:2000]
    worked = [json.loads(line)["answer"] for line in sums]
    told = (shared_data / "text/stories/pratham.txt").read_text(encoding="utf-8").split("<|story|>")
    verses = (shared_data / "text/shakespeare.txt").read_text(encoding="utf-8")
    spoken = [verses[n : n + 6000] for n in range(0, 240_000, 6000)]
    texts = [
        *answers[:150],
        *told[:100],
        *spoken,
        *("\n".join(worked[n : n + 20]) for n in range(0, 2000, 20)),
    ]
    assert len(texts) >= 200
    assert [text[:80] for text in texts if noticed_after(text) is not None] == []
