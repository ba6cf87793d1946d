import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from app.conversations.conversation import AnswerStats, Conversation
from app.conversations.errors import StoreUnreadable
from app.conversations.store import ConversationStore
from engine.contract.paths import Paths
from engine.contract.processes import child_environment

WAIT_S = 20.0


class SavedRecorder:
    """Collects what the store reports, and waits for it."""

    def __init__(self) -> None:
        self.saved: list[int] = []
        self.failed: list[tuple[int, str]] = []
        self.threads: set[str] = set()
        self._changed = threading.Condition()

    def on_saved(self, sequence: int) -> None:
        with self._changed:
            self.saved.append(sequence)
            self.threads.add(threading.current_thread().name)
            self._changed.notify_all()

    def on_failed(self, sequence: int, reason: str) -> None:
        with self._changed:
            self.failed.append((sequence, reason))
            self._changed.notify_all()

    def wait_for(self, sequence: int) -> None:
        with self._changed:
            done = self._changed.wait_for(
                lambda: sequence in self.saved or sequence in [number for number, _ in self.failed], WAIT_S
            )
        assert done, f"{sequence} was neither saved nor refused"


@pytest.fixture
def recorder() -> SavedRecorder:
    return SavedRecorder()


def talk() -> Conversation:
    conversation = Conversation.new()
    conversation.append(role="user", text="Who are you? 🎉")
    conversation.append(role="assistant", text="A retort.", model="Built-in model")
    return conversation


def test_a_conversation_comes_back_as_it_was_saved(paths: Paths) -> None:
    conversation = talk()
    answer = replace(
        conversation.path()[-1],
        stats=AnswerStats(
            completion_tokens=3, decode_tps=42.5, finish_reason="stop", error_details={"exit_status": -6}
        ),
    )
    conversation.change(answer)
    store = ConversationStore(paths.conversations)
    store.save(conversation.header, *conversation.path())
    store.close()
    store = ConversationStore(paths.conversations)
    loaded = store.load(conversation.id)
    store.close()
    assert loaded.header == conversation.header
    assert loaded.path() == conversation.path()


def test_saving_answers_at_once_and_reports_from_the_writer_s_thread(
    paths: Paths, recorder: SavedRecorder
) -> None:
    store = ConversationStore(paths.conversations, on_saved=recorder.on_saved)
    conversation = talk()
    numbers = [store.save(conversation.header, message) for message in conversation.path()]
    recorder.wait_for(numbers[-1])
    store.close()
    assert recorder.saved == numbers == [1, 2]
    assert recorder.threads == {"conversation-writer"}


def test_what_was_reported_as_saved_can_be_read(paths: Paths, recorder: SavedRecorder) -> None:
    store = ConversationStore(paths.conversations, on_saved=recorder.on_saved)
    conversation = talk()
    recorder.wait_for(store.save(conversation.header, *conversation.path()))
    assert store.load(conversation.id).path() == conversation.path()
    store.close()


def test_closing_writes_what_waits(paths: Paths) -> None:
    store = ConversationStore(paths.conversations)
    conversations = [talk() for _ in range(50)]
    for conversation in conversations:
        store.save(conversation.header, *conversation.path())
    store.close()
    store = ConversationStore(paths.conversations)
    assert {header.id for header in store.headers()} == {conversation.id for conversation in conversations}
    store.close()


def test_headers_come_with_the_newest_first(store: ConversationStore, paths: Paths) -> None:
    old, new = talk(), talk()
    old.header = replace(old.header, updated_at=1000.0)
    for conversation in (new, old):
        store.save(conversation.header)
    store.close()
    store = ConversationStore(paths.conversations)
    assert [header.id for header in store.headers()] == [new.id, old.id]
    store.close()


