"""Generated stories: a grammar of plots and characters, each story with the requests it answers.

Everything comes from the random generator that is passed in, so a seed names a set of stories.
"""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from engine.training import words
from engine.training.open_plots import OPEN_HERO_PLOTS, OPEN_THING_PLOTS
from engine.training.plot import Plot
from engine.training.plots import CLOSING, HERO_PLOTS, OPENING, THING_PLOTS
from engine.training.words import Character, Gender, Thing

CHOICE = re.compile(r"\[([^\[\]]*)\]")
SLOT = re.compile(r"\{(\w+)\}")
HERO_SLOT = re.compile(r"\{[Hh]ero\}")
NEW_IN_HERO_STORY: tuple[tuple[str, ...], ...] = (
    ("hero",),
    ("thing",),
    ("hero", "thing"),
    ("hero", "friend"),
)
NEW_IN_THING_STORY: tuple[tuple[str, ...], ...] = (("thing",), ("thing",), ("thing", "friend"))
OPENINGS_OF_THINGS = (
    "There was once {a_hero}. ",
    "Once upon a time there was {a_hero}. ",
    "This is a story about {a_hero}. ",
)
OPENINGS_OF_UNIQUE_THINGS = ("This is a story about {a_hero}. ", "Here is a story about {a_hero}. ")
SUMMED_UP_SHARE = 0.35  # of all stories: they end with what they were about
OPEN_SHARE = 0.45  # of all stories: plots in which the thing may be any noun
GENDERS: tuple[Gender, ...] = ("he", "she")

Subject = tuple[str, tuple[str, ...]]  # "a cat and a boat", and the parts that it names: hero and thing


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """A story and what somebody who wanted to hear it would have asked for."""

    text: str
    subjects: tuple[str, ...]  # "a shy cat named Luna", "a cat", "a cat and a boat"
    hero: Character | None = None  # None where a thing is the hero
    thing: Thing | None = None


def choose(text: str, rng: random.Random) -> str:
    """`text` with each `[a|b]` replaced by one of its parts, the innermost first."""
    while found := CHOICE.search(text):
        part = rng.choice(found[1].split("|"))
        text = text[: found.start()] + part + text[found.end() :]
    return text


def fill(text: str, slots: dict[str, str]) -> str:
    """`text` with its `{slots}` filled; a slot written with a capital gets one."""

    def replacement(match: re.Match[str]) -> str:
        slot = match[1]
        value = slots[slot[0].lower() + slot[1:]]
        return value[0].upper() + value[1:] if slot[0].isupper() else value

    return SLOT.sub(replacement, text)


def make_character(rng: random.Random, *, unlike: str = "", named: float = 0.45) -> Character:
    """Somebody new, who is not of the kind `unlike`; `named` is the chance of a name."""
    gender = rng.choice(GENDERS)
    people = words.MEN if gender == "he" else words.WOMEN
    kinds = rng.choices(
        (words.ANIMALS, people, words.PEOPLE, words.TALKING_THINGS), weights=(0.5, 0.2, 0.14, 0.16)
    )[0]
    noun = rng.choice([kind for kind in kinds if kind != unlike])
    adjectives = [each for each in words.ADJECTIVES if kinds is words.ANIMALS or each not in words.COLOURS]
    names = words.HE_NAMES if gender == "he" else words.SHE_NAMES
    return Character(
        noun=noun,
        gender=gender,
        adjective=rng.choice(adjectives) if rng.random() < 0.5 else "",
        name=rng.choice(names) if rng.random() < named else "",
    )


def make_story(rng: random.Random, *, new_word_share: float = 0.0) -> Story:
    """One story, about somebody and sometimes also about a thing, or about the thing itself.

    In `new_word_share` of all stories one or two of the words are invented; all of its requests name those.
    """
    while True:
        with_thing_hero = rng.random() < 0.2
        has_new_words = rng.random() < new_word_share
        plots: tuple[Plot, ...]
        if has_new_words or rng.random() < OPEN_SHARE:
            plots = OPEN_THING_PLOTS if with_thing_hero else OPEN_HERO_PLOTS
        else:
            plots = THING_PLOTS if with_thing_hero else HERO_PLOTS
        tell = _thing_story if with_thing_hero else _hero_story
        story = tell(rng.choice(plots), rng, has_new_words=has_new_words)
        if story.subjects:
            return story


def _hero_story(plot: Plot, rng: random.Random, *, has_new_words: bool) -> Story:
    new = rng.choice(NEW_IN_HERO_STORY) if has_new_words else ()
    hero = make_character(rng)
    friend = make_character(rng, unlike=hero.noun, named=0.0)
    thing = Thing(rng.choice(plot.things)) if plot.things else None
    if "hero" in new:
        hero = replace(hero, noun=words.invented_noun(rng))
    if "friend" in new:
        friend = replace(friend, noun=words.invented_noun(rng))
    if "thing" in new:
        thing = Thing(words.invented_noun(rng))
    nouns = {"hero": hero.noun, "friend": friend.noun} | ({"thing": thing.noun} if thing else {})
    text = _told(OPENING + plot.text, _slots(hero, friend, thing, rng), rng)
    kept = _kept(_hero_subjects(plot, hero, friend, thing), nouns, new, text)
    return Story(text=text, subjects=kept, hero=hero, thing=thing)


