from collections.abc import Iterator

import pytest
from PySide6.QtCore import SIGNAL
from pytestqt.qtbot import QtBot
from sqlcipher3 import dbapi2 as sqlite

from app.conversations.conversation import Conversation, Message
from app.conversations.message import Attachment
from app.conversations.settings import ConversationSettings
from app.conversations.store import ConversationStore
from app.engine_link.chat_session import ChatSession
from app.engine_link.chat_sessions import NUM_AT_REST, ChatSessions
from app.engine_link.engine_client import EngineClient
from app.engine_link.host_process import HostProcess
from app.engine_link.save_notices import SaveNotices
from engine.contract.paths import Paths
from tests.support.window import WAIT_MS

pytestmark = pytest.mark.slow


@pytest.fixture
def sessions(paths: Paths, client: EngineClient) -> Iterator[ChatSessions]:
    notices = SaveNotices()
    store = ConversationStore(paths.conversations, notices.reports)
    yield ChatSessions(store=store, notices=notices, client=client, name_of=lambda model: f"<{model}>")
    store.close()


@pytest.fixture
def session(sessions: ChatSessions) -> ChatSession:
    return sessions.new()


def stored(paths: Paths, session: ChatSession) -> Conversation:
    """The conversation as another process would find it now."""
    store = ConversationStore(paths.conversations)
    try:
        return store.load(session.conversation.id)
    finally:
        store.close()


def answer_of(session: ChatSession) -> Message:
    return session.conversation.path()[-1]


def wait_for_end(session: ChatSession, qtbot: QtBot) -> Message:
    qtbot.waitUntil(lambda: not session.is_answering, timeout=WAIT_MS)
    return answer_of(session)


def test_an_answer_arrives_is_kept_and_knows_its_figures(
    session: ChatSession, paths: Paths, qtbot: QtBot
) -> None:
    appended: list[Message] = []
    session.message_appended.connect(appended.append)
    session.send("Who are you?", model="fake:tokens=40,text=hello ")
    answer = wait_for_end(session, qtbot)
    assert [message.role for message in appended] == ["user", "assistant"]
    assert (answer.text, answer.state, answer.model) == (
        ("hello " * 7)[:40],
        "complete",
        "<fake:tokens=40,text=hello >",
    )
    assert answer.stats.completion_tokens == 41
    assert answer.stats.context_length > 0
    qtbot.waitUntil(lambda: stored(paths, session).path() == session.conversation.path(), timeout=WAIT_MS)


def test_the_question_is_on_the_disk_before_the_engine_is_asked(
    session: ChatSession, paths: Paths, host_process: HostProcess, qtbot: QtBot
) -> None:
    session.send("Who are you?", model="fake")
    assert host_process.pid == 0  # asked only when the writer has reported
    qtbot.waitUntil(lambda: host_process.pid > 0, timeout=WAIT_MS)
    assert [message.text for message in stored(paths, session).path()][:1] == ["Who are you?"]
    wait_for_end(session, qtbot)


def test_the_growing_answer_is_kept_several_times_a_second(
    session: ChatSession, paths: Paths, qtbot: QtBot
) -> None:
    session.send("Go on", model="fake:rate=100,tokens=3000")
    qtbot.waitUntil(lambda: len(answer_of(session).text) > 0, timeout=WAIT_MS)
    qtbot.waitUntil(lambda: len(stored(paths, session).path()[-1].text) > 50, timeout=WAIT_MS)
    assert session.is_answering
    kept = stored(paths, session).path()[-1]
    assert kept.state == "interrupted"  # which is what it is, if this process dies now
    session.stop()
    wait_for_end(session, qtbot)


def test_stopping_keeps_the_text_and_says_so(session: ChatSession, paths: Paths, qtbot: QtBot) -> None:
    session.send("Go on", model="fake:rate=200,tokens=3000")
    qtbot.waitUntil(lambda: len(answer_of(session).text) > 20, timeout=WAIT_MS)
    session.stop()
    answer = wait_for_end(session, qtbot)
    assert (answer.state, answer.stats.finish_reason) == ("complete", "cancelled")
    assert len(answer.text) > 20
    qtbot.waitUntil(lambda: stored(paths, session).path()[-1] == answer, timeout=WAIT_MS)


