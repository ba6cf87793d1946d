"""Titles by the model: after the first answer, while nobody waits, the model is asked for a better one.

The request goes on from the conversation itself, so that nearly all of its prompt is in the KV cache, and the
next question finds it there again.
"""

from collections.abc import Callable

from PySide6.QtCore import QObject, QTimer

from app.conversations.titles import TITLE_REQUEST, clean_title
from app.engine_link.chat_session import ChatSession
from app.engine_link.chat_sessions import ChatSessions
from app.engine_link.engine_client import EngineClient
from app.model_names import BUILTIN
from engine.contract.chat import ChatMessage
from engine.contract.errors import EngineError
from engine.contract.messages import FinishedEvent
from engine.contract.params import GenerationLimits, SamplingParams

PAUSE_MS = 1500  # after the answer: the user may go on at once
MAX_TOKENS = 24


class TitleWriter(QObject):
    """Asks for one title at a time; a question of the user's ends it."""

    def __init__(
        self,
        *,
        sessions: ChatSessions,
        client: EngineClient,
        current_model: Callable[[], str],
        parent: QObject | None = None,
    ) -> None:
        """`current_model` says which model is in use: no other is put into memory for a title."""
        super().__init__(parent)
        self.is_enabled = True
        self._sessions = sessions
        self._client = client
        self._current_model = current_model
        self._conversation_id = ""
        self._request_id = ""
        self._answer = ""
        self._pause = QTimer(self, interval=PAUSE_MS, singleShot=True)
        self._pause.timeout.connect(self._ask)
        sessions.answer_began.connect(self._give_way)
        sessions.answer_ended.connect(self._note_end)
        client.text_arrived.connect(self._take_text)
        client.finished.connect(self._finish)
        client.failed.connect(self._forget)

    def close(self) -> None:
        """Ask for nothing more."""
        self._pause.stop()
        self._conversation_id = self._request_id = ""

    def _note_end(self, conversation_id: str) -> None:
        if self.is_enabled and wants_title(self._sessions.open(conversation_id)):
            self._conversation_id = conversation_id
            self._pause.start()

    def _ask(self) -> None:
        model = self._current_model()
        # the built-in model is a demonstration of five million parameters; it writes on instead of naming
        if self._sessions.is_answering or model == BUILTIN:
            return
        session = self._sessions.open(self._conversation_id)
        if not wants_title(session):
            return
        said = (*session.conversation.chat_messages(), ChatMessage(role="user", text=TITLE_REQUEST))
        self._answer = ""
        self._request_id = self._client.generate(
            model,
            said,
            conversation_id="",
            sampling=SamplingParams(temperature=0.2),
            limits=GenerationLimits(max_tokens=MAX_TOKENS),
            reasoning_effort="off",
        )

    def _give_way(self, _conversation_id: str) -> None:
        self._pause.stop()
        if self._request_id:
            self._client.cancel(self._request_id)
            self._request_id = ""

    def _take_text(self, request_id: str, text: str) -> None:
        if request_id == self._request_id:
            self._answer += text

    def _finish(self, request_id: str, event: FinishedEvent) -> None:
        if not request_id or request_id != self._request_id:
            return
        self._request_id = ""
        title = clean_title(self._answer) if event.reason == "stop" else ""  # half a title is none
        if title:
            self._sessions.rename(self._conversation_id, title, "model")

    def _forget(self, request_id: str, _error: EngineError) -> None:
        if request_id == self._request_id:
            self._request_id = ""


def wants_title(session: ChatSession) -> bool:
    """Whether this is a conversation with one whole answer and the title of its first words."""
    path = session.conversation.path()
    return (
        not session.is_answering
        and session.conversation.header.title_source == "words"
        and [message.role for message in path] == ["user", "assistant"]
        and path[-1].state == "complete"
        and path[-1].stats.finish_reason != "cancelled"
        and bool(path[-1].text)
    )
