import json
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from app.conversations.conversation import Conversation
from app.conversations.exchange import ExchangeError
from app.conversations.export import all_ids, as_markdown, file_name, write_json, write_markdown
from app.conversations.importing import read_file
from app.conversations.message import AnswerStats, Attachment, Folder, Message
from app.conversations.settings import ConversationSettings
from app.conversations.store import ConversationStore
from tests.support.saved_recorder import SavedRecorder


class Shelf:
    """A store in a folder of its own, with files beside it."""

    def __init__(self, folder: Path, name: str) -> None:
        self.file = folder / "export.json"
        self.recorder = SavedRecorder()
        self.store = ConversationStore(folder / f"{name}.sqlite3", self.recorder.reports)

    @property
    def connection(self) -> Any:
        return self.store._connection

    def keep(self, conversation: Conversation) -> None:
        self.recorder.wait_for(self.store.insert(conversation))

    def write(self) -> None:
        write_json(self.connection, all_ids(self.connection), self.file)

    def read(self) -> list[Conversation]:
        return list(read_file(self.file, self.connection))


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Shelf]:
    shelf = Shelf(tmp_path, "here")
    yield shelf
    shelf.store.close()


@pytest.fixture
def there(tmp_path: Path) -> Iterator[Shelf]:
    shelf = Shelf(tmp_path, "there")
    yield shelf
    shelf.store.close()


def full_talk() -> Conversation:
    """Versions, reasoning, attachments, settings, figures, an error, and a message in the bin."""
    talk = Conversation.new()
    talk.settings = ConversationSettings(system_prompt="Be brief.", sampling={"top_k": 5})
    notes = Attachment(name="notes.txt", text="eins, zwei 🎉", size_bytes=15)
    question = talk.append(role="user", text="Read **this**", attachments=[notes])
    answer = talk.append(role="assistant", text="I have.", model="Model A")
    stats = AnswerStats(
        completion_tokens=3, decode_tps=42.5, error_code="worker_died", error_details={"x": -6}
    )
    talk.change(replace(answer, reasoning="Let me see.\nYes.", stats=stats, state="failed"))
    talk.delete(talk.append(role="user", text="Never mind").id)
    talk.append(role="user", text="And?")
    talk.edit(question.id, "Read that")
    talk.append(role="assistant", text="No.", model="Model B")
    talk.rename("Reading 旅行")
    return talk


def contents(conversation: Conversation) -> list[Message]:
    return [message for message in conversation.tree if message.deleted_at is None]


def test_what_was_exported_comes_back_whole_elsewhere(here: Shelf, there: Shelf) -> None:
    talk = full_talk()
    here.keep(talk)
    here.write()
    [read] = there.read()
    there.keep(read)
    loaded = there.store.load(talk.id)
    assert replace(loaded.header, created_at=0, updated_at=0) == replace(
        talk.header, created_at=0, updated_at=0
    )
    assert loaded.settings == talk.settings
    assert loaded.path()[-1].text == "No."
    expected = contents(talk)
    expected[2] = replace(expected[2], parent_id=expected[1].id)  # what it followed is in the bin
    assert [replace(one, created_at=0) for one in contents(loaded)] == [
        replace(one, created_at=0) for one in expected
    ]
    assert abs(loaded.header.updated_at - talk.header.updated_at) < 0.001


def test_a_conversation_that_is_here_already_comes_as_a_copy(here: Shelf) -> None:
    talk = full_talk()
    here.keep(talk)
    here.write()
    [read] = here.read()
    assert read.id != talk.id
    here.keep(read)
    assert len(here.store.headers()) == 2
    copied, original = here.store.load(read.id), here.store.load(talk.id)
    assert [one.text for one in copied.path()] == [one.text for one in original.path()]
    assert not {one.id for one in copied.tree} & {one.id for one in original.tree}


