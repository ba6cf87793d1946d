"""Conversations read from a file of `export`, or of anybody: everything in it is checked."""

import json
import re
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from app.conversations.conversation import Conversation
from app.conversations.exchange import (
    FORMAT,
    VERSION,
    ExchangeError,
    FileConversation,
    FileHead,
    FileMessage,
    seconds,
)
from app.conversations.message import AnswerStats, Attachment, ConversationHeader, Message, storable
from app.conversations.settings import ConversationSettings
from app.conversations.titles import make_title

MAX_FILE_BYTES = 512 * 2**20
TITLE_LENGTH = 200
_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_T = TypeVar("_T")


def read_file(path: Path, connection: Any) -> Iterator[Conversation]:
    """The conversations of a file, each whole and with ids that are free here; raises ExchangeError.

    A fault is found before the first conversation is yielded or at the one that has it: keep them only when
    all have come.
    """
    head = _decode(_read(path), FileHead, path.name)
    if head.format != FORMAT:
        raise ExchangeError(f"{path.name} is not a file of conversations.")
    if head.version != VERSION:
        raise ExchangeError(
            f"{path.name} was written by a newer Retort "
            f"(its format is {head.version}, this one knows {VERSION})."
        )
    taken: set[str] = set()
    for number, raw in enumerate(head.conversations, start=1):
        where = f"conversation {number} of {path.name}"
        yield _conversation(_decode(raw, FileConversation, where), where, connection, taken)


def _read(path: Path) -> bytes:
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise ExchangeError(f"{path.name} is larger than {MAX_FILE_BYTES // 2**20} MB.")
        return path.read_bytes()
    except OSError as error:
        raise ExchangeError(f"{path.name} cannot be read: {error.strerror or error}.") from error


def _decode(data: bytes | msgspec.Raw, kind: type[_T], where: str) -> _T:
    try:
        return msgspec.json.decode(data, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise ExchangeError(f"{where[0].upper()}{where[1:]} cannot be read: {error}.") from error


def _conversation(read: FileConversation, where: str, connection: Any, taken: set[str]) -> Conversation:
    conversation_id = read.id if _is_free(connection, "conversations", read.id, taken) else _new_id(taken)
    ids: dict[str, str] = {}  # of the file → here
    messages: list[Message] = []
    for number, raw in enumerate(read.messages, start=1):
        message = _decode(raw, FileMessage, f"message {number} of {where}")
        if message.id in ids:
            raise ExchangeError(f"Two messages of {where} have the id {message.id[:64]!r}.")
        if message.parent_id is not None and message.parent_id not in ids:
            raise ExchangeError(f"Message {number} of {where} comes before the message it follows.")
        is_free = _is_free(connection, "messages", message.id, taken)
        ids[message.id] = message.id if is_free else _new_id(taken)
        messages.append(_message(message, conversation_id, ids))
    first = next((message.text for message in messages if message.role == "user"), "")
    title = storable(read.title).strip()[:TITLE_LENGTH]
    conversation = Conversation(
        ConversationHeader(
            id=conversation_id,
            title=title or make_title(first),
            title_source=read.title_source if title else "words",
            created_at=seconds(read.created_at),
            updated_at=seconds(read.updated_at),
            head_id=None if read.head_id is None else ids.get(read.head_id),
            is_pinned=read.is_pinned,
        ),
        messages,
        ConversationSettings.from_json(json.dumps(read.settings)),
    )
    if conversation.header.head_id is None and messages:
        conversation.select(messages[-1].id)
    return conversation


def _message(read: FileMessage, conversation_id: str, ids: dict[str, str]) -> Message:
    return Message(
        id=ids[read.id],
        conversation_id=conversation_id,
        parent_id=None if read.parent_id is None else ids[read.parent_id],
        role=read.role,
        text=storable(read.text),
        reasoning=storable(read.reasoning),
        attachments=tuple(
            Attachment(name=one.name, text=one.text, size_bytes=len(one.text.encode("utf-8", "replace")))
            for one in read.attachments
        ),
        state=read.state,
        created_at=seconds(read.created_at),
        model=storable(read.model)[:TITLE_LENGTH],
        stats=_stats(read.stats),
    )


def _stats(values: dict[str, Any]) -> AnswerStats:
    """The figures that make sense; the others are left out, the conversation is more than they."""
    try:
        return msgspec.convert(values, AnswerStats)
    except (msgspec.ValidationError, RecursionError):
        return AnswerStats()


def _is_free(connection: Any, table: str, wanted: str, taken: set[str]) -> bool:
    """Whether this id can be kept: it is sound, and nobody has it here or earlier in the file."""
    if not _ID.fullmatch(wanted) or wanted in taken:
        return False
    if connection.execute(f"SELECT 1 FROM {table} WHERE id = ?", (wanted,)).fetchone():
        return False
    taken.add(wanted)
    return True


def _new_id(taken: set[str]) -> str:
    new = uuid.uuid4().hex
    taken.add(new)
    return new
