"""The records of a conversation: a message with what is attached to it, and what an answer took."""

import re
from dataclasses import dataclass, field, replace
from typing import Literal

from engine.contract.chat import Role
from engine.contract.errors import DetailValue

MessageState = Literal["complete", "streaming", "interrupted", "failed"]
TitleSource = Literal["words", "model", "user"]  # the first words of the conversation, a model, the user


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
    drafting: str = ""  # what drafting brought, in the engine's words; empty where nobody drafted
    expert_use: str = ""  # which experts it used, as `expert_use` writes it; empty where nobody counted
    finish_reason: str = ""  # stop, length, cancelled; empty while running and after an error
    drifted_to: str = ""  # the code of a language that it slipped into; empty where it did not
    reasoning_ended_by: str = ""  # budget, loop or asked, where the model did not end it by itself
    template_fallback: str = ""  # whose plain turns stood in for the model's template, which failed
    template_failure: str = ""  # of what it failed
    error_code: str = ""
    error_message: str = ""
    error_details: dict[str, DetailValue] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """A text file or a long paste that belongs to a message."""

    name: str
    text: str
    size_bytes: int  # of the file or the paste, as UTF-8

    @property
    def as_block(self) -> str:
        """The attachment as a model reads it: its name, and its text between fences that it does not hold."""
        longest = max((len(run) for run in re.findall(r"`{3,}", self.text)), default=2)
        fence = "`" * (longest + 1)
        end = "" if self.text.endswith("\n") else "\n"
        return f"{self.name}:\n{fence}\n{self.text}{end}{fence}"

    def storable(self) -> "Attachment":
        """The same with nothing in it that is no character."""
        return replace(self, name=storable(self.name), text=storable(self.text))


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message; a changed one is a new record with the same id."""

    id: str
    conversation_id: str
    parent_id: str | None
    role: Role
    text: str
    reasoning: str = ""  # what the model thought before it answered
    attachments: tuple[Attachment, ...] = ()
    state: MessageState = "complete"
    created_at: float  # seconds since 1970
    deleted_at: float | None = None  # in the bin since then; what hangs below it stays where it is
    model: str = ""  # the name of who answers, as shown
    stats: AnswerStats = AnswerStats()

    @property
    def full_text(self) -> str:
        """What the engine gets of the message: its attachments, then its text."""
        return "\n\n".join([*(attachment.as_block for attachment in self.attachments), self.text]).strip()


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversationHeader:
    """What a list of conversations shows, and where the shown path ends."""

    id: str
    title: str
    title_source: TitleSource = "words"
    created_at: float
    updated_at: float
    head_id: str | None
    is_pinned: bool = False
    folder_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Folder:
    """A folder of the sidebar."""

    id: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What is typed and attached and not sent."""

    text: str = ""
    attachments: tuple[Attachment, ...] = ()


def storable(text: str) -> str:
    """The text with anything that is no character (half of a surrogate pair) replaced by a question mark."""
    return text.encode("utf-8", "replace").decode("utf-8")