def test_stopping_before_the_engine_was_asked_ends_it_there(
    session: ChatSession, host_process: HostProcess, qtbot: QtBot
) -> None:
    session.send("Go on", model="fake")
    session.stop()
    assert answer_of(session).stats.finish_reason == "cancelled"
    qtbot.wait(100)
    assert host_process.pid == 0


def test_what_the_answer_waits_for_is_said_while_the_model_loads(session: ChatSession, qtbot: QtBot) -> None:
    said: list[str] = []
    session.activity_changed.connect(said.append)
    session.send("Go on", model="fake:load_s=0.6,tokens=5")
    wait_for_end(session, qtbot)
    assert any(words.startswith("Loading the model, ") for words in said)
    assert said[-1] == ""


def test_a_worker_that_dies_leaves_its_text_and_its_error_and_the_next_question_is_answered(
    session: ChatSession, paths: Paths, qtbot: QtBot
) -> None:
    session.send("Go on", model="fake:rate=500,tokens=100,abort_at=30,text=abc")
    answer = wait_for_end(session, qtbot)
    assert (answer.state, answer.stats.error_code) == ("failed", "worker_died")
    assert answer.text.startswith("abc")
    session.send("Once more", model="fake:tokens=6,text=xyz")
    assert wait_for_end(session, qtbot).text == "xyzxyz"
    qtbot.waitUntil(lambda: stored(paths, session).path() == session.conversation.path(), timeout=WAIT_MS)


def test_only_one_answer_runs_at_a_time_and_nothing_is_sent_for_nothing(
    session: ChatSession, qtbot: QtBot
) -> None:
    session.send("   \n", model="fake")
    assert session.conversation.is_empty
    session.send("Go on", model="fake:rate=200,tokens=3000")
    session.send("And on", model="fake")
    assert len(session.conversation.path()) == 2
    session.stop()
    wait_for_end(session, qtbot)


def test_a_question_that_cannot_be_saved_is_not_sent(
    client: EngineClient, host_process: HostProcess, paths: Paths, qtbot: QtBot
) -> None:
    notices = SaveNotices()
    store = ConversationStore(paths.conversations, notices.reports)
    store._connection.executescript("DROP TABLE messages")  # as if the disk had lost it
    sessions = ChatSessions(store=store, notices=notices, client=client, name_of=str)
    session = sessions.new()
    session.send("Who are you?", model="fake")
    answer = wait_for_end(session, qtbot)
    assert answer.state == "failed"
    assert "could not be saved" in answer.stats.error_message
    assert host_process.pid == 0
    store.close()


def test_closing_keeps_a_growing_answer_as_interrupted(
    sessions: ChatSessions, session: ChatSession, paths: Paths, qtbot: QtBot
) -> None:
    session.send("Go on", model="fake:rate=200,tokens=3000")
    qtbot.waitUntil(lambda: len(answer_of(session).text) > 20, timeout=WAIT_MS)
    sessions.interrupt_all()
    answer = answer_of(session)
    assert answer.state == "interrupted"
    qtbot.waitUntil(lambda: stored(paths, session).path()[-1] == answer, timeout=WAIT_MS)


def test_two_conversations_are_answered_side_by_side(sessions: ChatSessions, qtbot: QtBot) -> None:
    first, second = sessions.new(), sessions.new()
    first.send("One", model="fake:rate=100,tokens=40,text=a")
    second.send("Two", model="fake:rate=100,tokens=40,text=b")
    assert wait_for_end(first, qtbot).text == "a" * 40
    assert wait_for_end(second, qtbot).text == "b" * 40