def test_an_import_that_was_killed_is_removed_at_the_next_start(
    here: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as killed:
        killed.setattr(here.store, "restore", lambda _id: here.store.save_folder(Folder(id="f", name="F")))
        here.keep(full_talk())
    assert (here.store.headers(), here.store.bin()) == ([], [])
    here.recorder.wait_for(here.store.empty_bin(time.time()))
    assert here.connection.execute("SELECT count(*) FROM messages").fetchone() == (0,)


def test_markdown_reads_as_the_conversation_did() -> None:
    talk = full_talk()
    talk.select(talk.siblings(talk.path()[0].id)[0].id)
    text = as_markdown(talk)
    assert text.startswith("# Reading 旅行\n\n*20")
    assert text.split("*\n", 1)[1] == (
        "\n## System prompt\n\nBe brief.\n\n## You\n\nnotes.txt:\n```\neins, zwei 🎉\n```\n\n"
        "Read **this**\n\n"
        "## Model A\n\n> Let me see.\n> Yes.\n\nI have.\n\n## You\n\nAnd?\n"
    )


def test_a_file_that_cannot_be_written_leaves_nothing(here: Shelf, tmp_path: Path) -> None:
    here.keep(full_talk())
    with pytest.raises(OSError):
        write_markdown(here.connection, all_ids(here.connection)[0], tmp_path / "no folder" / "a.md")
    with pytest.raises(KeyError):
        write_json(here.connection, ["nobody"], here.file)
    assert not list(tmp_path.glob("*.part")) and not here.file.exists()


def sound() -> dict[str, Any]:
    """A file with one conversation, as the documentation has it, with the least in it."""
    message = {
        "id": "a",
        "parent_id": None,
        "role": "user",
        "text": "Hi",
        "created_at": "2026-11-22T10:00:00Z",
    }
    conversation = {
        "id": "c",
        "title": "",
        "created_at": "2026-11-22T10:00:00Z",
        "updated_at": "2026-11-22T10:00:00Z",
        "messages": [message, {**message, "id": "b", "parent_id": "a", "role": "assistant"}],
    }
    return {
        "format": "retort-conversations",
        "version": 1,
        "exported_at": "2026-11-22T10:00:00Z",
        "conversations": [conversation],
    }


def test_the_least_that_the_documentation_asks_for_is_taken(here: Shelf) -> None:
    here.file.write_text(json.dumps(sound()))
    [read] = here.read()
    assert (read.header.title, read.header.title_source) == ("Hi", "words")
    assert [one.id for one in read.path()] == ["a", "b"]


def changed(*keys: Any, value: Any) -> dict[str, Any]:
    """The sound file with one value in it exchanged."""
    whole: Any = sound()
    inner = whole
    for key in keys[:-1]:
        inner = inner[key]
    inner[keys[-1]] = value
    return dict(whole)


MESSAGES = ("conversations", 0, "messages")


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "cannot be read"),
        (b"\xff\xfe\x00", "cannot be read"),
        (b"[]", "cannot be read"),
        (b"[" * 100_000, "cannot be read"),
        (b'{"format": "chat", "version": 1, "exported_at": "2026-11-22T10:00:00Z"}', "is not a file of conv"),
        (changed("version", value=2), "newer Retort"),
        (changed("conversations", value=[1]), "Conversation 1 of export.json cannot be read"),
        (changed("conversations", 0, "title", value=None), "Expected `str`, got `null`"),
        (changed("conversations", 0, "created_at", value="yesterday"), "Invalid RFC3339"),
        (changed(*MESSAGES, 1, "role", value="root"), "Message 2 of conversation 1"),
        (changed(*MESSAGES, 1, "parent_id", value="z"), "comes before the message it follows"),
        (changed(*MESSAGES, 0, "parent_id", value="a"), "comes before the message it follows"),
        (changed(*MESSAGES, 1, "id", value="a"), "Two messages"),
        (changed(*MESSAGES, 1, "state", value="streaming"), "streaming"),
    ],
)
def test_a_file_that_is_wrong_is_refused_in_words(here: Shelf, data: Any, reason: str) -> None:
    here.file.write_bytes(data if isinstance(data, bytes) else json.dumps(data).encode())
    with pytest.raises(ExchangeError, match=reason):
        here.read()


def test_a_file_that_is_missing_or_too_large_is_refused(here: Shelf) -> None:
    with pytest.raises(ExchangeError, match="cannot be read: No such file"):
        here.read()
    with here.file.open("wb") as file:
        file.truncate(600 * 2**20)
    with pytest.raises(ExchangeError, match="larger than 512 MB"):
        here.read()


@pytest.mark.parametrize("wild", ["../../etc/passwd", "", "a" * 70, "x'; DROP TABLE messages; --", "\u202e"])
def test_an_id_that_is_no_id_is_replaced(here: Shelf, wild: str) -> None:
    data = changed("conversations", 0, "id", value=wild)
    data["conversations"][0]["messages"][0]["id"] = wild
    data["conversations"][0]["messages"][1]["parent_id"] = wild
    here.file.write_text(json.dumps(data))
    [read] = here.read()
    here.keep(read)
    assert len(read.id) == 32
    assert len(here.store.load(read.id).path()) == 2


def test_figures_and_settings_that_make_no_sense_are_left_out(here: Shelf) -> None:
    data = changed(*MESSAGES, 1, "stats", value={"decode_tps": "fast", "later": 1})
    data["conversations"][0]["settings"] = {"max_tokens": -5, "system_prompt": "Be brief."}
    here.file.write_text(json.dumps(data))
    [read] = here.read()
    assert read.path()[1].stats == AnswerStats()
    assert read.settings == ConversationSettings(system_prompt="Be brief.")


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(texts=some.lists(some.text(some.characters(codec=None)), min_size=1, max_size=5))
def test_any_text_survives_being_saved_exported_and_imported(
    here: Shelf, there: Shelf, texts: list[str]
) -> None:
    talk = Conversation.new()
    for text in texts:
        talk.append(role="user", text=text)
    here.keep(talk)
    assert [one.text for one in here.store.load(talk.id).path()] == [one.text for one in talk.path()]
    write_json(here.connection, [talk.id], here.file)
    [read] = list(read_file(here.file, there.connection))
    assert [one.text for one in read.path()] == [one.text for one in talk.path()]


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("Softmax: how & why?", "Softmax how & why.md"),
        ("../../x", "x.md"),
        ("旅行の計画", "旅行の計画.md"),
        ("con", "chat con.md"),
        ("\u202eevil", "evil.md"),
        ("...", "chat.md"),
        ("a" * 300, "a" * 80 + ".md"),
    ],
)
def test_a_title_becomes_a_file_name_for_every_system(title: str, name: str) -> None:
    assert file_name(title, ".md") == name
