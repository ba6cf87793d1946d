import re

import pytest

from app.chat_view.finder import Finder, Match
from app.conversations.conversation import Conversation
from app.lists.message_list import MessageList

TEXTS = ("One two ONE", "nothing", "İone Straße one", "ones", "日本語 one")


@pytest.fixture
def finder() -> Finder:
    conversation = Conversation.new()
    for text in TEXTS:
        conversation.append(role="user", text=text)
    messages = MessageList()
    messages.show_path(conversation.path())
    return Finder(messages)


@pytest.mark.parametrize("words", ["one", "ONE", "e", "straße", "語", "xyz", "İ", "o. e"])
def test_the_matches_are_those_of_a_regular_expression(finder: Finder, words: str) -> None:
    finder.find(words, 0)
    pattern = re.compile(re.escape(words), re.IGNORECASE)
    expected = [
        Match(row, *found.span()) for row, text in enumerate(TEXTS) for found in pattern.finditer(text)
    ]
    stepped = []
    for _ in expected:
        stepped.append(finder.current)
        finder.step(1)
    assert stepped == expected
    assert finder.count == len(expected)
    assert [finder.in_row(row) for row in range(len(TEXTS))] == [
        tuple((match.start, match.end) for match in expected if match.row == row) for row in range(len(TEXTS))
    ]


def test_the_current_match_is_the_first_from_a_row_on_and_the_last_without_one(finder: Finder) -> None:
    finder.find("one", 1)
    assert (finder.number, finder.current) == (2, Match(2, 1, 4))
    assert (finder.current_in(2), finder.current_in(0)) == ((1, 4), None)
    finder.find("two", 1)
    assert finder.current == Match(0, 4, 7)


def test_words_that_are_nowhere_have_no_current_match(finder: Finder) -> None:
    finder.find("xyz", 0)
    assert (finder.number, finder.count) == (-1, 0)
    assert finder.current is None