def test_an_open_conversation_is_opened_once(
    sessions: ChatSessions, session: ChatSession, qtbot: QtBot
) -> None:
    session.send("One", model="fake:tokens=5")
    wait_for_end(session, qtbot)
    assert sessions.open(session.conversation.id) is session


def test_a_renamed_conversation_keeps_its_title_when_it_goes_on(
    sessions: ChatSessions, session: ChatSession, paths: Paths, qtbot: QtBot
) -> None:
    session.send("One", model="fake:tokens=5")
    wait_for_end(session, qtbot)
    sessions.rename(session.conversation.id, "Numbers")
    session.send("Two", model="fake:tokens=5")
    wait_for_end(session, qtbot)
    qtbot.waitUntil(lambda: len(stored(paths, session).path()) == 4, timeout=WAIT_MS)
    assert stored(paths, session).header.title == "Numbers"


def test_a_removed_conversation_stops_answering(
    sessions: ChatSessions, session: ChatSession, qtbot: QtBot
) -> None:
    session.send("Go on", model="fake:rate=200,tokens=3000")
    qtbot.waitUntil(lambda: len(answer_of(session).text) > 20, timeout=WAIT_MS)
    with qtbot.waitSignal(sessions.removed, timeout=WAIT_MS):
        sessions.remove(session.conversation.id)
    wait_for_end(session, qtbot)


def test_while_a_model_reasons_that_is_said_and_the_answer_is_its_text_alone(
    session: ChatSession, qtbot: QtBot
) -> None:
    said: list[str] = []
    session.activity_changed.connect(said.append)
    text = "<think>Let me see.</think>It is so."
    session.send("Is it?", model=f"fake:family=think,once=true,rate=100,text={text}")
    answer = wait_for_end(session, qtbot)
    assert "Thinking…" in said
    assert (answer.text, answer.state) == ("It is so.", "complete")


def test_reasoning_is_kept_with_its_time_and_tokens(session: ChatSession, paths: Paths, qtbot: QtBot) -> None:
    arrived: list[str] = []
    session.reasoning_arrived.connect(lambda _id, text: arrived.append(text))
    text = "<think>Let me see.</think>It is so."
    session.send("Is it?", model=f"fake:family=think,once=true,rate=100,text={text}")
    answer = wait_for_end(session, qtbot)
    assert (answer.reasoning, "".join(arrived)) == ("Let me see.", "Let me see.")
    assert answer.stats.reasoning_ms > 0
    assert answer.stats.reasoning_tokens >= len("Let me see.")
    qtbot.waitUntil(lambda: stored(paths, session).path()[-1] == answer, timeout=WAIT_MS)


def test_reasoning_that_grows_is_kept_too(session: ChatSession, paths: Paths, qtbot: QtBot) -> None:
    thoughts = " ".join(f"thought{number}" for number in range(300))  # no circle that would be ended
    session.send("Go on", model=f"fake:family=think,once=true,rate=100,text=<think>{thoughts}")
    qtbot.waitUntil(lambda: len(answer_of(session).reasoning) > 0, timeout=WAIT_MS)
    qtbot.waitUntil(lambda: len(stored(paths, session).path()[-1].reasoning) > 50, timeout=WAIT_MS)
    assert session.is_answering
    session.stop()
    wait_for_end(session, qtbot)


def test_an_edited_question_is_answered_in_a_branch_of_its_own(
    session: ChatSession, paths: Paths, qtbot: QtBot
) -> None:
    session.send("One", model="fake:tokens=3,text=abc")
    first = wait_for_end(session, qtbot)
    question = session.conversation.path()[0]
    with qtbot.waitSignal(session.path_changed, timeout=WAIT_MS):
        session.edit(question.id, "Two", model="fake:tokens=3,text=xyz")
    wait_for_end(session, qtbot)
    assert [message.text for message in session.conversation.path()] == ["Two", "xyz"]
    session.select_version(session.conversation.path()[0].id, -1)
    assert session.conversation.path() == [question, first]
    qtbot.waitUntil(lambda: stored(paths, session).path() == [question, first], timeout=WAIT_MS)


