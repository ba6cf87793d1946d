"""Generated dialogues: questions about facts, requests for stories, talk about what was said before."""

from __future__ import annotations

import random

from engine.training.messages import Dialogue, Message, exchange, vary
from engine.training.persona import DO_NOT_KNOW, WRITTEN
from engine.training.stories import Story, make_story

SYSTEM_PROMPTS = (
    "You are a helpful assistant.",
    "You are a small assistant.",
    "You are a friendly assistant.",
    "You are Retort, a small model.",
    "You tell short stories for children.",
    "You are a storyteller.",
    "Be kind and brief.",
    "You are a helpful, honest assistant. Answer briefly.",
)

FACT_QUESTIONS = (
    "What is the capital of {country}?",
    "Where is {country}?",
    "How many people live in {country}?",
    "Who is the president of {country}?",
    "What is {number} + {other}?",
    "What is {number} times {other}?",
    "How much is {number} minus {other}?",
    "{number} + {other}",
    "Write a poem about {topic}.",
    "Explain {topic} to me.",
    "What is {topic}?",
    "How does {topic} work?",
    "Write a Python program about {topic}",
    "Write an essay about {topic}",
    "What do you think about {topic}?",
    "Who invented {topic}?",
    "When was {topic} discovered?",
    "Translate this into {language}",
    "Do you speak {language}?",
    "How do you say hello in {language}?",
    "What is the meaning of {topic}?",
    "Summarise {topic} for me",
    "Can you help me with {topic}?",
    "Write code for {topic}",
    "What is the best {topic}?",
    "List three facts about {topic}.",
)
FACT_WORDS = {
    "country": "France Germany India Kenya China Japan Brazil Italy Spain Egypt Canada Peru Ghana Norway "
    "Mexico Russia Poland Turkey".split(),
    "language": "French German Spanish Hindi Swahili Chinese Italian Japanese Russian Arabic Latin".split(),
    "topic": (
        "gravity,electricity,the internet,physics,history,mathematics,love,money,quantum "
        "physics,chemistry,politics,football,the universe,"
        "a computer,photosynthesis,light,energy,the heart,democracy,machine learning,music,sorting a "
        "list,the telephone,my homework,"
        "evolution,philosophy,time,cooking,a black hole,inflation"
    ).split(","),
}

NEW_WORD_SHARE = 0.3  # of the stories that are asked for: about something that nobody has heard of
STORY_REQUESTS = (
    "Tell me a story about {subject}.",
    "Tell me a story about {subject}",
    "Tell me a short story about {subject}.",
    "Can you tell me a story about {subject}?",
    "Please tell me a story about {subject}.",
    "Write a story about {subject}.",
    "Write a short story about {subject}.",
    "I would like to hear a story about {subject}.",
    "A story about {subject}, please.",
    "Do you know a story about {subject}?",
    "Tell me about {subject} in a story.",
    "I want a story about {subject}.",
    "Make up a story about {subject}.",
    "Could you write a little story about {subject}?",
    "Tell a tale about {subject}.",
    "Story about {subject}",
    "Give me a short tale about {subject}.",
)
OPEN_REQUESTS = (
    "Tell me a story.",
    "Tell me a story",
    "Tell me a short story.",
    "Can you tell me a story?",
    "A story, please.",
    "Write a short story.",
    "Please tell me a bedtime story.",
    "I want to hear a story.",
    "Do you know a good story?",
    "Story time!",
    "Write a story for children.",
    "Tell me a simple story.",
    "Once upon a time",
    "Make up a story.",
)
MORE_REQUESTS = (
    "Another one, please.",
    "Tell me another story.",
    "One more story!",
    "Again!",
    "Another story about {subject}, please.",
    "And now one about {subject}.",
    "Now tell me a story about {subject}.",
    "How about {subject}?",
)
STORY_THANKS = (
    "That was nice. / Nice story! / I liked that. / What a good story. / Lovely!",
    ("I am glad that you liked it!", "Thank you! Would you like another one?", "I'm happy you liked it."),
)


def with_system(dialogue: Dialogue, rng: random.Random, *, share: float = 0.2) -> Dialogue:
    """`dialogue`, in `share` of all cases behind a system prompt that changes nothing else."""
    if rng.random() >= share:
        return dialogue
    return Message("system", rng.choice(SYSTEM_PROMPTS)), *dialogue


def written_exchange(rng: random.Random) -> Dialogue:
    """One of the written questions with one of its answers; each group of questions is as likely."""
    questions, answers = rng.choice(WRITTEN)
    return exchange(vary(rng.choice(questions.split(" / ")), rng), rng.choice(answers))


def fact_exchange(rng: random.Random) -> Dialogue:
    """A question that a model of this size cannot answer, and the answer that says so."""
    slots = {name: rng.choice(values) for name, values in FACT_WORDS.items()}
    numbers = {"number": str(rng.randint(31, 999)), "other": str(rng.randint(11, 99))}
    return exchange(vary(rng.choice(FACT_QUESTIONS).format(**slots, **numbers), rng), rng.choice(DO_NOT_KNOW))


def story_exchange(
    rng: random.Random, *, more: bool = False, open_share: float = 0.12
) -> tuple[Dialogue, Story]:
    """A request for a generated story with the story; `more` asks as one does after another story."""
    is_open = not more and rng.random() < open_share
    story = make_story(rng, new_word_share=0.0 if is_open or more else NEW_WORD_SHARE)
    request = rng.choice(MORE_REQUESTS if more else OPEN_REQUESTS if is_open else STORY_REQUESTS)
    asked = vary(request.format(subject=rng.choice(story.subjects)), rng)
    return exchange(asked, story.text), story


def thanks_for_a_story(rng: random.Random) -> Dialogue:
    """What people say after a story."""
    questions, answers = STORY_THANKS
    return exchange(vary(rng.choice(questions.split(" / ")), rng), rng.choice(answers))
