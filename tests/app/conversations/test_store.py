import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from app.conversations.conversation import AnswerStats, Conversation
from app.conversations.errors import StoreUnreadable
from app.conversations.message import Attachment, Draft, Folder
from app.conversations.search import search
from app.conversations.settings import ConversationSettings
from app.conversations.store import ConversationStore
from engine.contract.paths import Paths
from engine.contract.processes import child_environment
from tests.support.saved_recorder import SavedRecorder


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
    store = ConversationStore(paths.conversations, recorder.reports)
    conversation = talk()
    numbers = [store.save(conversation.header, message) for message in conversation.path()]
    recorder.wait_for(numbers[-1])
    store.close()
    assert recorder.saved == numbers == [1, 2]
    assert recorder.threads == {"conversation-writer"}


def test_what_was_reported_as_saved_can_be_read(paths: Paths, recorder: SavedRecorder) -> None:
    store = ConversationStore(paths.conversations, recorder.reports)
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
from app.conversations.writer import WriteReports
def report(sequence):
    if sequence == 3:
        print(conversation.id, flush=True)
store = ConversationStore(Path(sys.argv[1]), WriteReports(on_saved=report))
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
    store = ConversationStore(paths.conversations, recorder.reports)
    conversation = talk()
    store.save(conversation.header, *conversation.path())
    recorder.wait_for(store.move_to_bin(conversation.id))
    assert store.headers() == []
    recorder.wait_for(store.restore(conversation.id))
    assert [header.id for header in store.headers()] == [conversation.id]
    store.close()


def test_saving_does_not_take_a_conversation_out_of_the_bin(paths: Paths, recorder: SavedRecorder) -> None:
    store = ConversationStore(paths.conversations, recorder.reports)
    conversation = talk()
    store.save(conversation.header, *conversation.path())
    store.move_to_bin(conversation.id)
    recorder.wait_for(store.save(conversation.header, conversation.path()[-1]))
    assert store.headers() == []
    store.close()


def test_the_bin_is_emptied_after_thirty_days(paths: Paths, recorder: SavedRecorder) -> None:
    store = ConversationStore(paths.conversations, recorder.reports)
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
    store = ConversationStore(paths.conversations, recorder.reports)
    conversation = talk()
    store.save(conversation.header)
    recorder.wait_for(store.rename(conversation.id, "Stories"))
    assert [header.title for header in store.headers()] == ["Stories"]
    store.close()


def test_a_write_that_fails_is_reported_and_the_next_one_goes_through(
    paths: Paths, recorder: SavedRecorder
) -> None:
    store = ConversationStore(paths.conversations, recorder.reports)
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
    first = ConversationStore(paths.conversations, recorder.reports)
    second = ConversationStore(paths.conversations)
    conversation = talk()
    recorder.wait_for(first.save(conversation.header, *conversation.path()))
    assert second.load(conversation.id).path() == conversation.path()
    second.close()
    first.close()


def test_reasoning_attachments_and_settings_come_back(paths: Paths) -> None:
    conversation = talk()
    conversation.settings = ConversationSettings(system_prompt="Be brief.", sampling={"top_k": 5})
    question = conversation.append(
        role="user", text="This", attachments=[Attachment(name="a.txt", text="旅行", size_bytes=6)]
    )
    conversation.change(replace(question, reasoning="Hm."))
    store = ConversationStore(paths.conversations)
    store.save(conversation.header, *conversation.path())
    store.save_settings(conversation.id, conversation.settings)
    store.close()
    store = ConversationStore(paths.conversations)
    loaded = store.load(conversation.id)
    store.close()
    assert loaded.path() == conversation.path()
    assert loaded.settings == conversation.settings


def test_pins_folders_and_titles_survive_a_save_that_knows_nothing_of_them(paths: Paths) -> None:
    conversation = talk()
    store = ConversationStore(paths.conversations)
    store.save(conversation.header, *conversation.path())
    store.save_folder(Folder(id="f", name="Work"))
    store.set_pinned(conversation.id, True)
    store.move_to_folder(conversation.id, "f")
    store.save(conversation.header, *conversation.path())
    store.close()
    store = ConversationStore(paths.conversations)
    [header] = store.headers()
    assert (header.is_pinned, header.folder_id) == (True, "f")
    assert store.folders() == [Folder(id="f", name="Work")]
    store.close()


def test_a_removed_folder_leaves_its_conversations(paths: Paths, recorder: SavedRecorder) -> None:
    conversation = talk()
    store = ConversationStore(paths.conversations, recorder.reports)
    store.save(conversation.header)
    store.save_folder(Folder(id="f", name="Work"))
    store.move_to_folder(conversation.id, "f")
    recorder.wait_for(store.remove_folder("f"))
    assert [header.folder_id for header in store.headers()] == [None]
    store.close()


def test_a_draft_is_kept_until_it_is_empty(paths: Paths, recorder: SavedRecorder) -> None:
    store = ConversationStore(paths.conversations, recorder.reports)
    draft = Draft(text="half a", attachments=(Attachment(name="a", text="b", size_bytes=1),))
    recorder.wait_for(store.save_draft("c", draft))
    assert (store.draft("c"), store.draft("other")) == (draft, Draft())
    recorder.wait_for(store.save_draft("c", Draft()))
    assert store.draft("c") == Draft()
    store.close()


def test_a_growing_answer_that_waits_is_written_once_and_every_save_is_reported(
    paths: Paths, recorder: SavedRecorder
) -> None:
    store = ConversationStore(paths.conversations, recorder.reports)
    gate = threading.Event()
    store._writer.put(lambda _connection: gate.wait(20))  # the disk is slow
    conversation = Conversation.new()
    question = conversation.append(role="user", text="Go on")
    numbers = [store.save(conversation.header, question)]
    answer = conversation.append(role="assistant", text="", state="streaming")
    for length in range(1, 50):
        numbers.append(store.save(conversation.header, replace(answer, text="a" * length)))
    assert len(store._writer._waiting) <= 3
    gate.set()
    recorder.wait_for(numbers[-1])
    assert store.load(conversation.id).path()[-1].text == "a" * 49
    assert recorder.saved[1:] == numbers
    store.close()


def test_answers_that_were_growing_are_ended_at_the_next_start(paths: Paths, recorder: SavedRecorder) -> None:
    store = ConversationStore(paths.conversations, recorder.reports)
    conversation = talk()
    answer = conversation.append(role="assistant", text="Once 旅行", state="streaming")
    recorder.wait_for(store.save(conversation.header, *conversation.path()))
    assert not search(
        store._connection, "once"
    )  # not while it grows: the index would be written all the time
    recorder.wait_for(store.end_interrupted())
    assert store.load(conversation.id)[answer.id].state == "interrupted"
    assert [found.message_id for found in search(store._connection, "旅行")] == [answer.id]
    store.close()
