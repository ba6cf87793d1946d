"""The conversation that is shown: joins one session at a time to the page, keeps what is typed for each."""

from collections.abc import Sequence

from PySide6.QtCore import QMetaObject, QObject, QSignalBlocker, Signal

from app.conversations.message import Attachment, Draft, Message
from app.engine_link.chat_session import ChatSession
from app.engine_link.draft_keeper import DraftKeeper
from app.engine_link.model_choice import ModelChoice
from app.lists.message_list import MessageList
from app.translation import tr
from app.views.chat_page import ChatPage
from app.views.context_watch import ContextWatch


class ShownChat(QObject):
    """Sends, edits, stops, and switches between sessions."""

    session_shown = Signal(str)  # conversation id

    def __init__(
        self,
        session: ChatSession,
        *,
        page: ChatPage,
        messages: MessageList,
        choice: ModelChoice,
        drafts: DraftKeeper,
    ) -> None:
        super().__init__()
        self._session = session
        self._page = page
        self._messages = messages
        self._choice = choice
        self._drafts = drafts
        self._edited_id = ""  # the question of which another version is being written
        self._context = ContextWatch(page, messages, choice)
        self._connections: list[QMetaObject.Connection] = []
        page.empty_state.suggested.connect(self.send)
        page.composer.submitted.connect(self._send_draft)
        page.composer.stop_requested.connect(self.stop)
        page.composer.answer_now_requested.connect(self.answer_now)
        page.composer.changed.connect(self._keep_draft)
        choice.changed.connect(self._show_model)
        self._show_model()
        self._connect()
        page.composer.draft = drafts.draft(self._draft_id)

    @property
    def session(self) -> ChatSession:
        """The session that is shown."""
        return self._session

    @property
    def conversation_id(self) -> str:
        """The id of the conversation that is shown."""
        return self._session.conversation.id

    @property
    def model(self) -> str:
        """Who answers here: the conversation's own model, or the one chosen in the window."""
        return self._session.conversation.settings.model or self._choice.current

    def show(self, session: ChatSession) -> None:
        """Show another conversation; what was typed in this one waits for its return."""
        if session is not self._session:
            self.cancel_edit()
            self._session = session
            with QSignalBlocker(self._page.composer):  # it is measured with the rest
                self._page.composer.draft = self._drafts.draft(self._draft_id)
            self._connect()
        self._page.composer.setFocus()

    def send(self, text: str, attachments: Sequence[Attachment] = ()) -> None:
        """Say this in the conversation that is shown."""
        if not self._session.is_answering:
            self._page.notice.hide()
            self._session.send(text, model=self.model, attachments=attachments)

    def stop(self) -> None:
        """Leave an edit, or stop the answer that is shown."""
        if self._edited_id:
            self.cancel_edit()
        else:
            self._session.stop()

    def answer_now(self) -> None:
        """End the reasoning of the answer that is shown."""
        self._session.answer_now()

    def edit(self, message_id: str) -> None:
        """Let the user write another version of a question, in the composer."""
        message = self._session.conversation[message_id]
        if self._session.is_answering or message.role != "user":
            return
        self._edited_id = message_id
        self._page.composer.draft = Draft(text=message.text, attachments=message.attachments)
        self._page.composer.setFocus()
        self._page.notice.show_plain(
            tr("You are writing another version of an earlier message. The first one stays."),
            tr("Cancel"),
            self.cancel_edit,
        )

    def cancel_edit(self) -> None:
        """Go back to what was being typed before the edit."""
        if self._edited_id:
            self._edited_id = ""
            self._page.notice.hide()
            self._page.composer.draft = self._drafts.draft(self._draft_id)

    def _send_draft(self, draft: Draft) -> None:
        if self._session.is_answering or not self._context.has_room(lambda: self._send_draft(draft)):
            return
        if self._edited_id:
            edited_id = self._edited_id
            self.cancel_edit()
            self._session.edit(edited_id, draft.text, model=self.model, attachments=draft.attachments)
        else:
            draft_id = self._draft_id
            self.send(draft.text, draft.attachments)
            self._page.composer.draft = Draft()  # only now: what is left out was measured with it
            self._drafts.keep(draft_id, Draft())

    @property
    def _draft_id(self) -> str:
        return "" if self._session.conversation.is_empty else self.conversation_id

    def _keep_draft(self) -> None:
        if not self._edited_id:
            self._drafts.keep(self._draft_id, self._page.composer.draft)

    def _connect(self) -> None:
        for connection in self._connections:
            QObject.disconnect(connection)
        session, composer, messages = self._session, self._page.composer, self._messages
        self._connections = [
            session.message_appended.connect(self._append),
            session.path_changed.connect(self._show_other_branch),
            session.text_arrived.connect(messages.append_text),
            session.reasoning_arrived.connect(messages.append_reasoning),
            session.message_changed.connect(self._change),
            session.activity_changed.connect(messages.set_activity),
            session.answering_changed.connect(composer.set_answering),
            session.reasoning_changed.connect(composer.set_reasoning),
            session.settings_changed.connect(self._show_model),
        ]
        composer.set_answering(session.is_answering)
        composer.set_reasoning(session.is_reasoning)
        self._show_path()
        self._show_model()
        self._context.follow(session)
        self.session_shown.emit(self.conversation_id)

    def _show_path(self) -> None:
        path = self._session.conversation.path()
        self._messages.show_path(path, self._session.activity)
        self._show_versions()
        self._page.show_welcome(not path)

    def _show_other_branch(self) -> None:
        """Rows above the place where the branches part stay, and with them what is being read."""
        path, messages = self._session.conversation.path(), self._messages
        same = 0
        while same < min(len(path), messages.rowCount()) and messages.message(same).id == path[same].id:
            same += 1
        messages.replace_tail(same, path[same:])
        self._show_versions()
        self._page.show_welcome(not path)

    def _show_versions(self) -> None:
        for row, (message_id, position, count) in enumerate(self._session.conversation.versions_on_path()):
            if self._messages.versions(row) != (position, count):
                self._messages.set_versions(message_id, position, count)

    def _append(self, message: Message) -> None:
        self._messages.append(message)
        self._page.show_welcome(False)

    def _change(self, message: Message) -> None:
        self._messages.change(message)

    def _show_model(self) -> None:
        self._page.show_model_name(self._choice.name_of(self.model))
