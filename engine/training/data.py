"""The data folders read and cleaned, and the mix that one epoch of training sees.

Works on text only: tokens and rows are made in `tokenizer` and `packing`.
"""

from __future__ import annotations

import json
import random
import re
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from engine.training import dialogues
from engine.training.dialogues import Dialogue, exchange, with_system
from engine.training.stories import make_story

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
LONGEST_ANSWER_WORDS = 260  # a story in a dialogue; longer ones are plain text only

# small talk whose answers fight the persona; the questions are answered by `dialogues` instead
DROPPED_ANSWERS = frozenset(
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
REPLACED_ANSWERS = {
    "Hi!": dialogues.HELLO,
    "Hello!": dialogues.HELLO,
    "Bye.": dialogues.BYE,
    "You're very welcome.": dialogues.WELCOME,
    "I'm doing great, thanks for asking!": dialogues.FINE,
    "Morning!": ("Good morning! How are you today?", "Good morning!"),
    "Evening!": ("Good evening! How was your day?", "Good evening!"),
}
FACT_OPENINGS = tuple(
    """what,who,when,where,which,how many,how do,convert,translate,calculate,explain,define,name ,write,list,
    edit,rewrite,classify,identify,find,describe""".replace("\n    ", "").split(",")
)
HELPLINE_MARK = "Suicide Prevention"


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
    small_talk: dict[str, list[str]]  # questions by their one answer
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


def group_small_talk(pairs: list[tuple[str, str]]) -> dict[str, list[str]]:
    """Questions by answer, without those that contradict who the model is."""
    groups: dict[str, list[str]] = defaultdict(list)
    for question, answer in pairs:
        if answer in DROPPED_ANSWERS or len(question) > 120 or "story" in question.lower():
            continue
        groups[dialogues.HELPLINE if HELPLINE_MARK in answer else answer].append(question)
    return dict(groups)


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
        small_talk=group_small_talk(read_dialogues(data / "chat" / "chitchat-friendly.jsonl")),
        unanswerable=tuple(question for question, _ in facts if is_about_a_fact(question)),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Mix:
    """How much of each kind one epoch has."""

    book_share: float = 0.35
    story_dialogues: int = 3000
    generated_texts: int = 900
    written: int = 3600
    small_talk_per_answer: int = 28
    cries_for_help: int = 160  # beside those; 28 of them were too few to be recognised
    facts: int = 700
    multi_turn: int = 1300


def one_small_talk(corpus: Corpus, answer: str, rng: random.Random) -> Dialogue:
    """One question that `answer` is for, with that answer or a better one of ours."""
    question = dialogues.vary(rng.choice(corpus.small_talk[answer]), rng)
    return exchange(question, rng.choice(REPLACED_ANSWERS.get(answer, (answer,))))


def one_fact(corpus: Corpus, rng: random.Random) -> Dialogue:
    """A question about facts, from the data or generated, and the answer that the model is too small."""
    if not corpus.unanswerable or rng.random() < 0.5:
        return dialogues.fact_exchange(rng)
    return exchange(dialogues.vary(rng.choice(corpus.unanswerable), rng), rng.choice(dialogues.DO_NOT_KNOW))


def one_conversation(corpus: Corpus, rng: random.Random) -> Dialogue:
    """Two to five exchanges one after the other, as a visitor might have them."""
    turns: list[dialogues.Message] = []
    answers = list(corpus.small_talk)
    told = False
    for _ in range(rng.choice((2, 2, 3, 3, 4, 5))):
        kind = rng.random()
        if told and kind < 0.2:
            turns += dialogues.thanks_for_a_story(rng)
        elif kind < 0.4:
            turns += dialogues.story_exchange(rng, more=told)
            told = True
        elif kind < 0.5:
            turns += one_fact(corpus, rng)
        elif kind < 0.65 and answers:
            turns += one_small_talk(corpus, rng.choice(answers), rng)
        else:
            turns += dialogues.written_exchange(rng)
    return tuple(turns)


def real_story_dialogue(story: RealStory, rng: random.Random) -> Dialogue | None:
    """A request for a real story by its title, or None where it is too long for an answer."""
    if len(story.text.split()) > LONGEST_ANSWER_WORDS:
        return None
    request = rng.choice(
        (
            'Tell me the story "{}".',
            "Tell me the story {}.",
            "Tell me a story called {}",
            'Write a story called "{}".',
            "{}",
        )
    )
    return exchange(request.format(story.title), story.text)


def draw_epoch(corpus: Corpus, rng: random.Random, mix: Mix) -> list[str | Dialogue]:
    """One epoch, newly drawn and shuffled: plain texts and dialogues."""
    drawn: list[str | Dialogue] = []
    for story in corpus.stories:
        drawn.append(f"{story.title}\n\n{story.text}" if rng.random() < 0.4 else story.text)
        dialogue = real_story_dialogue(story, rng)
        if dialogue is not None:
            drawn.append(with_system(dialogue, rng))
    drawn += [piece for piece in corpus.books if rng.random() < mix.book_share]
    drawn += [make_story(rng).text for _ in range(mix.generated_texts)]
    drawn += [with_system(dialogues.story_exchange(rng), rng) for _ in range(mix.story_dialogues)]
    drawn += [with_system(dialogues.written_exchange(rng), rng) for _ in range(mix.written)]
    drawn += [with_system(one_fact(corpus, rng), rng) for _ in range(mix.facts)]
    for answer in corpus.small_talk:
        drawn += [
            with_system(one_small_talk(corpus, answer, rng), rng) for _ in range(mix.small_talk_per_answer)
        ]
    if dialogues.HELPLINE in corpus.small_talk:
        cries = (one_small_talk(corpus, dialogues.HELPLINE, rng) for _ in range(mix.cries_for_help))
        drawn += [with_system(dialogue, rng) for dialogue in cries]
    drawn += [with_system(one_conversation(corpus, rng), rng) for _ in range(mix.multi_turn)]
    rng.shuffle(drawn)
    return drawn