def test_another_model_can_answer_the_same_question(session: ChatSession, qtbot: QtBot) -> None:
    session.send("One", model="fake:tokens=3,text=abc")
    first = wait_for_end(session, qtbot)
    session.answer_again(first.id, model="fake:tokens=3,text=xyz")
    second = wait_for_end(session, qtbot)
    assert (second.text, second.model) == ("xyz", "<fake:tokens=3,text=xyz>")
    assert session.conversation.siblings(second.id) == [first, second]
    session.select_version(second.id, +1)  # there is none after the last
    assert session.conversation.path()[-1] == second


def test_an_answer_that_was_stopped_goes_on_in_the_same_message(session: ChatSession, qtbot: QtBot) -> None:
    session.send("Go on", model="fake:rate=200,tokens=3000,text=abc")
    qtbot.waitUntil(lambda: len(answer_of(session).text) > 20, timeout=WAIT_MS)
    session.stop()
    stopped = wait_for_end(session, qtbot)
    session.continue_answer(stopped.id, model="fake:tokens=3,text=xyz")
    whole = wait_for_end(session, qtbot)
    assert (whole.id, whole.text) == (stopped.id, stopped.text + "xyz")
    assert (whole.state, whole.stats.finish_reason) == ("complete", "stop")
    assert whole.stats.completion_tokens > stopped.stats.completion_tokens
    # the engine read the question and the answer so far, and no other words
    assert whole.stats.prompt_tokens + stopped.stats.completion_tokens == len(
        f"user: Go on\nassistant: {stopped.text}".encode()
    )


def test_a_deleted_message_comes_back(session: ChatSession, paths: Paths, qtbot: QtBot) -> None:
    session.send("One", model="fake:tokens=3")
    answer = wait_for_end(session, qtbot)
    gone = session.delete(answer.id)
    qtbot.waitUntil(lambda: len(stored(paths, session).path()) == 1, timeout=WAIT_MS)
    session.restore(gone)
    qtbot.waitUntil(lambda: stored(paths, session).path()[-1] == answer, timeout=WAIT_MS)


def test_nothing_is_deleted_or_asked_while_an_answer_runs(session: ChatSession, qtbot: QtBot) -> None:
    session.send("Go on", model="fake:rate=200,tokens=3000")
    question, answer = session.conversation.path()
    assert session.delete(question.id) == []
    session.edit(question.id, "Other", model="fake")
    session.answer_again(answer.id, model="fake")
    session.continue_answer(answer.id, model="fake")
    session.select_version(answer.id, 1)
    assert [message.id for message in session.conversation.tree] == [question.id, answer.id]
    session.stop()
    wait_for_end(session, qtbot)


def test_what_a_conversation_sets_is_sent_and_kept_with_its_first_message(
    session: ChatSession, paths: Paths, qtbot: QtBot
) -> None:
    session.change_settings(ConversationSettings(system_prompt="Be brief.", max_tokens=5))
    session.send("Go on", model="fake:tokens=3000")
    answer = wait_for_end(session, qtbot)
    assert (answer.stats.completion_tokens, answer.stats.finish_reason) == (5, "length")
    assert answer.stats.prompt_tokens == len(b"system: Be brief.\nuser: Go on\nassistant: ")
    qtbot.waitUntil(lambda: stored(paths, session).settings.max_tokens == 5, timeout=WAIT_MS)


def test_a_setting_no_sampler_can_use_is_said_in_the_answer(session: ChatSession, qtbot: QtBot) -> None:
    session.change_settings(ConversationSettings(sampling={"temperature": -1}))
    session.send("Go on", model="fake")
    answer = wait_for_end(session, qtbot)
    assert (answer.state, answer.stats.error_code) == ("failed", "invalid_request")
    assert "temperature" in answer.stats.error_message


