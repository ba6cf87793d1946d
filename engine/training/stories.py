"""Generated stories: a grammar of plots and characters, each story with the requests it answers.

Everything comes from the random generator that is passed in, so a seed names a set of stories.
"""

from __future__ import annotations

import random
import re
from dataclasses import dataclass

from engine.training import words
from engine.training.open_plots import OPEN_HERO_PLOTS, OPEN_THING_PLOTS
from engine.training.plot import Plot
from engine.training.plots import CLOSING, HERO_PLOTS, OPENING, THING_PLOTS
from engine.training.words import Character, Gender, Thing

CHOICE = re.compile(r"\[([^\[\]]*)\]")
SLOT = re.compile(r"\{(\w+)\}")
OPEN_SHARE = 0.45  # of all stories: plots in which the thing may be any noun
GENDERS: tuple[Gender, ...] = ("he", "she")


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


def make_character(rng: random.Random, *, unlike: str = "", named: float = 0.6) -> Character:
    """Somebody new, who is not of the kind `unlike`; `named` is the chance of a name."""
    gender = rng.choice(GENDERS)
    people = words.MEN if gender == "he" else words.WOMEN
    kinds = rng.choices((words.ANIMALS, people, words.PEOPLE), weights=(0.6, 0.25, 0.15))[0]
    noun = rng.choice([kind for kind in kinds if kind != unlike])
    adjectives = [each for each in words.ADJECTIVES if kinds is words.ANIMALS or each not in words.COLOURS]
    names = words.HE_NAMES if gender == "he" else words.SHE_NAMES
    return Character(
        noun=noun,
        gender=gender,
        adjective=rng.choice(adjectives) if rng.random() < 0.6 else "",
        name=rng.choice(names) if rng.random() < named else "",
    )


def make_story(rng: random.Random) -> Story:
    """One story, about somebody and sometimes also about a thing, or about the thing itself."""
    with_thing_hero = rng.random() < 0.2
    plots: tuple[Plot, ...]
    if rng.random() < OPEN_SHARE:
        plots = OPEN_THING_PLOTS if with_thing_hero else OPEN_HERO_PLOTS
    else:
        plots = THING_PLOTS if with_thing_hero else HERO_PLOTS
    plot = rng.choice(plots)
    return _thing_story(plot, rng) if plot.thing_is_hero else _hero_story(plot, rng)


def _hero_story(plot: Plot, rng: random.Random) -> Story:
    hero = make_character(rng)
    friend = make_character(rng, unlike=hero.noun, named=0.0)
    thing = Thing(rng.choice(plot.things)) if plot.things else None
    slots = _slots(hero, friend, rng)
    subjects = [hero.introduced, with_the_noun := words.with_article(hero.noun), with_the_noun]
    if hero.adjective:
        subjects.append(words.with_article(hero.described))
    if hero.name:
        subjects.append(f"{with_the_noun} named {hero.name}")
    if thing is not None:
        slots |= _thing_slots(thing)
        both = [f"{with_the_noun} and {thing.subject}", f"{with_the_noun} with {thing.subject}"]
        subjects += [thing.subject, thing.subject, *both, both[0], f"{thing.subject} and {with_the_noun}"]
    if "{a_friend}" in plot.text.lower():
        subjects.append(f"{with_the_noun} and {words.with_article(friend.noun)}")
    text = _told(OPENING + plot.text, slots, rng)
    return Story(text=text, subjects=tuple(subjects), hero=hero, thing=thing)


def _thing_story(plot: Plot, rng: random.Random) -> Story:
    thing = Thing(rng.choice(plot.things))
    friend = make_character(rng, named=0.0)
    adjective = (
        "" if thing.noun in words.UNIQUE_THINGS else rng.choice(("", "little", "small", "old", "red", "blue"))
    )
    described = thing.indefinite if not adjective else words.with_article(f"{adjective} {thing.noun}")
    slots = _slots(friend, friend, rng) | _thing_slots(thing)
    slots |= {"a_hero": described, "hero": thing.definite, "it": "it"}
    opening = rng.choice(
        (
            "There was once {a_hero}. ",
            "Once upon a time there was {a_hero}. ",
            "This is a story about {a_hero}. ",
        )
    )
    if thing.noun in words.UNIQUE_THINGS:
        opening = rng.choice(("This is a story about {a_hero}. ", "Here is a story about {a_hero}. "))
    subjects = (
        thing.subject,
        thing.subject,
        described,
        f"{thing.subject} and {words.with_article(friend.noun)}",
    )
    return Story(text=_told(opening + plot.text, slots, rng), subjects=subjects, thing=thing)


def _slots(hero: Character, friend: Character, rng: random.Random) -> dict[str, str]:
    place = Thing(rng.choice(words.PLACES))
    return {
        "a_hero": hero.introduced,
        "hero": hero.called,
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
    text = fill(choose(template + CLOSING, rng), slots)
    if rng.random() < 0.3:  # in paragraphs, as a storybook has pages
        sentences = re.split(r"(?<=[.!?])(?<![.!?]\" [a-z]) (?=[A-Z])", text)
        at = rng.randint(1, max(1, len(sentences) - 2))
        text = " ".join(sentences[:at]) + "\n\n" + " ".join(sentences[at:])
    return text