def test_an_answer_that_was_growing_when_the_process_died_is_interrupted_and_keeps_its_text(
    paths: Paths,
) -> None:
    program = """
import sys
from pathlib import Path
from dataclasses import replace
from app.conversations.conversation import Conversation
from app.conversations.store import ConversationStore
def report(sequence):
    if sequence == 3:
        print(conversation.id, flush=True)
store = ConversationStore(Path(sys.argv[1]), on_saved=report)
conversation = Conversation.new()
store.save(conversation.header, conversation.append(role="user", text="Tell me a story"))
answer = conversation.append(role="assistant", text="", state="streaming")
for text in ("Once", "Once upon a time"):
    conversation.change(replace(answer, text=text))
    store.save(conversation.header, conversation[answer.id])
sys.stdin.read()
"""
    process = subprocess.Popen(
        [sys.executable, "-c", program, str(paths.conversations)],
        env=child_environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin and process.stdout
    conversation_id = process.stdout.readline().strip()
    process.kill()
    process.communicate()
    store = ConversationStore(paths.conversations)
    question, answer = store.load(conversation_id).path()
    store.close()
    assert (question.text, question.state) == ("Tell me a story", "complete")
    assert (answer.text, answer.state) == ("Once upon a time", "interrupted")


def test_the_bin_hides_a_conversation_until_it_is_restored(paths: Paths, recorder: SavedRecorder) -> None:
    store = ConversationStore(paths.conversations, on_saved=recorder.on_saved)
    conversation = talk()
    store.save(conversation.header, *conversation.path())
    recorder.wait_for(store.move_to_bin(conversation.id))
    assert store.headers() == []
    recorder.wait_for(store.restore(conversation.id))
    assert [header.id for header in store.headers()] == [conversation.id]
    store.close()


def test_saving_does_not_take_a_conversation_out_of_the_bin(paths: Paths, recorder: SavedRecorder) -> None:
    store = ConversationStore(paths.conversations, on_saved=recorder.on_saved)
    conversation = talk()
    store.save(conversation.header, *conversation.path())
    store.move_to_bin(conversation.id)
    recorder.wait_for(store.save(conversation.header, conversation.path()[-1]))
    assert store.headers() == []
    store.close()


def test_the_bin_is_emptied_after_thirty_days(paths: Paths, recorder: SavedRecorder) -> None:
    store = ConversationStore(paths.conversations, on_saved=recorder.on_saved)
    conversation = talk()
    store.save(conversation.header, *conversation.path())
    store.move_to_bin(conversation.id)
    recorder.wait_for(store.empty_bin(time.time() + 29 * 86_400))
    store.load(conversation.id)
    recorder.wait_for(store.empty_bin(time.time() + 31 * 86_400))
    with pytest.raises(KeyError):
        store.load(conversation.id)
    store.close()


def test_a_title_can_be_changed_without_opening_the_conversation(
    paths: Paths, recorder: SavedRecorder
) -> None:
    store = ConversationStore(paths.conversations, on_saved=recorder.on_saved)
    conversation = talk()
    store.save(conversation.header)
    recorder.wait_for(store.rename(conversation.id, "Stories"))
    assert [header.title for header in store.headers()] == ["Stories"]
    store.close()


def test_a_write_that_fails_is_reported_and_the_next_one_goes_through(
    paths: Paths, recorder: SavedRecorder
) -> None:
    store = ConversationStore(paths.conversations, on_saved=recorder.on_saved, on_failed=recorder.on_failed)
    stranger = talk().path()[0]
    conversation = talk()
    refused = store.save(conversation.header, replace(stranger, conversation_id="nowhere"))
    accepted = store.save(conversation.header, *conversation.path())
    recorder.wait_for(accepted)
    store.close()
    assert [number for number, _ in recorder.failed] == [refused]
    assert recorder.saved == [accepted]


def test_a_file_that_is_no_database_is_refused_and_not_touched(tmp_path: Path) -> None:
    path = tmp_path / "conversations.sqlite3"
    path.write_bytes(b"these are my notes, please keep them" * 100)
    before = path.read_bytes()
    with pytest.raises(StoreUnreadable, match="not touched"):
        ConversationStore(path)
    assert path.read_bytes() == before


def test_two_stores_can_work_on_one_file(paths: Paths, recorder: SavedRecorder) -> None:
    first = ConversationStore(paths.conversations, on_saved=recorder.on_saved)
    second = ConversationStore(paths.conversations)
    conversation = talk()
    recorder.wait_for(first.save(conversation.header, *conversation.path()))
    assert second.load(conversation.id).path() == conversation.path()
    second.close()
    first.close()
