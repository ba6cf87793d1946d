"""The conversations that have been opened since the start: each stays, so an answer goes on unwatched."""

from collections.abc import Callable

from PySide6.QtCore import QObject, Signal

from app.conversations.conversation import Conversation
from app.conversations.store import ConversationStore
from app.engine_link.chat_session import ChatSession
from app.engine_link.engine_client import EngineClient
from app.engine_link.save_notices import SaveNotices


class ChatSessions(QObject):
    """Opens, renames and removes conversations."""

    header_changed = Signal(object)  # ConversationHeader
    removed = Signal(str)  # conversation id

    def __init__(
        self,
        *,
        store: ConversationStore,
        notices: SaveNotices,
        client: EngineClient,
        name_of: Callable[[str], str],
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._store = store
        self._notices = notices
        self._client = client
        self._name_of = name_of
        self._sessions: dict[str, ChatSession] = {}

    def new(self) -> ChatSession:
        """An empty conversation; nothing of it is kept before its first message."""
        return self._add(Conversation.new())

    def open(self, conversation_id: str) -> ChatSession:
        """The conversation with that id, from the store where it is not open yet."""
        return self._sessions.get(conversation_id) or self._add(self._store.load(conversation_id))

    def rename(self, conversation_id: str, title: str) -> None:
        """Give a conversation the user's own title."""
        session = self._sessions.get(conversation_id)
        if session is not None:
            session.conversation.rename(title)
        self._store.rename(conversation_id, title)

    def remove(self, conversation_id: str) -> None:
        """Move a conversation to the bin; its answer is stopped."""
        session = self._sessions.get(conversation_id)
        if session is not None:
            session.stop()
        self._store.move_to_bin(conversation_id)
        self.removed.emit(conversation_id)

    def restore(self, conversation_id: str) -> None:
        """Take a conversation back out of the bin."""
        self._store.restore(conversation_id)
        self.header_changed.emit(self.open(conversation_id).conversation.header)

    def interrupt_all(self) -> None:
        """The window closes: keep what has arrived of every answer."""
        for session in self._sessions.values():
            session.interrupt()

    def _add(self, conversation: Conversation) -> ChatSession:
        session = ChatSession(
            conversation,
            store=self._store,
            notices=self._notices,
            client=self._client,
            name_of=self._name_of,
            parent=self,
        )
        session.header_changed.connect(self.header_changed)
        self._sessions[conversation.id] = session
        return session