def _hero_subjects(plot: Plot, hero: Character, friend: Character, thing: Thing | None) -> list[Subject]:
    about = words.with_article(hero.noun)
    subjects: list[Subject] = [(each, ("hero",)) for each in (about, about, hero.introduced)]
    if hero.adjective:
        subjects.append((words.with_article(hero.described), ("hero",)))
    if hero.name:
        subjects.append((f"{about} named {hero.name}", ("hero",)))
    if thing is not None:
        both = [f"{about} and {thing.subject}", f"{thing.subject} and {about}"]
        subjects += [(each, ("hero", "thing")) for each in (*both, *both, f"{about} with {thing.subject}")]
        subjects += [(thing.subject, ("thing",))] * 2
    return subjects + _with_friend(plot, about, "hero", friend)


def _thing_story(plot: Plot, rng: random.Random, *, has_new_words: bool) -> Story:
    new = rng.choice(NEW_IN_THING_STORY) if has_new_words else ()
    thing = Thing(words.invented_noun(rng) if "thing" in new else rng.choice(plot.things))
    friend = make_character(rng, unlike=thing.noun, named=0.0)
    if "friend" in new:
        friend = replace(friend, noun=words.invented_noun(rng))
    is_unique = thing.noun in words.UNIQUE_THINGS
    adjective = "" if is_unique else rng.choice(("", "little", "small", "old", "red", "blue"))
    described = thing.indefinite if not adjective else words.with_article(f"{adjective} {thing.noun}")
    slots = _slots(friend, friend, thing, rng)
    slots |= {"a_hero": described, "hero": thing.definite, "the_hero": thing.definite, "it": "it"}
    opening = rng.choice(OPENINGS_OF_UNIQUE_THINGS if is_unique else OPENINGS_OF_THINGS)
    text = _told(opening + plot.text, slots, rng)
    subjects: list[Subject] = [(each, ("thing",)) for each in (thing.subject, thing.subject, described)]
    subjects += _with_friend(plot, thing.subject, "thing", friend)
    kept = _kept(subjects, {"thing": thing.noun, "friend": friend.noun}, new, text)
    return Story(text=text, subjects=kept, thing=thing)


def _with_friend(plot: Plot, about: str, part: str, friend: Character) -> list[Subject]:
    """What names the friend as well, where the plot has one."""
    if "{a_friend}" not in plot.text.lower():
        return []
    other = words.with_article(friend.noun)
    return [(each, (part, "friend")) for each in (f"{about} and {other}", f"{other} and {about}")]


def _kept(
    subjects: Sequence[Subject], nouns: dict[str, str], new: tuple[str, ...], text: str
) -> tuple[str, ...]:
    """The subjects whose parts are each named twice, and among whose parts are all `new` ones."""
    if len(set(nouns.values())) < len(nouns):  # a boat that meets a boat
        return ()
    often = {part for part, noun in nouns.items() if len(re.findall(rf"\b{noun}\b", text)) > 1}
    return tuple(subject for subject, parts in subjects if set(new) <= set(parts) <= often)


def _slots(hero: Character, friend: Character, thing: Thing | None, rng: random.Random) -> dict[str, str]:
    place = Thing(rng.choice(words.PLACES))
    return {
        **(_thing_slots(thing) if thing is not None else {}),
        "a_hero": hero.introduced,
        "hero": hero.called,
        "the_hero": hero.definite,
        "address": hero.name or hero.noun,
        **hero.pronouns(),
        "a_friend": friend.introduced,
        "friend": friend.called,
        **{f"f{key}": value for key, value in friend.pronouns().items()},
        "place": place.noun,
        "a_place": place.indefinite,
    }


def _thing_slots(thing: Thing) -> dict[str, str]:
    return {"thing": thing.noun, "a_thing": thing.indefinite, "the_thing": thing.definite}


def _told(template: str, slots: dict[str, str], rng: random.Random) -> str:
    template = choose(template + CLOSING, rng)
    if rng.random() < SUMMED_UP_SHARE and not template.endswith("The end."):
        both = (
            "{the_hero} and {the_thing}" if slots.get("thing", "") not in slots["the_hero"] else "{the_hero}"
        )
        template += f" [And that was|That was|This was] the story of {both}."
        template = choose(template, rng)
    text = fill(
        HERO_SLOT.sub(lambda slot: slot[0] if rng.random() < 0.7 else _by_kind(slot[0]), template), slots
    )
    if rng.random() < 0.3:  # in paragraphs, as a storybook has pages
        sentences = re.split(r"(?<=[.!?])(?<![.!?]\" [a-z]) (?=[A-Z])", text)
        at = rng.randint(1, max(1, len(sentences) - 2))
        text = " ".join(sentences[:at]) + "\n\n" + " ".join(sentences[at:])
    return text


def _by_kind(slot: str) -> str:
    """The slot that says what the hero is instead of how they are called."""
    return "{The_hero}" if slot == "{Hero}" else "{the_hero}"
