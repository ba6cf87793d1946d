"""Detokenizer and stop strings: what is shown is the same however the pieces fall."""

from itertools import pairwise
from typing import AnyStr

from hypothesis import given
from hypothesis import strategies as st

from engine.generation.detokenizer import Detokenizer
from engine.generation.stopping import StopStrings


@st.composite
def pieces_of(draw: st.DrawFn, length: int) -> list[int]:
    """Where to cut something of this length."""
    return sorted(draw(st.lists(st.integers(0, length), max_size=12)))


def cut(whole: AnyStr, cuts: list[int]) -> list[AnyStr]:
    return [whole[start:end] for start, end in pairwise([0, *cuts, len(whole)])]


@given(st.text(max_size=40), st.data())
def test_characters_are_whole_wherever_their_bytes_are_cut(text: str, data: st.DataObject) -> None:
    content = text.encode("utf-8", errors="replace")
    detokenizer = Detokenizer()
    shown = [detokenizer.feed(piece) for piece in cut(content, data.draw(pieces_of(len(content))))]
    assert "".join(shown) + detokenizer.finish() == content.decode()
    assert all("\ufffd" not in part or "\ufffd" in text for part in shown)


def test_half_a_character_is_held_back_until_it_is_whole() -> None:
    detokenizer = Detokenizer()
    first, second = "é".encode()[:1], "é".encode()[1:]
    assert [detokenizer.feed(first), detokenizer.feed(second)] == ["", "é"]


def test_bytes_that_are_no_character_are_shown_as_such() -> None:
    detokenizer = Detokenizer()
    assert detokenizer.feed(b"a\xffb") == "a\ufffdb"
    assert detokenizer.feed(b"\xe2\x82") + detokenizer.finish() == "\ufffd"


def reference(text: str, stops: tuple[str, ...]) -> str:
    positions = [text.find(stop) for stop in stops if stop in text]
    return text[: min(positions)] if positions else text


@given(
    st.text("ab<>", max_size=30),
    st.lists(st.text("ab<>", min_size=1, max_size=4), min_size=1, max_size=3).map(tuple),
    st.data(),
)
def test_text_ends_before_a_stop_string_that_comes_in_pieces(
    text: str, stops: tuple[str, ...], data: st.DataObject
) -> None:
    watcher, shown = StopStrings(stops), ""
    for piece in cut(text, data.draw(pieces_of(len(text)))):
        shown += watcher.feed(piece)
        if watcher.stopped:
            break
    if not watcher.stopped:
        shown += watcher.finish()
    found = any(stop in text for stop in stops)
    assert watcher.stopped == found
    if not found:
        assert shown == text
    else:  # where one stop string is the beginning of another the earlier piece may decide
        assert shown.startswith(reference(text, stops))
        assert not any(stop in shown for stop in stops if len(set(map(len, stops))) == 1)


def test_nothing_is_held_back_without_stop_strings() -> None:
    assert StopStrings(()).feed("text") == "text"


def test_the_beginning_of_a_stop_string_is_held_back_and_given_back_when_it_was_none() -> None:
    watcher = StopStrings(("<|end|>",))
    assert watcher.feed("word <|e") == "word "
    assert watcher.feed("lse") == "<|else"
    assert watcher.feed(" <|end") == " "
    assert watcher.feed("|> more") == ""
    assert watcher.stopped
    assert watcher.feed("nothing after it") == ""
