"""Records to rows and back: the one place that knows the columns of the conversations' file."""

import json
from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import Any

from app.conversations.conversation import Conversation
from app.conversations.message import AnswerStats, Attachment, ConversationHeader, Draft, Message
from app.conversations.segments import segment_if_needed
from app.conversations.settings import ConversationSettings

HEADER_COLUMNS = "id, title, title_source, created_at, updated_at, head_id, is_pinned, folder_id"
MESSAGE_COLUMNS = (
    "id, conversation_id, parent_id, role, text, reasoning, attachments, state, model, stats, created_at, "
    "deleted_at"
)


def read_header(row: Any) -> ConversationHeader:
    """The header in a row of HEADER_COLUMNS."""
    return ConversationHeader(
        id=row[0],
        title=row[1],
        title_source=row[2],
        created_at=row[3],
        updated_at=row[4],
        head_id=row[5],
        is_pinned=bool(row[6]),
        folder_id=row[7],
    )


def read_message(row: Any) -> Message:
    """The message in a row of MESSAGE_COLUMNS; an answer that never ended is interrupted."""
    return Message(
        id=row[0],
        conversation_id=row[1],
        parent_id=row[2],
        role=row[3],
        text=row[4],
        reasoning=row[5],
        attachments=read_attachments(row[6]),
        state="interrupted" if row[7] == "streaming" else row[7],
        model=row[8],
        stats=read_stats(json.loads(row[9])) if row[9] != "{}" else AnswerStats(),
        created_at=row[10],
        deleted_at=row[11],
    )


def read_conversation(connection: Any, conversation_id: str) -> Conversation:
    """One conversation with all its messages, those in the bin included; raises KeyError."""
    row = connection.execute(
        f"SELECT {HEADER_COLUMNS}, settings FROM conversations WHERE id = ?", (conversation_id,)
    ).fetchone()
    if row is None:
        raise KeyError(f"no conversation {conversation_id}")
    messages = connection.execute(
        f"SELECT {MESSAGE_COLUMNS} FROM messages WHERE conversation_id = ? ORDER BY number",
        (conversation_id,),
    )
    settings = ConversationSettings.from_json(row[-1])
    return Conversation(read_header(row), map(read_message, messages), settings)


def read_draft(row: Any) -> Draft:
    """The draft in a row of text and attachments."""
    return Draft(text=row[0], attachments=read_attachments(row[1]))


def read_attachments(text: str) -> tuple[Attachment, ...]:
    """The attachments in a JSON array."""
    if text == "[]":
        return ()
    return tuple(
        Attachment(name=one["name"], text=one["text"], size_bytes=one["size_bytes"])
        for one in json.loads(text)
    )


def read_stats(values: Mapping[str, Any]) -> AnswerStats:
    """The fields this version knows; a later one may have written more."""
    return AnswerStats(**{name: value for name, value in values.items() if name in _STATS})


def write_header(connection: Any, header: ConversationHeader) -> None:
    """Insert a conversation, or change what a conversation changes as it goes on.

    Pin, folder, settings and the bin have writes of their own: whoever saves messages may not know them.
    """
    connection.execute(
        "INSERT INTO conversations (id, title, segmented_title, title_source, head_id, created_at, "
        "updated_at, is_pinned, folder_id, settings) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, '{}') "
        "ON CONFLICT (id) DO UPDATE SET "
        "title = excluded.title, segmented_title = excluded.segmented_title, "
        "title_source = excluded.title_source, head_id = excluded.head_id, updated_at = excluded.updated_at",
        (
            header.id,
            header.title,
            segment_if_needed(header.title),
            header.title_source,
            header.head_id,
            header.created_at,
            header.updated_at,
            header.is_pinned,
            header.folder_id,
        ),
    )


def write_message(connection: Any, message: Message) -> None:
    """Insert a message, or change everything that can change of one."""
    connection.execute(
        "INSERT INTO messages (id, conversation_id, parent_id, role, text, segmented_text, reasoning, "
        "attachments, state, model, stats, created_at, deleted_at) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET "
        "text = excluded.text, segmented_text = excluded.segmented_text, reasoning = excluded.reasoning, "
        "state = excluded.state, model = excluded.model, stats = excluded.stats, "
        "deleted_at = excluded.deleted_at",
        (
            message.id,
            message.conversation_id,
            message.parent_id,
            message.role,
            message.text,
            # a growing answer is not in the index yet
            None if message.state == "streaming" else segment_if_needed(message.text),
            message.reasoning,
            attachments_json(message.attachments),
            message.state,
            message.model,
            stats_json(message.stats),
            message.created_at,
            message.deleted_at,
        ),
    )


def attachments_json(attachments: tuple[Attachment, ...]) -> str:
    """Attachments as a JSON array."""
    return json.dumps([asdict(attachment) for attachment in attachments], ensure_ascii=False)


def stats_json(stats: AnswerStats) -> str:
    """What differs from an answer that took nothing, as a JSON object."""
    plain = asdict(AnswerStats())
    return json.dumps({name: value for name, value in asdict(stats).items() if value != plain[name]})


_STATS = {field.name for field in fields(AnswerStats)}
