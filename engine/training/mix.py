"""The mix that one epoch of training sees: how much of what, newly drawn every time."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

from engine.training import dialogues, sums, voices, words
from engine.training.data import Corpus, RealStory
from engine.training.messages import Dialogue, Message, exchange, vary
from engine.training.persona import DO_NOT_KNOW, KINDS, WRITTEN
from engine.training.recall import story_questions, told_fact, varied
from engine.training.small_talk import Intent
from engine.training.stories import make_story

LONGEST_ANSWER_WORDS = 260  # a story in a dialogue; longer ones are plain text only
TITLE_REQUESTS = (
    'Tell me the story "{}".',
    "Tell me the story {}.",
    "Tell me a story called {}",
    'Write a story called "{}".',
    "{}",
)
QUESTIONS_BY_KIND = {
    kind: next(asked for asked, _ in WRITTEN if asked.split(" / ")[0] == first).split(" / ")
    for first, kind in KINDS.items()
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Mix:
    """How much of each kind one epoch has."""

    book_share: float = 0.3
    real_dialogue_share: float = 0.5
    story_dialogues: int = 5400
    generated_texts: int = 100
    written: int = 2600
    in_voices: int = 2800
    small_talk_per_answer: int = 18
    cries_for_help: int = 160  # beside those; 24 of them are too few to be recognised
    facts: int = 700
    sums: int = 1700
    thought_sums: int = 2600
    thoughts: int = 500
    recalls: int = 1100
    multi_turn: int = 900


def draw_epoch(corpus: Corpus, rng: random.Random, mix: Mix) -> list[str | Dialogue]:
    """One epoch, newly drawn and shuffled: plain texts and dialogues."""
    drawn: list[str | Dialogue] = []
    for story in corpus.stories:
        drawn.append(f"{story.title}\n\n{story.text}" if rng.random() < 0.4 else story.text)
        if rng.random() < mix.real_dialogue_share and is_short(story):
            drawn.append(dialogues.with_system(real_story_dialogue(story, rng), rng))
    drawn += [piece for piece in corpus.books if rng.random() < mix.book_share]
    drawn += [make_story(rng).text for _ in range(mix.generated_texts)]
    for count, draw in _generated(corpus, mix):
        drawn += [draw(rng) for _ in range(count)]
    for intent in corpus.small_talk:
        count = mix.small_talk_per_answer + (mix.cries_for_help if intent.is_cry_for_help else 0)
        drawn += [small_talk(intent, rng) for _ in range(count)]
    rng.shuffle(drawn)
    return drawn


def _generated(corpus: Corpus, mix: Mix) -> list[tuple[int, Callable[[random.Random], Dialogue]]]:
    """How many of which dialogues."""

    def framed(draw: Callable[[random.Random], Dialogue]) -> Callable[[random.Random], Dialogue]:
        return lambda rng: dialogues.with_system(draw(rng), rng)

    return [
        (mix.story_dialogues, framed(story_request)),
        (mix.written, framed(dialogues.written_exchange)),
        (mix.in_voices, canonical),
        (mix.facts, lambda rng: one_fact(corpus, rng)),
        (mix.sums, framed(sums.sum_exchange)),
        (mix.thought_sums, sums.thought_sum),
        (mix.thoughts, one_thought),
        (mix.recalls, framed(recall)),
        (mix.multi_turn, lambda rng: conversation(corpus, rng)),
    ]


def is_short(story: RealStory) -> bool:
    """Whether a real story fits into an answer."""
    return len(story.text.split()) <= LONGEST_ANSWER_WORDS


def real_story_dialogue(story: RealStory, rng: random.Random) -> Dialogue:
    """A request for a real story by its title."""
    return exchange(rng.choice(TITLE_REQUESTS).format(story.title), story.text)


def story_request(rng: random.Random) -> Dialogue:
    """A request for a generated story."""
    return dialogues.story_exchange(rng)[0]


def small_talk(intent: Intent, rng: random.Random) -> Dialogue:
    """One question of the data set, two times of three in a voice that is asked for."""
    question = vary(rng.choice(intent.questions), rng)
    if rng.random() < 0.35:
        return dialogues.with_system(exchange(question, _answer(intent, "friendly", rng)), rng)
    voice = rng.choice(voices.VOICES)
    return voices.in_voice(voice, exchange(question, _answer(intent, voice, rng)), rng)


def _answer(intent: Intent, voice: str, rng: random.Random) -> str:
    if intent.kind:
        return rng.choice(voices.canonical_answers(intent.kind, voice))
    return intent.answers[voice]


def canonical(rng: random.Random) -> Dialogue:
    """What everybody says sooner or later, in a voice that is asked for; now and then several turns of it."""
    voice = rng.choice(voices.VOICES)
    turns: list[Message] = []
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        turns += canonical_turn(voice, rng)
    return voices.in_voice(voice, tuple(turns), rng)


def canonical_turn(voice: str, rng: random.Random) -> Dialogue:
    """One question of everyday talk or about a fact, answered in a voice."""
    if rng.random() < 0.15:
        question = dialogues.fact_exchange(rng)[0].content
        return exchange(question, rng.choice(voices.canonical_answers("unknown", voice)))
    kind = rng.choice(tuple(QUESTIONS_BY_KIND))
    question = vary(rng.choice(QUESTIONS_BY_KIND[kind]), rng)
    return exchange(question, rng.choice(voices.canonical_answers(kind, voice)))


def one_fact(corpus: Corpus, rng: random.Random) -> Dialogue:
    """A question about facts, from the data or generated, and the answer that the model is too small."""
    if not corpus.unanswerable or rng.random() < 0.5:
        return dialogues.with_system(dialogues.fact_exchange(rng), rng)
    question = vary(rng.choice(corpus.unanswerable), rng)
    return dialogues.with_system(exchange(question, rng.choice(DO_NOT_KNOW)), rng)


def one_thought(rng: random.Random) -> Dialogue:
    """Reasoning about something else than a sum, for those who ask for it."""
    kind = rng.random()
    if kind < 0.5:
        dialogue, story = dialogues.story_exchange(rng, open_share=0.0)
        names = [words.with_article(story.hero.noun)] if story.hero else []
        names += [story.thing.subject] if story.thing else []
        thought = f"A story with {' and '.join(names)} in it. It needs a beginning and an end."
    elif kind < 0.75:
        dialogue = dialogues.fact_exchange(rng)
        thought = "I do not know this, and I should say so."
    else:
        dialogue = dialogues.written_exchange(rng)
        thought = "I can answer this in a few words."
    return sums.thinking(dialogue, thought, rng)


def recall(rng: random.Random) -> Dialogue:
    """Something told, perhaps something else, and then a question about what was told."""
    if rng.random() < 0.35:
        request, story = dialogues.story_exchange(rng)
        return (*request, *story_questions(story, rng))
    told, asked = told_fact(rng)
    between = [
        message for _ in range(rng.choice((0, 0, 1, 1, 2))) for message in dialogues.written_exchange(rng)
    ]
    return (*varied(told, rng), *between, *varied(asked, rng))


def conversation(corpus: Corpus, rng: random.Random) -> Dialogue:
    """Two to five exchanges one after the other, as a visitor might have them."""
    turns: list[Message] = []
    told = None
    for _ in range(rng.choice((2, 2, 3, 3, 4, 5))):
        kind = rng.random()
        if told and kind < 0.25:
            turns += dialogues.thanks_for_a_story(rng) if rng.random() < 0.4 else story_questions(told, rng)
        elif kind < 0.45:
            request, told = dialogues.story_exchange(rng, more=told is not None)
            turns += request
        elif kind < 0.52:
            turns += dialogues.fact_exchange(rng)
        elif kind < 0.6:
            turns += sums.sum_exchange(rng)
        elif kind < 0.72 and corpus.small_talk:
            intent = rng.choice(corpus.small_talk)
            turns += exchange(vary(rng.choice(intent.questions), rng), _answer(intent, "friendly", rng))
        else:
            turns += dialogues.written_exchange(rng)
    return dialogues.with_system(tuple(turns), rng)


def held_out_dialogues(corpus: Corpus, rng: random.Random) -> dict[str, list[Dialogue]]:
    """Fresh draws of what is generated, and sums that training never sees."""
    return {
        "stories": [story_request(rng) for _ in range(24)],
        "chats": [conversation(corpus, rng) for _ in range(24)] + [canonical(rng) for _ in range(40)],
        "sums": [sums.thought_sum(rng, held_out=True) for _ in range(40)],
    }
