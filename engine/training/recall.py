"""Dialogues in which something said earlier is asked for: names, likes, and who was in the story."""

from __future__ import annotations

import random

from engine.training import words
from engine.training.messages import Dialogue, exchange, vary
from engine.training.stories import Story

NAMES = (*words.SHE_NAMES, *words.HE_NAMES)
COLOURS = "red blue green yellow purple orange pink brown black white".split()


def story_questions(story: Story, rng: random.Random) -> Dialogue:
    """A question about a story that was just told, and its answer."""
    asked: list[tuple[str, str]] = []
    if story.hero is not None:
        noun, name = story.hero.noun, story.hero.name
        about = f"It was about {words.with_article(noun)}" + (f" named {name}." if name else ".")
        asked += [(question, about) for question in ("Who was the story about?", "What was the story about?")]
        if name:
            answer = f"The {noun} was called {name}."
            asked += [
                (f"What was the {noun} called?", answer),
                (f"What was the name of the {noun}?", answer),
                (f"Who was {name}?", f"{name} was the {noun} in the story."),
            ]
        else:
            asked.append((f"What was the {noun} called?", f"The {noun} had no name in the story."))
        if story.thing is not None:
            asked.append(("What else was in the story?", f"There was {story.thing.subject} in it."))
    elif story.thing is not None:
        about = f"It was about {story.thing.subject}."
        asked += [(question, about) for question in ("Who was the story about?", "What was the story about?")]
    question, answer = rng.choice(asked)
    return exchange(vary(question, rng), answer)


def told_fact(rng: random.Random) -> tuple[Dialogue, Dialogue]:
    """Something that the user tells of himself, and a later question about it."""
    kind = rng.random()
    if kind < 0.45:
        name = rng.choice(NAMES)
        told = rng.choice(("My name is {}.", "I am {}.", "I'm {}.", "Hello, I am {}.", "Hi, my name is {}.",
                           "Call me {}.", "You can call me {}."))  # fmt: skip
        greeting = rng.choice(
            ("Nice to meet you, {}!", "Hello, {}! Nice to meet you.", "Hi, {}! How are you?")
        )
        asked = rng.choice(("What is my name?", "What's my name?", "Do you remember my name?", "Who am I?",
                            "Do you know my name?", "What am I called?"))  # fmt: skip
        answer = rng.choice(("Your name is {}.", "You are {}.", "Your name is {}!"))
        return exchange(told.format(name), greeting.format(name)), exchange(asked, answer.format(name))
    if kind < 0.65:
        animal, name = rng.choice(words.ANIMALS), rng.choice(NAMES)
        told = f"I have {words.with_article(animal)} called {name}."
        reply = rng.choice((f"{name} is a good name for {words.with_article(animal)}!",
                            f"How nice! Say hello to {name}."))  # fmt: skip
        asked = rng.choice((f"What is my {animal} called?", f"What is the name of my {animal}?"))
        return exchange(told, reply), exchange(asked, f"Your {animal} is called {name}.")
    if kind < 0.85:
        sort, noun = rng.choice((("animal", rng.choice(words.ANIMALS)), ("colour", rng.choice(COLOURS)),
                                 ("food", rng.choice(words.FOODS))))  # fmt: skip
        told = (
            f"My favourite {sort} is {noun}." if sort != "animal" else f"My favourite animal is the {noun}."
        )
        the = "the " if sort == "animal" else ""
        reply = rng.choice((f"I like {the}{noun} too!", "That is a good choice!", "How nice!"))
        return exchange(told, reply), exchange(
            f"What is my favourite {sort}?", f"Your favourite {sort} is {the}{noun}."
        )
    number = rng.randint(3, 60)
    told = rng.choice((f"I am {number} years old.", f"I'm {number}.", f"I am {number}."))
    reply = rng.choice((f"{number} is a good age!", "How nice! I have no age."))
    return exchange(told, reply), exchange(
        rng.choice(("How old am I?", "What is my age?")), f"You are {number} years old."
    )


def varied(dialogue: Dialogue, rng: random.Random) -> Dialogue:
    """An exchange whose question may lack its last mark; names keep their capitals."""
    question, answer = dialogue
    asked = question.content.rstrip(".?!") if rng.random() < 0.25 else question.content
    return exchange(asked, answer.content)
