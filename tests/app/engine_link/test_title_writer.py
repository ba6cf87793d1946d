from collections.abc import Iterator

import pytest
from pytestqt.qtbot import QtBot

from app.conversations.store import ConversationStore
from app.engine_link.chat_session import ChatSession
from app.engine_link.chat_sessions import ChatSessions
from app.engine_link.engine_client import EngineClient
from app.engine_link.save_notices import SaveNotices
from app.engine_link.title_writer import TitleWriter
from app.model_names import BUILTIN
from engine.contract.paths import Paths
from tests.support.window import WAIT_MS

pytestmark = pytest.mark.slow
NAMED = "fake:once=true,text=Stills and retorts"


@pytest.fixture
def sessions(paths: Paths, client: EngineClient) -> Iterator[ChatSessions]:
    notices = SaveNotices()
    store = ConversationStore(paths.conversations, notices.reports)
    yield ChatSessions(store=store, notices=notices, client=client, name_of=str)
    store.close()


@pytest.fixture
def model() -> list[str]:
    """The model in use, as the only item; a test may change it."""
    return [NAMED]


@pytest.fixture
def writer(
    sessions: ChatSessions, client: EngineClient, model: list[str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[TitleWriter]:
    monkeypatch.setattr("app.engine_link.title_writer.PAUSE_MS", 50)
    writer = TitleWriter(sessions=sessions, client=client, current_model=lambda: model[0])
    yield writer
    writer.close()


def ask(session: ChatSession, qtbot: QtBot, model: str = NAMED) -> None:
    session.send("How does a still work, and what is a retort?", model=model)
    qtbot.waitUntil(lambda: not session.is_answering, timeout=WAIT_MS)


def title(session: ChatSession) -> str:
    return session.conversation.header.title


def test_after_the_first_answer_the_model_gives_the_title(
    writer: TitleWriter, sessions: ChatSessions, paths: Paths, qtbot: QtBot
) -> None:
    session = sessions.new()
    ask(session, qtbot)
    assert title(session).startswith("How does a still")
    with qtbot.waitSignal(sessions.header_changed, timeout=WAIT_MS):
        pass
    assert title(session) == "Stills and retorts"
    assert session.conversation.header.title_source == "model"
    qtbot.waitUntil(lambda: sessions._store.headers()[0].title == "Stills and retorts", timeout=WAIT_MS)


def test_the_user_s_own_title_stays(writer: TitleWriter, sessions: ChatSessions, qtbot: QtBot) -> None:
    session = sessions.new()
    ask(session, qtbot)
    sessions.rename(session.conversation.id, "Mine")
    qtbot.wait(400)
    assert title(session) == "Mine"


@pytest.mark.parametrize("reason", ["built-in", "switched off", "second answer", "nonsense"])
def test_the_first_words_stay(
    writer: TitleWriter, sessions: ChatSessions, model: list[str], reason: str, qtbot: QtBot
) -> None:
    session = sessions.new()
    writer.is_enabled = reason != "switched off"
    if reason == "built-in":
        model[0] = BUILTIN
    elif reason == "nonsense":
        model[0] = "fake:tokens=3000,text=on and on "
    elif reason == "second answer":
        writer.is_enabled = False
        ask(session, qtbot)
        writer.is_enabled = True
    ask(session, qtbot)
    qtbot.wait(600)
    assert title(session).startswith("How does a still")


def test_a_question_of_the_user_s_goes_first(
    writer: TitleWriter, sessions: ChatSessions, model: list[str], client: EngineClient, qtbot: QtBot
) -> None:
    model[0] = "fake:rate=20,once=true,text=A title that takes its time"
    session = sessions.new()
    ask(session, qtbot, model[0].replace("rate=20", "rate=500"))
    qtbot.waitUntil(lambda: bool(writer._request_id), timeout=WAIT_MS)
    session.send("And?", model=NAMED)
    assert writer._request_id == ""
    qtbot.waitUntil(lambda: not session.is_answering, timeout=WAIT_MS)
    assert title(session).startswith("How does a still")
