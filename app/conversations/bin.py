"""The bin: conversations and messages that were deleted, for thirty days."""

from dataclasses import dataclass
from typing import Any

DAYS_IN_BIN = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class BinEntry:
    """What one deletion moved to the bin: a conversation, or messages of one that is still there."""

    conversation_id: str
    message_ids: tuple[str, ...] = ()  # empty: the whole conversation
    title: str  # of the conversation
    text: str = ""  # the beginning of the first message
    deleted_at: float  # seconds since 1970


def list_bin(connection: Any) -> list[BinEntry]:
    """What is in the bin, the newest deletion first."""
    conversations = connection.execute("SELECT id, title, deleted_at FROM conversations WHERE deleted_at > 0")
    entries = [BinEntry(conversation_id=row[0], title=row[1], deleted_at=row[2]) for row in conversations]
    messages = connection.execute(
        "SELECT messages.conversation_id, conversations.title, messages.deleted_at, messages.id, "
        "substr(messages.text, 1, 200) FROM messages "
        "JOIN conversations ON conversations.id = messages.conversation_id "
        "WHERE messages.deleted_at > 0 AND conversations.deleted_at IS NULL ORDER BY messages.number"
    )
    together: dict[tuple[str, float], list[Any]] = {}
    for row in messages:
        together.setdefault((row[0], row[2]), []).append(row)
    entries += [
        BinEntry(
            conversation_id=conversation_id,
            message_ids=tuple(row[3] for row in rows),
            title=rows[0][1],
            text=rows[0][4],
            deleted_at=deleted_at,
        )
        for (conversation_id, deleted_at), rows in together.items()
    ]
    return sorted(entries, key=lambda entry: entry.deleted_at, reverse=True)


def purge(connection: Any, before: float) -> None:
    """Remove for good what was deleted before this time (seconds since 1970)."""
    connection.execute("DELETE FROM conversations WHERE deleted_at < ?", (before,))
    _purge_messages(connection, "deleted_at < ?", (before,))


def purge_entry(connection: Any, entry: BinEntry) -> None:
    """Remove one entry for good."""
    if not entry.message_ids:
        connection.execute(
            "DELETE FROM conversations WHERE id = ? AND deleted_at IS NOT NULL", (entry.conversation_id,)
        )
        return
    _purge_messages(
        connection, "conversation_id = ? AND deleted_at = ?", (entry.conversation_id, entry.deleted_at)
    )


def _purge_messages(connection: Any, condition: str, values: tuple[Any, ...]) -> None:
    """Remove messages without any below them, from the leaves up; of the others only the place remains."""
    while connection.execute(
        f"DELETE FROM messages WHERE {condition} AND NOT EXISTS "
        "(SELECT 1 FROM messages AS below WHERE below.parent_id = messages.id)",
        values,
    ).rowcount:
        pass
    # what stays holds a branch together: its words go, and so does its place in the bin's list
    connection.execute(
        "UPDATE messages SET text = '', segmented_text = NULL, reasoning = '', attachments = '[]', "
        f"stats = '{{}}', deleted_at = 0 WHERE deleted_at > 0 AND {condition}",
        values,
    )
