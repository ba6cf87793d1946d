"""A conversation: a tree of messages that only grows, and the path through it that is shown."""

import re
import time
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Literal

from app.conversations.settings import ConversationSettings
from engine.contract.chat import ChatMessage, Role
from engine.contract.errors import DetailValue

MessageState = Literal["complete", "streaming", "interrupted", "failed"]
TITLE_LENGTH = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerStats:
    """What an answer took, and how it ended."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int = 0  # of the prompt
    reasoning_tokens: int = 0  # of the completion
    reasoning_ms: float = 0.0  # from the first token of the reasoning to its last
    decode_tps: float = 0.0
    ttft_ms: float = 0.0
    context_length: int = 0
    finish_reason: str = ""  # stop, length, cancelled; empty while running and after an error
    error_code: str = ""
    error_message: str = ""
    error_details: dict[str, DetailValue] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message; a changed one is a new record with the same id."""

    id: str
    conversation_id: str
    parent_id: str | None
    role: Role
    text: str
    reasoning: str = ""  # what the model thought before it answered
    state: MessageState = "complete"
    created_at: float  # seconds since 1970
    model: str = ""  # the name of who answers, as shown
    stats: AnswerStats = AnswerStats()


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversationHeader:
    """What a list of conversations shows, and where the shown path ends."""

    id: str
    title: str
    created_at: float
    updated_at: float
    head_id: str | None


class Conversation:
    """The messages of one conversation, by id; each knows its parent, the head is the newest one shown."""

    def __init__(
        self,
        header: ConversationHeader,
        messages: Iterable[Message] = (),
        settings: ConversationSettings | None = None,
    ) -> None:
        self.header = header
        self.settings = settings or ConversationSettings()
        self._messages = {message.id: message for message in messages}

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
        return not self._messages

    def __getitem__(self, message_id: str) -> Message:
        return self._messages[message_id]

    def append(self, *, role: Role, text: str, state: MessageState = "complete", model: str = "") -> Message:
        """Add a message below the head and make it the head; the first of the user's gives the title."""
        now = time.time()
        message = Message(
            id=uuid.uuid4().hex,
            conversation_id=self.id,
            parent_id=self.header.head_id,
            role=role,
            text=storable(text),
            state=state,
            created_at=now,
            model=storable(model),
        )
        self._messages[message.id] = message
        title = self.header.title
        if not title and role == "user":
            title = make_title(message.text)
        self.header = replace(self.header, head_id=message.id, updated_at=now, title=title)
        return message

    def change(self, message: Message) -> None:
        """Replace the record of a message that is here already: an answer that grew or ended."""
        if message.id not in self._messages:
            raise KeyError(f"no message {message.id} in conversation {self.id}")
        self._messages[message.id] = message

    def rename(self, title: str) -> None:
        """Take the user's title instead of the automatic one."""
        self.header = replace(self.header, title=storable(title).strip())

    def path(self) -> list[Message]:
        """The messages from the first one to the head."""
        messages = []
        message_id = self.header.head_id
        while message_id is not None:
            message = self._messages[message_id]
            messages.append(message)
            message_id = message.parent_id
        return messages[::-1]

    def chat_messages(self) -> tuple[ChatMessage, ...]:
        """The path as the engine gets it: answers without text left out, neighbours of one role joined.

        Chat templates insist on alternating roles, and after an error there may be no answer.
        """
        said: list[ChatMessage] = []
        for message in self.path():
            if not message.text:
                continue
            if said and said[-1].role == message.role:
                message_text = f"{said[-1].text}\n\n{message.text}"
                said[-1] = ChatMessage(role=message.role, text=message_text)
            else:
                said.append(ChatMessage(role=message.role, text=message.text))
        return tuple(said)


def make_title(text: str) -> str:
    """The first words of a message, about forty characters of them."""
    line = re.sub(r"\s+", " ", text).strip()
    if len(line) <= TITLE_LENGTH:
        return line
    cut = line.rfind(" ", TITLE_LENGTH // 2, TITLE_LENGTH + 1)
    return line[: cut if cut > 0 else TITLE_LENGTH].rstrip(" ,.;:") + "…"


def storable(text: str) -> str:
    """The text with anything that is no character (half of a surrogate pair) replaced by a question mark."""
    return text.encode("utf-8", "replace").decode("utf-8")
