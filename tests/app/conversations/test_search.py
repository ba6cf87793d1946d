import time
from collections.abc import Iterator
from dataclasses import replace

import pytest

from app.conversations.conversation import Conversation
from app.conversations.search import MARK_END, MARK_START, MOST_RESULTS, SearchResult, search
from app.conversations.segments import join_segments, segment
from app.conversations.store import ConversationStore
from engine.contract.paths import Paths
from tests.support.saved_recorder import SavedRecorder


class Shelf:
    """A store that can be filled and searched."""

    def __init__(self, store: ConversationStore, recorder: SavedRecorder) -> None:
        self.store = store
        self.recorder = recorder

    def put(self, *texts: str, title: str = "") -> Conversation:
        """A conversation of these messages, saved."""
        conversation = Conversation.new()
        for number, text in enumerate(texts):
            conversation.append(role="assistant" if number % 2 else "user", text=text)
        if title:
            conversation.rename(title)
        self.recorder.wait_for(self.store.save(conversation.header, *conversation.path()))
        return conversation

    def find(self, words: str) -> list[SearchResult]:
        return search(self.store._connection, words)

    def find_ids(self, words: str) -> list[str]:
        return [result.conversation_id for result in self.find(words)]


@pytest.fixture
def shelf(paths: Paths, recorder: SavedRecorder) -> Iterator[Shelf]:
    store = ConversationStore(paths.conversations, recorder.reports)
    yield Shelf(store, recorder)
    store.close()


def test_words_are_found_in_messages_and_marked_in_a_snippet(shelf: Shelf) -> None:
    talk = shelf.put("How does a retort work?", "Its neck carries\nthe vapour down.")
    [found] = shelf.find("vapour")
    assert (found.conversation_id, found.message_id) == (talk.id, talk.path()[1].id)
    assert found.snippet == f"Its neck carries the {MARK_START}vapour{MARK_END} down."


def test_titles_come_before_messages_and_a_conversation_comes_once(shelf: Shelf) -> None:
    titled = shelf.put("Hello", title="Quantization notes")
    both = shelf.put("quantization and again", "quantization", title="About quantization")
    said = shelf.put("What is quantization?", title="Other")
    assert shelf.find_ids("quantization") == [both.id, titled.id, said.id]
    assert shelf.find("quantization")[0].message_id == both.path()[1].id  # the newest message that fits
    assert shelf.find("quantization")[1].message_id == ""


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Crème brûlée", "creme brulee"),
        ("STRASSE und Straße", "straße"),
        ("the scheduler runs", "sched"),
        ("a C++ question", "c++"),
        ('say "no" AND (yes)', '"no" AND (yes'),
        ("日本旅行の計画を立てる", "旅行"),
        ("日本旅行の計画を立てる", "計"),
        ("安装与配置指南", "配置"),
        ("오늘 날씨가 좋다", "날씨"),
        ("ภาษาไทยง่าย", "ไทย"),
        ("شرح الخوارزمية الجشعة", "الجشعة"),
        ("rocket 🚀 science", "🚀 science"),
    ],
)
def test_a_search_finds(shelf: Shelf, text: str, words: str) -> None:
    talk = shelf.put(text, title="Title")
    assert shelf.find_ids(words) == [talk.id]


@pytest.mark.parametrize("words", ["", "   ", "!?", "旅館", "行旅", "nothing", "OR", "*", '"'])
def test_a_search_does_not_find(shelf: Shelf, words: str) -> None:
    shelf.put("旅行 and more", title="Title")
    assert shelf.find(words) == []


def test_all_words_have_to_be_in_one_message(shelf: Shelf) -> None:
    shelf.put("one apple", "two pears")
    assert shelf.find("apple pears") == []
    assert len(shelf.find("pears two")) == 1


def test_a_snippet_of_segmented_text_reads_as_it_was_written(shelf: Shelf) -> None:
    shelf.put("日本旅行の計画", title="Title")
    [found] = shelf.find("旅行")
    assert found.snippet == f"日本{MARK_START}旅行{MARK_END}の計画"
    assert join_segments(segment("日本旅行 and ไทย")) == "日本旅行 and ไทย"


def test_the_bin_is_not_searched(shelf: Shelf) -> None:
    talk = shelf.put("apple", "pear", title="Title")
    shelf.recorder.wait_for(shelf.store.move_to_bin(talk.id))
    assert shelf.find("apple") == []
    shelf.recorder.wait_for(shelf.store.restore(talk.id))
    [gone] = talk.delete(talk.path()[1].id)
    shelf.recorder.wait_for(shelf.store.save(talk.header, gone))
    assert (len(shelf.find("apple")), shelf.find("pear")) == (1, [])
    [back] = talk.restore([gone.id])
    shelf.recorder.wait_for(shelf.store.save(talk.header, back))
    assert len(shelf.find("pear")) == 1


def test_what_changes_is_found_as_it_is_now(shelf: Shelf) -> None:
    talk = shelf.put("apple", title="Fruit")
    talk.change(replace(talk.path()[0], text="pear 旅行"))
    shelf.recorder.wait_for(shelf.store.save(talk.header, *talk.path()))
    shelf.recorder.wait_for(shelf.store.rename(talk.id, "水果"))
    assert [len(shelf.find(words)) for words in ("apple", "fruit", "pear", "行", "果")] == [0, 0, 1, 1, 1]


def test_the_index_agrees_with_the_messages_after_every_kind_of_change(shelf: Shelf) -> None:
    talks = [shelf.put(f"apple {number} 旅行", "pear", title=f"Title {number}") for number in range(5)]
    shelf.store.move_to_bin(talks[0].id)
    shelf.store.empty_bin(time.time() + 1, days=0)
    shelf.store.save(talks[1].header, *talks[1].delete(talks[1].path()[0].id))
    shelf.store.rename(talks[2].id, "New")
    answer = replace(talks[3].path()[1], text="growing", state="streaming")
    shelf.store.save(talks[3].header, answer)
    shelf.recorder.wait_for(
        shelf.store.save(talks[3].header, replace(answer, text="grown", state="complete"))
    )
    for index in ("message_index", "title_index"):
        shelf.store._connection.execute(f"INSERT INTO {index} ({index}, rank) VALUES ('integrity-check', 1)")
    shelf.store._connection.rollback()


def test_many_results_are_cut_to_the_newest(shelf: Shelf) -> None:
    talks = [shelf.put("apple", title="Title") for _ in range(MOST_RESULTS + 5)]
    assert shelf.find_ids("apple") == [talk.id for talk in talks[:4:-1]]
