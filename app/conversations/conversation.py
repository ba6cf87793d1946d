"""A conversation: a tree of messages that only grows, and the path through it that is shown."""

import time
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import replace

from app.conversations.message import (
    AnswerStats,
    Attachment,
    ConversationHeader,
    Message,
    MessageState,
    TitleSource,
    storable,
)
from app.conversations.settings import ConversationSettings
from app.conversations.titles import make_title
from app.conversations.tree import MessageTree
from engine.contract.chat import ChatMessage, Role

__all__ = ["AnswerStats", "Conversation", "ConversationHeader", "Message", "MessageState", "storable"]


class Conversation:
    """The messages of one conversation; each knows its parent, the head is the newest one shown."""

    def __init__(
        self,
        header: ConversationHeader,
        messages: Iterable[Message] = (),
        settings: ConversationSettings | None = None,
    ) -> None:
        self.header = header
        self.settings = settings or ConversationSettings()
        self.tree = MessageTree(messages)

    @classmethod
    def new(cls) -> "Conversation":
        """An empty conversation with an id of its own."""
        now = time.time()
        return cls(
            ConversationHeader(id=uuid.uuid4().hex, title="", created_at=now, updated_at=now, head_id=None)
        )

    @property
    def id(self) -> str:
        """The conversation's id."""
        return self.header.id

    @property
    def is_empty(self) -> bool:
        """Whether nothing has been said yet."""
        return not self.tree

    def __getitem__(self, message_id: str) -> Message:
        return self.tree[message_id]

    def append(
        self,
        *,
        role: Role,
        text: str,
        state: MessageState = "complete",
        model: str = "",
        attachments: Sequence[Attachment] = (),
    ) -> Message:
        """Add a message below the head and make it the head; the first of the user's gives the title."""
        return self._add(
            Message(
                id=uuid.uuid4().hex,
                conversation_id=self.id,
                parent_id=self.header.head_id,
                role=role,
                text=storable(text),
                attachments=tuple(one.storable() for one in attachments),
                state=state,
                created_at=time.time(),
                model=storable(model),
            )
        )

    def edit(self, message_id: str, text: str, attachments: Sequence[Attachment] | None = None) -> Message:
        """Add another version of a message beside it and make it the head; None keeps what is attached."""
        old = self.tree[message_id]
        self.header = replace(self.header, head_id=old.parent_id)
        kept = old.attachments if attachments is None else attachments
        return self.append(role=old.role, text=text, attachments=kept)

    def answer_again(self, message_id: str, *, model: str) -> Message:
        """Add an empty answer beside this one, or below this question, and make it the head."""
        message = self.tree[message_id]
        parent_id = message.id if message.role == "user" else message.parent_id
        self.header = replace(self.header, head_id=parent_id)
        return self.append(role="assistant", text="", state="streaming", model=model)

    def change(self, message: Message) -> None:
        """Replace the record of a message that is here already: an answer that grew or ended."""
        if message.id not in self.tree:
            raise KeyError(f"no message {message.id} in conversation {self.id}")
        self.tree.replace(message)

    def rename(self, title: str, source: TitleSource = "user") -> None:
        """Take another title; an automatic one never takes the place of the user's own."""
        if source == "user" or self.header.title_source != "user":
            self.header = replace(self.header, title=storable(title).strip(), title_source=source)

    def path(self) -> list[Message]:
        """The messages from the first one to the head."""
        return self.tree.path_to(self.header.head_id)

    def siblings(self, message_id: str) -> list[Message]:
        """The versions of a message, itself among them, in the order in which they came."""
        return self.tree.siblings(message_id)

    def versions_on_path(self) -> list[tuple[str, int, int]]:
        """For each message of the path its id, which of its versions it is (from 1), and of how many."""
        found: list[tuple[str, int, int]] = []
        above: str | None = None
        for message in self.path():
            versions = [version.id for version in self.tree.children(above)]
            found.append((message.id, 1 + versions.index(message.id), len(versions)))
            above = message.id
        return found

    def select(self, message_id: str) -> None:
        """Show the path through this message, down to its newest leaf."""
        self.header = replace(self.header, head_id=self.tree.newest_leaf(message_id))

    def delete(self, message_id: str, *, with_branch: bool = False) -> list[Message]:
        """Move a message to the bin, with everything below it if wanted; returns the records that changed.

        The head moves to the newest message left where it was, if it was among them.
        """
        now = time.time()
        doomed = self.tree.branch(message_id) if with_branch else [self.tree[message_id]]
        path = self.path()
        above = self.tree.path_to(message_id)[:-1]
        changed = [replace(message, deleted_at=now) for message in doomed]
        for message in changed:
            self.tree.replace(message)
        if path and path[-1].id in {message.id for message in changed}:
            head_id = self.tree.newest_leaf(above[-1].id if above else None)
            self.header = replace(self.header, head_id=head_id)
        return changed

    def restore(self, message_ids: Iterable[str]) -> list[Message]:
        """Take messages out of the bin and show the path through them; returns the records that changed."""
        changed = [
            replace(self.tree[message_id], deleted_at=None)
            for message_id in message_ids
            if message_id in self.tree
        ]
        for message in changed:
            self.tree.replace(message)
        if changed and changed[0] not in self.path():
            self.select(changed[0].id)
        return changed

    def chat_messages(self, num_left_out: int = 0) -> tuple[ChatMessage, ...]:
        """The path as the engine gets it, the system prompt first: answers without text are left out.

        So are this many of the oldest messages, where the context has no room for them.

        Neighbours of one role are joined: chat templates insist on alternating roles, and after an error
        there may be no answer. Reasoning is left out, as the models' makers recommend for earlier turns.
        """
        said: list[ChatMessage] = []
        if self.settings.system_prompt.strip():
            said.append(ChatMessage(role="system", text=self.settings.system_prompt))
        for message in self.path()[num_left_out:]:
            text = message.full_text if message.attachments else message.text
            if not text:
                continue
            if said and said[-1].role == message.role:
                said[-1] = ChatMessage(role=message.role, text=f"{said[-1].text}\n\n{text}")
            else:
                said.append(ChatMessage(role=message.role, text=text))
        return tuple(said)

    def _add(self, message: Message) -> Message:
        self.tree.add(message)
        title = self.header.title
        if not title and message.role == "user":
            title = make_title(message.text or next((one.name for one in message.attachments), ""))
        self.header = replace(self.header, head_id=message.id, updated_at=message.created_at, title=title)
        return message
