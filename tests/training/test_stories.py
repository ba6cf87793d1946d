"""Generated stories and dialogues: whole sentences, agreement, and the same for the same seed."""

import random
import re

import pytest

from engine.training import dialogues, persona, words
from engine.training.open_plots import OPEN_HERO_PLOTS, OPEN_THING_PLOTS
from engine.training.plots import HERO_PLOTS, THING_PLOTS
from engine.training.stories import choose, fill, make_story

STORIES = [make_story(random.Random(seed)) for seed in range(800)]


def test_a_seed_names_a_story() -> None:
    assert make_story(random.Random(7)) == make_story(random.Random(7))
    assert len({story.text for story in STORIES}) > 790


@pytest.mark.parametrize("mark", ["{", "}", "[", "]", "|", "  ", " ,", " .", "_"])
def test_no_story_shows_how_it_was_made(mark: str) -> None:
    assert [story.text for story in STORIES if mark in story.text] == []


def test_every_sentence_of_a_story_begins_with_a_capital() -> None:
    assert [story.text for story in STORIES if re.search(r"(^|[.!?] |\n|\.\" )[a-z]", story.text)] == []


def test_every_quote_that_opens_also_closes() -> None:
    assert [story.text for story in STORIES if story.text.count('"') % 2] == []


def test_articles_agree_with_the_word_after_them() -> None:
    wrong = re.compile(r"\b(?:an (?![aeiou]|hour)|a (?=[aeio]|u(?!ni)))\w+", re.IGNORECASE)
    assert [match[0] for story in STORIES if (match := wrong.search(story.text))] == []
    assert words.with_article("owl") == "an owl"
    assert words.with_article("unicorn") == "a unicorn"
    assert words.with_article("ugly hat") == "an ugly hat"


def test_pronouns_agree_with_the_hero() -> None:
    for plot in (*HERO_PLOTS, *OPEN_HERO_PLOTS):
        if "{fhe}" in plot.text.lower() or "he wants it too" in plot.text or "not his" in plot.text:
            continue  # somebody else in these plots is a he or a she as well
        if "{he}" in plot.text and "mother" not in plot.text and "she" not in plot.text:
            slots = dict.fromkeys(re.findall(r"\{(\w+)\}", plot.text.lower()), "x")
            told = fill(
                choose(plot.text, random.Random(1)), slots | {"he": "she", "him": "her", "his": "her"}
            )
            assert re.search(r"\b(he|him|his)\b", told, re.IGNORECASE) is None, told


def test_people_have_names_of_their_gender_and_no_colour() -> None:
    for story in STORIES:
        if found := re.search(r"\b(girl|queen|boy|king) named (\w+)", story.text):
            names = words.SHE_NAMES if found[1] in ("girl", "queen") else words.HE_NAMES
            assert found[2] in names
        assert re.search(r"\b(green|striped|spotted) (girl|boy|king|queen|farmer)\b", story.text) is None


def test_a_story_tells_of_what_its_requests_ask_for() -> None:
    for story in STORIES:
        for subject in story.subjects:
            for part in re.split(r" and | named | with ", subject):
                assert part.split()[-1] in story.text


def test_who_asks_for_two_things_hears_of_both_more_than_once() -> None:
    nouns = words.ANIMALS + words.MEN + words.WOMEN + words.PEOPLE + words.TALKING_THINGS
    pairs = 0
    for story in STORIES:
        for subject in story.subjects:
            first, _, other = subject.partition(" and ")
            if other:
                pairs += 1
                for part in (first, other):
                    assert len(re.findall(rf"\b{part.split()[-1]}\b", story.text)) > 1, story
    assert pairs > 1000
    assert any(story.hero and story.hero.noun in words.TALKING_THINGS for story in STORIES)
    assert all(story.hero is None or story.hero.noun in nouns for story in STORIES)


def test_invented_words_are_in_every_request_for_their_story() -> None:
    known = set(words.ANIMALS + words.MEN + words.WOMEN + words.PEOPLE + words.TALKING_THINGS)
    known |= {*words.PLACES, *words.SKY_THINGS, *words.UNCOUNTED_FOODS}
    for seed in range(300):
        story = make_story(random.Random(seed), new_word_share=1.0)
        new = {each for each in (story.hero, story.thing) if each is not None and each.noun not in known}
        for subject in story.subjects:
            assert all(each.noun in subject.split() for each in new), story
        text = story.text + " ".join(story.subjects)
        assert re.search(r"\b(?:an (?![aeiou]|hour)|a (?=[aeio]|u(?!ni)))\w+", text) is None, text


def test_every_plot_is_told() -> None:
    plots = (*HERO_PLOTS, *THING_PLOTS, *OPEN_HERO_PLOTS, *OPEN_THING_PLOTS)
    for plot in plots:
        words_of_it = re.findall(r"(?<![\w\[{|])[a-z]+ [a-z]+ [a-z]+(?![\w|\]}])", plot.text)
        assert any(words in story.text for story in STORIES for words in words_of_it), plot.text


def test_held_out_nouns_are_in_no_generated_story() -> None:
    for story in STORIES:
        assert not words.HELD_OUT_NOUNS & set(re.findall(r"\w+", story.text.lower())), story.text


def test_an_exchange_is_a_question_and_an_answer() -> None:
    rng = random.Random(3)
    for make in (
        lambda rng: dialogues.story_exchange(rng)[0],
        dialogues.written_exchange,
        dialogues.fact_exchange,
        dialogues.thanks_for_a_story,
    ):
        for _ in range(200):
            question, answer = make(rng)
            assert (question.role, answer.role) == ("user", "assistant")
            assert question.content.strip() and answer.content.strip()
            assert "{" not in question.content + answer.content


def test_the_model_says_who_it_is_in_several_ways() -> None:
    questions, answers = next(group for group in persona.WRITTEN if "Who are you?" in group[0])
    assert len(questions.split(" / ")) >= 10
    assert len(answers) >= 5
    assert all("Retort" in answer for answer in answers)
