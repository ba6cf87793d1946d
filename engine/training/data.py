"""The data folders read and cleaned, and what of them is held out.

Works on text only: `mix` draws epochs from it, `tokenizer` and `packing` make tokens and rows of them.
"""

from __future__ import annotations

import json
import random
import re
from dataclasses import dataclass
from pathlib import Path

from engine.training.small_talk import Intent, group
from engine.training.voices import VOICES

SIMPLE_BOOKS = (
    "aesop_fables",
    "a-a-milne_winnie",
    "hugh-lofting",
    "rudyard-kipling_just-so",
    "wonderful-wizard-of-oz",
    "road-to-oz",
    "marvelous-land-of-oz",
    "ozma-of-oz",
    "lewis-carroll",
    "princess-and-the-goblin",
)
STRAIGHT = str.maketrans({"“": '"', "”": '"', "‘": "'", "’": "'", "´": "'", "\u2028": "\n", "\u2029": "\n",
                          "\u00a0": " ", "–": "-", "―": "—", "…": "...", "\ufffd": ""})  # fmt: skip
FIELD = re.compile(
    r"^\* (License|Text|Illustration|Translation|Translated By|Adaptation|Language): *(.*)$", re.M
)
FACT_OPENINGS = tuple(
    """what,who,when,where,which,how many,how do,convert,translate,calculate,explain,define,name ,write,list,
    edit,rewrite,classify,identify,find,describe""".replace("\n    ", "").split(",")
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RealStory:
    """A story of the data with what its licence asks to be named."""

    title: str
    text: str
    source: str
    licence: str
    credits: tuple[str, ...]  # "Text: Cheryl Rao", "Illustration: ..."


@dataclass(frozen=True, slots=True, kw_only=True)
class Corpus:
    """Everything that was read: what is trained on and what is held out."""

    stories: tuple[RealStory, ...]
    held_out: tuple[RealStory, ...]
    books: tuple[str, ...]  # pieces of about a thousand characters
    small_talk: tuple[Intent, ...]
    unanswerable: tuple[str, ...]  # questions about facts


def clean(text: str) -> str:
    """`text` with straight quotes, plain spaces and lines joined into paragraphs."""
    text = text.translate(STRAIGHT).replace("\r", "")
    paragraphs = [" ".join(part.split()) for part in re.split(r"\n\s*\n", text)]
    return "\n\n".join(part for part in paragraphs if part)


def parse_story(block: str, source: str) -> RealStory | None:
    """One story of the story files, or None where there is no title or hardly any text."""
    fields = FIELD.findall(block)
    body = block.split("\n* License", 1)[0]
    title, _, body = body.strip().partition("\n")
    body = clean(re.sub(r"^##.*$", "\n", body, flags=re.M))
    title = clean(title.lstrip("#"))
    if not title or len(body) < 200 or not any(name == "License" for name, _ in fields):
        return None
    return RealStory(
        title=title,
        text=body,
        source=source,
        licence=next(value.strip("[]") for name, value in fields if name == "License"),
        credits=tuple(
            f"{name}: {value.strip()}" for name, value in fields if name not in ("License", "Language")
        ),
    )


def read_stories(folder: Path) -> list[RealStory]:
    """The stories of `folder`, each beginning once."""
    stories: dict[str, RealStory] = {}
    for path in sorted(folder.glob("*.txt")):
        for block in path.read_text(encoding="utf-8").split("<|story|>"):
            story = parse_story(block, path.stem)
            if story is not None:
                stories.setdefault(story.text[:60].lower(), story)
    return list(stories.values())


def read_books(folder: Path) -> list[str]:
    """The simple books of `folder`, without their front matter, in pieces of some paragraphs."""
    pieces: list[str] = []
    for path in sorted(folder.glob("*.txt")):
        if not any(name in path.name for name in SIMPLE_BOOKS):
            continue
        paragraphs = [
            part for part in clean(path.read_text(encoding="utf-8")).split("\n\n") if len(part) > 30
        ]
        piece = ""
        for paragraph in paragraphs[12:]:  # prefaces and dedications are shorter than that
            piece = f"{piece}\n\n{paragraph}" if piece else paragraph
            if len(piece) > 1200:
                pieces.append(piece)
                piece = ""
    return pieces


def read_dialogues(path: Path) -> list[tuple[str, str]]:
    """The questions and answers of the two-turn dialogues in a JSON-lines file, each pair once."""
    pairs: dict[tuple[str, str], None] = {}
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            messages = json.loads(line)["messages"]
            if len(messages) == 2 and "editorial" not in messages[0]["content"]:
                pairs[clean(messages[0]["content"]), clean(messages[1]["content"])] = None
    return list(pairs)


def is_about_a_fact(question: str) -> bool:
    """Whether a question is one that only a larger model could answer."""
    lowered = f" {question.lower()} "
    if len(question) > 110 or any(
        word in lowered for word in (" you", "story", "joke", "hello", "i am ", "```")
    ):
        return False
    return lowered.strip().startswith(FACT_OPENINGS)


def read_corpus(data: Path, *, seed: int, num_held_out: int = 40) -> Corpus:
    """Everything of the data folder that training uses."""
    stories = read_stories(data / "text" / "stories")
    random.Random(seed).shuffle(stories)
    long_enough = [story for story in stories if len(story.text) > 900]
    held_out = long_enough[:num_held_out]
    titles = {story.title.lower() for story in held_out}
    facts = read_dialogues(data / "chat" / "short-answers.jsonl") + read_dialogues(
        data / "chat" / "instructions.jsonl"
    )
    return Corpus(
        stories=tuple(story for story in stories if story.title.lower() not in titles),
        held_out=tuple(held_out),
        books=tuple(read_books(data / "text" / "books")),
        small_talk=group(
            {voice: read_dialogues(data / "chat" / f"chitchat-{voice}.jsonl") for voice in VOICES}
        ),
        unanswerable=tuple(question for question, _ in facts if is_about_a_fact(question)),
    )
