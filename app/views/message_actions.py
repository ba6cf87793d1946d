"""What the user does with single messages: other versions, going on, deleting, finding."""

from PySide6.QtCore import QObject
from PySide6.QtGui import QCursor
from PySide6.QtWidgets import QMenu

from app.chat_view.chat_view import ChatView
from app.engine_link.chat_sessions import ChatSessions
from app.translation import tr, tr_count
from app.views.notice import Notice
from app.views.shown_chat import ShownChat


class MessageActions(QObject):
    """Joins the chat view's wishes to the session that is shown."""

    def __init__(
        self,
        *,
        shown: ShownChat,
        sessions: ChatSessions,
        chat_view: ChatView,
        notice: Notice,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._shown = shown
        self._sessions = sessions
        self._chat_view = chat_view
        self._notice = notice
        chat_view.edit_requested.connect(shown.edit)
        chat_view.regenerate_requested.connect(self.answer_again)
        chat_view.other_model_requested.connect(self.answer_again)
        chat_view.continue_requested.connect(self.go_on)
        chat_view.version_requested.connect(self.show_version)
        chat_view.delete_requested.connect(self.ask_delete)

    def answer_again(self, message_id: str, model: str = "") -> None:
        """Ask for another version of an answer, from another model if one is named."""
        self._shown.session.answer_again(message_id, model=model or self._shown.model)

    def go_on(self, message_id: str) -> None:
        """Let an answer that was cut short go on."""
        self._shown.session.continue_answer(message_id, model=self._shown.model)

    def show_version(self, message_id: str, step: int) -> None:
        """Show the version so many before or after this one, where the reader is."""
        conversation = self._shown.session.conversation
        versions = [version.id for version in conversation.siblings(message_id)]
        self._shown.session.select_version(message_id, step)
        wanted = versions.index(message_id) + step
        if 0 <= wanted < len(versions):
            self._chat_view.show_message(versions[wanted])

    def ask_delete(self, message_id: str) -> None:
        """Delete a message; where others follow, let the user say whether they go with it."""
        if self._shown.session.is_answering:
            return
        if not self._shown.session.conversation.tree.children(message_id):
            self.delete(message_id)
            return
        menu = self.delete_menu(message_id)
        menu.popup(QCursor.pos())

    def delete_menu(self, message_id: str) -> QMenu:
        """The two ways of deleting a message that others follow."""
        menu = QMenu(self._chat_view)
        menu.aboutToHide.connect(menu.deleteLater)
        menu.addAction(tr("Delete this message"), lambda: self.delete(message_id))
        menu.addAction(
            tr("Delete it and everything after it"), lambda: self.delete(message_id, with_branch=True)
        )
        return menu

    def delete(self, message_id: str, *, with_branch: bool = False) -> None:
        """Move a message to the bin, and offer to take it out again."""
        session = self._shown.session
        gone = session.delete(message_id, with_branch=with_branch)
        if not gone:
            return
        self._notice.show_plain(
            tr_count(
                len(gone), "The message was moved to the bin.", "{count} messages were moved to the bin."
            ),
            tr("Undo"),
            lambda: self._sessions.restore_messages(session.conversation.id, gone),
        )

    def show_message(self, conversation_id: str, message_id: str) -> None:
        """Show a conversation at a message, or at its end."""
        session = self._sessions.open(conversation_id)
        if message_id:
            session.show_message(message_id)
        self._shown.show(session)
        if message_id:
            self._chat_view.show_message(message_id)
