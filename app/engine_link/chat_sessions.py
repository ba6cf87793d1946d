"""The conversations that are open: the one that is shown, those that are answered unwatched, the last few."""

from collections.abc import Callable, Iterable
from dataclasses import replace

from PySide6.QtCore import QObject, Signal

from app.conversations.conversation import Conversation
from app.conversations.message import ConversationHeader, TitleSource
from app.conversations.store import ConversationStore
from app.engine_link.chat_session import ChatSession
from app.engine_link.engine_client import EngineClient
from app.engine_link.save_notices import SaveNotices

NUM_AT_REST = 8  # opened lately: going back and forth between them reads nothing again


class ChatSessions(QObject):
    """Opens conversations, and changes what their headers say."""

    header_changed = Signal(object)  # ConversationHeader
    removed = Signal(str)  # conversation id
    answer_began = Signal(str)  # conversation id
    answer_ended = Signal(str)  # conversation id

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
        self._sessions: dict[str, ChatSession] = {}  # the one shown last at the end

    @property
    def is_answering(self) -> bool:
        """Whether any conversation is being answered."""
        return any(session.is_answering for session in self._sessions.values())

    def new(self) -> ChatSession:
        """An empty conversation; nothing of it is kept before its first message."""
        return self._add(Conversation.new())

    def open(self, conversation_id: str) -> ChatSession:
        """The conversation with that id, from the store where it is not open yet; raises KeyError."""
        return self._sessions.get(conversation_id) or self._add(self._store.load(conversation_id))

    def note_shown(self, conversation_id: str) -> None:
        """This one is shown now; of the others those that nobody has come back to are let go."""
        self._sessions[conversation_id] = self._sessions.pop(conversation_id)
        if not self._store.is_idle:
            return  # opened again, one would lack what is not on the disk yet
        others = [session for key, session in self._sessions.items() if key != conversation_id]
        at_rest = [session for session in others if not session.is_answering]
        for session in at_rest[:-NUM_AT_REST]:
            del self._sessions[session.conversation.id]
            session.deleteLater()

    def rename(self, conversation_id: str, title: str, source: TitleSource = "user") -> None:
        """Give a conversation another title; an automatic one never takes the place of the user's own."""
        session = self._sessions.get(conversation_id)
        if session is not None:
            session.conversation.rename(title, source)
            session.change_header(session.conversation.header)
            title, source = session.conversation.header.title, session.conversation.header.title_source
        self._store.rename(conversation_id, title, source)

    def set_pinned(self, conversation_id: str, is_pinned: bool) -> None:
        """Pin a conversation to the top of the list, or no longer."""
        self._change(conversation_id, lambda header: replace(header, is_pinned=is_pinned))
        self._store.set_pinned(conversation_id, is_pinned)

    def move_to_folder(self, conversation_id: str, folder_id: str) -> None:
        """Put a conversation into a folder; an empty id takes it out of any."""
        self._change(conversation_id, lambda header: replace(header, folder_id=folder_id or None))
        self._store.move_to_folder(conversation_id, folder_id or None)

    def remove(self, conversation_id: str) -> None:
        """Move a conversation to the bin; its answer is stopped."""
        session = self._sessions.get(conversation_id)
        if session is not None:
            session.stop()
        self._store.move_to_bin(conversation_id)
        self._client.forget(conversation_id)
        self.removed.emit(conversation_id)

    def restore(self, conversation_id: str) -> None:
        """Take a conversation back out of the bin."""
        self._store.restore(conversation_id)
        self.header_changed.emit(self.open(conversation_id).conversation.header)

    def restore_messages(self, conversation_id: str, message_ids: Iterable[str]) -> None:
        """Take messages of a conversation back out of the bin."""
        self.open(conversation_id).restore(message_ids)

    @property
    def unsaved(self) -> list[Conversation]:
        """The conversations that are not on the disk as they are here. Only open ones can be."""
        open_ones = [session.conversation for session in self._sessions.values()]
        return [one for one in open_ones if not (one.is_empty or self._store.has(one))]

    def interrupt_all(self) -> None:
        """The window closes: keep what has arrived of every answer."""
        for session in self._sessions.values():
            session.interrupt()

    def _change(
        self, conversation_id: str, change: Callable[[ConversationHeader], ConversationHeader]
    ) -> None:
        session = self._sessions.get(conversation_id)
        if session is not None:
            session.change_header(change(session.conversation.header))

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
        session.answering_changed.connect(lambda begins: self._tell(conversation.id, begins))
        self._sessions[conversation.id] = session
        return session

    def _tell(self, conversation_id: str, begins: bool) -> None:
        (self.answer_began if begins else self.answer_ended).emit(conversation_id)