def test_attachments_are_sent_before_the_text(session: ChatSession, paths: Paths, qtbot: QtBot) -> None:
    notes = Attachment(name="a.txt", text="one", size_bytes=3)
    session.send("", model="fake:tokens=3", attachments=[notes])
    answer = wait_for_end(session, qtbot)
    assert answer.stats.prompt_tokens == len(b"user: a.txt:\n```\none\n```\nassistant: ")
    assert stored(paths, session).path()[0].attachments == (notes,)


def test_a_question_waits_for_room_on_the_disk_and_is_asked_then(
    session: ChatSession, sessions: ChatSessions, monkeypatch: pytest.MonkeyPatch, qtbot: QtBot
) -> None:
    monkeypatch.setattr("app.conversations.writer.RETRY_INTERVAL_S", 0.05)
    full = [True]

    def refuse(_connection: object) -> None:
        if full:
            error = sqlite.OperationalError("database or disk is full")
            error.sqlite_errorcode = sqlite.SQLITE_FULL
            raise error

    sessions._store._writer.put(refuse)
    session.send("Go on", model="fake:tokens=3,text=abc")
    qtbot.waitUntil(lambda: "the disk is full" in session.activity, timeout=WAIT_MS)
    full.clear()
    assert wait_for_end(session, qtbot).text == "abc"


def test_only_sessions_that_await_an_answer_hear_the_engine(
    sessions: ChatSessions, session: ChatSession, client: EngineClient, qtbot: QtBot
) -> None:
    text_arrived = SIGNAL("text_arrived(QString,QString)")
    for _ in range(5):
        sessions.new()
    assert client.receivers(text_arrived) == 0
    session.send("Go on", model="fake:tokens=20")
    assert client.receivers(text_arrived) == 1
    wait_for_end(session, qtbot)
    assert client.receivers(text_arrived) == 0


def test_a_conversation_that_nobody_comes_back_to_is_let_go_but_not_while_it_is_answered(
    sessions: ChatSessions, session: ChatSession, qtbot: QtBot
) -> None:
    session.send("Who are you?", model="fake:tokens=5")
    said = wait_for_end(session, qtbot)
    running = sessions.new()
    running.send("Go on", model="fake:rate=100,tokens=30000")
    let_go: list[bool] = []
    session.destroyed.connect(lambda: let_go.append(True))
    num_shown = 0
    while not let_go and num_shown < 100:  # none is let go while anything waits for the disk
        sessions.note_shown(sessions.new().conversation.id)
        num_shown += 1
        qtbot.wait(20)
    assert NUM_AT_REST < num_shown < 100
    assert sessions.open(running.conversation.id) is running
    opened = sessions.open(said.conversation_id)
    assert opened is not session
    assert opened.conversation.path()[-1] == said
    running.stop()
    wait_for_end(running, qtbot)


def test_the_answer_can_be_asked_for_while_the_model_thinks(session: ChatSession, qtbot: QtBot) -> None:
    thinking: list[bool] = []
    session.reasoning_changed.connect(thinking.append)
    session.send("Hello", model="fake:family=think,rate=100,tokens=200,text=<think>what a question it is ")
    qtbot.waitUntil(lambda: session.is_reasoning, timeout=WAIT_MS)
    session.answer_now()
    answer = wait_for_end(session, qtbot)
    assert answer.stats.reasoning_ended_by == "asked"
    assert answer.reasoning
    assert answer.text
    assert thinking == [True, False]


def test_a_template_that_failed_and_reasoning_that_was_ended_are_kept_with_the_answer(
    session: ChatSession, paths: Paths, qtbot: QtBot
) -> None:
    session.send("Hello", model="fake:family=broken,tokens=5")
    stats = wait_for_end(session, qtbot).stats
    assert stats.template_fallback == "ChatML"
    assert stats.template_failure
    session.send("And now?", model="fake:family=think,tokens=3000,text=<think>round and round ")
    assert wait_for_end(session, qtbot).stats.reasoning_ended_by == "loop"
    qtbot.waitUntil(lambda: stored(paths, session).path() == session.conversation.path(), timeout=WAIT_MS)
