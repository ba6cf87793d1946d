"""The file in which conversations travel: JSON, described in docs/conversation-format.md.

These records are the format. A field may be added with a default; anything else is another version.
"""

from datetime import UTC, datetime
from typing import Any, Literal

import msgspec

FORMAT = "retort-conversations"
VERSION = 1
LATEST = 4_102_444_800.0  # the year 2100, in seconds since 1970


class FileAttachment(msgspec.Struct, frozen=True):
    """A text file or a long paste that belongs to a message."""

    name: str
    text: str


class FileMessage(msgspec.Struct, frozen=True, kw_only=True):
    """One message; one whose parent is null begins the conversation."""

    id: str
    parent_id: str | None
    role: Literal["system", "user", "assistant", "tool"]
    text: str
    reasoning: str = ""
    attachments: tuple[FileAttachment, ...] = ()
    state: Literal["complete", "interrupted", "failed"] = "complete"
    model: str = ""
    created_at: datetime
    stats: dict[str, Any] = {}


class FileConversation(msgspec.Struct, frozen=True, kw_only=True):
    """One conversation with every version of every message, but for those in the bin."""

    id: str
    title: str
    title_source: Literal["words", "model", "user"] = "user"
    created_at: datetime
    updated_at: datetime
    is_pinned: bool = False
    head_id: str | None = None  # where the shown path ends; null: at the newest message
    settings: dict[str, Any] = {}
    messages: tuple[msgspec.Raw, ...]  # each a FileMessage, decoded one by one so that no step takes long


class FileHead(msgspec.Struct, frozen=True, kw_only=True):
    """The whole file."""

    format: str
    version: int
    exported_at: datetime
    conversations: tuple[msgspec.Raw, ...] = ()  # each a FileConversation


class ExchangeError(Exception):
    """The file cannot be taken; the text says why, for people."""


def moment(seconds: float) -> datetime:
    """Seconds since 1970 as the file writes a time; one that no calendar has becomes 1970."""
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, OSError, ValueError):
        return datetime.fromtimestamp(0, UTC)


def seconds(time: datetime) -> float:
    """A time of the file as seconds since 1970, within what every system shows; without a zone it is UTC."""
    exact = (time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp()
    return min(max(exact, 0.0), LATEST)
