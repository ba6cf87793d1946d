"""The conversation that is shown: joins one session at a time to the page, keeps what is typed for each."""

from collections.abc import Sequence

from PySide6.QtCore import QMetaObject, QObject, Signal

from app.conversations.conversation import Message
from app.conversations.message import Attachment, Draft
from app.engine_link.chat_session import ChatSession
from app.engine_link.model_choice import ModelChoice
from app.lists.message_list import MessageList
from app.views.chat_page import ChatPage
from app.views.context_watch import ContextWatch


class ShownChat(QObject):
    """Sends, stops, and switches between sessions."""

    session_shown = Signal(str)  # conversation id

    def __init__(
        self, session: ChatSession, *, page: ChatPage, messages: MessageList, choice: ModelChoice
    ) -> None:
        super().__init__()
        self._session = session
        self._page = page
        self._messages = messages
        self._choice = choice
        self._context = ContextWatch(page, messages, choice)
        self._unsent: dict[str, Draft] = {}
        self._connections: list[QMetaObject.Connection] = []
        page.empty_state.suggested.connect(self.send)
        page.composer.submitted.connect(self._send_draft)
        page.composer.stop_requested.connect(self.stop)
        choice.changed.connect(self._show_model)
        self._show_model()
        self._connect()

    @property
    def session(self) -> ChatSession:
        """The session that is shown."""
        return self._session

    @property
    def conversation_id(self) -> str:
        """The id of the conversation that is shown."""
        return self._session.conversation.id

    def show(self, session: ChatSession) -> None:
        """Show another conversation; what was typed in this one waits for its return."""
        if session is not self._session:
            composer = self._page.composer
            self._unsent[self.conversation_id] = composer.draft
            self._session = session
            self._connect()
            composer.draft = self._unsent.pop(session.conversation.id, Draft())
        self._page.composer.setFocus()

    def send(self, text: str, attachments: Sequence[Attachment] = ()) -> None:
        """Say this in the conversation that is shown."""
        if not self._session.is_answering:
            self._page.notice.hide()
            self._session.send(text, model=self._choice.current, attachments=attachments)

    def stop(self) -> None:
        """Stop the answer that is shown."""
        self._session.stop()

    def _send_draft(self, draft: Draft) -> None:
        if not self._session.is_answering and self._context.has_room(lambda: self._send_draft(draft)):
            self.send(draft.text, draft.attachments)
            self._page.composer.draft = Draft()  # only now: what is left out was measured with it

    def _connect(self) -> None:
        for connection in self._connections:
            QObject.disconnect(connection)
        session, composer, messages = self._session, self._page.composer, self._messages
        self._connections = [
            session.message_appended.connect(self._append),
            session.text_arrived.connect(messages.append_text),
            session.message_changed.connect(self._change),
            session.activity_changed.connect(messages.set_activity),
            session.answering_changed.connect(composer.set_answering),
        ]
        messages.show_path(session.conversation.path(), session.activity)
        composer.set_answering(session.is_answering)
        self._context.follow(session)
        self._page.show_welcome(session.conversation.is_empty)
        self.session_shown.emit(self.conversation_id)

    def _append(self, message: Message) -> None:
        self._messages.append(message)
        self._page.show_welcome(False)

    def _change(self, message: Message) -> None:
        self._messages.change(message)

    def _show_model(self) -> None:
        self._page.show_model_name(self._choice.current_name)
