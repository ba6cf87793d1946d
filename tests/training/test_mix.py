"""What an epoch is made of: voices, sums, recall, conversations, and what is kept out of it."""

import random
import re

import pytest

from engine.training import mix, sums, voices
from engine.training.data import Corpus, RealStory
from engine.training.messages import THINK, Dialogue
from engine.training.persona import HELPLINE
from engine.training.recall import story_questions, told_fact
from engine.training.small_talk import group
from engine.training.stories import make_story

STORY = RealStory(
    title="A Hat", text="Anna had a hat. " * 9, source="pratham", licence="CC-BY", credits=("A",)
)
PAIRS = {voice: [("Hi", "Hi!"), ("Hey", "Hi!"), ("Boring", f"Oh, says {voice}")] for voice in voices.VOICES}
SMALL = mix.Mix(
    story_dialogues=4, generated_texts=4, written=4, in_voices=4, facts=4, sums=4, thought_sums=4, thoughts=8,
    recalls=4, multi_turn=4, small_talk_per_answer=2,
)  # fmt: skip


def corpus() -> Corpus:
    return Corpus(
        stories=(STORY,), held_out=(), books=("A piece of a book.",), small_talk=group(PAIRS), unanswerable=()
    )


def answer_of(dialogue: Dialogue) -> str:
    return dialogue[-1].content


def test_an_epoch_is_the_same_for_a_seed_and_another_for_another() -> None:
    first, again, other = (mix.draw_epoch(corpus(), random.Random(seed), SMALL) for seed in (1, 1, 2))
    assert first == again != other


def test_dialogues_go_back_and_forth_and_end_with_an_answer() -> None:
    for document in mix.draw_epoch(corpus(), random.Random(3), SMALL):
        if isinstance(document, str):
            continue
        roles = [message.role for message in document if message.role != "system"]
        assert roles == ["user", "assistant"] * (len(roles) // 2)
        assert all(message.content.strip() for message in document)


def test_small_talk_is_grouped_by_what_is_answered() -> None:
    greeting, boring = group(PAIRS)
    assert (greeting.questions, greeting.kind) == (("Hi", "Hey"), "hello")
    assert boring.answers["witty"] == "Oh, says witty"


def test_answers_that_contradict_who_the_model_is_are_left_out() -> None:
    assert group({voice: [("Who?", "Oh, I don't have a name.")] for voice in voices.VOICES}) == ()


def test_a_cry_for_help_gets_our_own_answer_in_every_voice() -> None:
    row = ("I want to die", "The National Suicide Prevention Lifeline is available 24/7.")
    (intent,) = group({voice: [row] for voice in voices.VOICES})
    assert intent.is_cry_for_help
    assert set(intent.answers.values()) == {HELPLINE}


def test_every_kind_has_answers_in_every_voice_and_no_two_voices_share_one() -> None:
    for kind in voices.CANONICAL:
        by_voice = [voices.canonical_answers(kind, voice) for voice in voices.VOICES]
        assert all(by_voice)
        answers = [answer for each in by_voice for answer in each]
        assert len(set(answers)) == len(answers), kind


def test_a_voice_is_asked_for_by_the_system_prompt() -> None:
    for seed in range(50):
        system, question, _ = mix.canonical(random.Random(seed))[:3]
        assert (system.role, question.role) == ("system", "user")
        assert any(voice in system.content for voice in voices.VOICES)


def test_a_count_goes_to_the_result_and_says_how_many_steps_are_left() -> None:
    for seed in range(200):
        a, sign, b = sums.draw_sum(random.Random(seed))
        result = int(sums.answer_of(a, sign, b).split("= ")[1].rstrip("."))
        assert sums.counted(a, sign, b).endswith(f"The answer is {result}.")
        assert result == (a + b if sign == "+" else a - b) >= 0
        steps = re.findall(r"(\d+), (\d+|none) left", sums.counted(a, sign, b))
        left = [0 if each == "none" else int(each) for _, each in steps]
        assert left == list(range(len(steps) - 1, -1, -1))
        assert not steps or int(steps[-1][0]) == result


def test_a_sum_that_nobody_wants_thought_about_is_counted_aloud() -> None:
    answers = [answer_of(sums.sum_exchange(random.Random(seed))) for seed in range(200)]
    assert any("none left. So " in answer for answer in answers)
    assert not any(THINK in answer for answer in answers)


def test_held_out_sums_are_never_trained_on() -> None:
    rng = random.Random(1)
    for _ in range(500):
        for dialogue in (sums.sum_exchange(rng), sums.thought_sum(rng)):
            (found,) = re.findall(r"(\d+) ([+-]) (\d+) =", answer_of(dialogue))
            assert not sums.is_held_out(int(found[0]), found[1], int(found[2]))


def test_reasoning_comes_only_where_it_is_asked_for() -> None:
    asked = re.compile(r"\bthink", re.IGNORECASE)
    for document in mix.draw_epoch(corpus(), random.Random(4), SMALL):
        if not isinstance(document, str) and THINK in answer_of(document):
            assert any(asked.search(message.content) for message in document[:-1])
            assert answer_of(document).startswith(THINK)


def test_what_was_told_is_what_is_asked_for() -> None:
    for seed in range(100):
        (told, _), (_, answer) = told_fact(random.Random(seed))
        known = set(re.findall(r"\w+", told.content))
        assert known & set(re.findall(r"\w+", answer.content)) - {"is", "the", "am", "a"}


def test_a_question_about_a_story_is_answered_from_the_story() -> None:
    for seed in range(100):
        rng = random.Random(seed)
        story = make_story(rng)
        _, answer = story_questions(story, rng)
        noun = answer.content.rstrip(".").split(" ")
        assert any(word in story.text for word in noun[3:])


def test_no_question_of_the_real_data_is_without_an_answer_in_some_voice(real_corpus: Corpus) -> None:
    assert len(real_corpus.small_talk) > 80
    for intent in real_corpus.small_talk:
        assert set(intent.answers) == set(voices.VOICES)
        assert intent.questions


@pytest.mark.parametrize("seed", range(3))
def test_held_out_dialogues_are_fresh_draws_with_sums_that_training_never_sees(seed: int) -> None:
    drawn = mix.held_out_dialogues(corpus(), random.Random(seed))
    assert {name: bool(documents) for name, documents in drawn.items()} == {
        "stories": True, "chats": True, "sums": True
    }  # fmt: skip
