"""The data folders: what is cleaned away, what is kept, what is held out."""

import json
from pathlib import Path

import pytest

from engine.training import data

STORY = """# The “Red” Hat

##
Anna had a red
hat.\u2029
##
She said, “It’s mine\ufffd!”
%s
##
* License: [CC-BY]
* Text: A. Writer
* Illustration: B. Painter
* Translation: C. Third
* Language: en

A note about the story.
""" % ("She ran and ran. " * 20)


def test_text_is_cleaned_to_straight_quotes_and_whole_paragraphs() -> None:
    assert data.clean("“It’s\nmine”  she\u00a0said\ufffd.\n\n\nYes…") == '"It\'s mine" she said.\n\nYes...'


def test_a_story_keeps_its_title_its_text_and_its_credits() -> None:
    story = data.parse_story(STORY, "pratham")
    assert story is not None
    assert story.title == 'The "Red" Hat'
    assert story.text.startswith('Anna had a red hat.\n\nShe said, "It\'s mine!"')
    assert "License" not in story.text and "A note" not in story.text and "#" not in story.text
    assert story.licence == "CC-BY"
    assert story.credits == ("Text: A. Writer", "Illustration: B. Painter", "Translation: C. Third")


def test_a_block_without_a_licence_or_a_text_is_no_story() -> None:
    assert data.parse_story("# Title\n\nShort.\n\n* License: [CC-BY]\n", "pratham") is None
    assert data.parse_story("# Title\n\n" + "Long enough. " * 50, "pratham") is None


def test_stories_with_the_same_beginning_are_read_once(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(f"{STORY}\n<|story|>\n{STORY}", encoding="utf-8")
    assert len(data.read_stories(tmp_path)) == 1


def test_junk_and_double_rows_of_dialogues_are_left_out(tmp_path: Path) -> None:
    rows = [("Hi", "Hi!"), ("Hi", "Hi!"), ("editorial = chitchat", "Hi!")]
    path = tmp_path / "rows.jsonl"
    messages = [[{"role": "user", "content": q}, {"role": "assistant", "content": a}] for q, a in rows]
    path.write_text("\n".join(json.dumps({"messages": pair}) for pair in messages), encoding="utf-8")
    assert data.read_dialogues(path) == [("Hi", "Hi!")]


@pytest.mark.parametrize(
    ("question", "expected"),
    [("What is the capital of France?", True), ("Who are you?", False), ("Write a story about a cat", False)],
)
def test_questions_about_facts_are_told_from_others(question: str, expected: bool) -> None:
    assert data.is_about_a_fact(question) is expected


def test_the_real_stories_are_clean_credited_and_apart_from_the_held_out_ones(
    real_corpus: data.Corpus,
) -> None:
    real = real_corpus
    assert len(real.stories) > 600
    assert len(real.held_out) == 40
    assert not {story.title for story in real.stories} & {story.title for story in real.held_out}
    for story in real.stories:
        assert story.credits, story.title
        assert not any(mark in story.text for mark in ("##", "* License", "“", "\ufffd", "\u2029"))
