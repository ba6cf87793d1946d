"""Conversations written out: Markdown to read, JSON to keep and to import again."""

import contextlib
import json
import os
import re
import unicodedata
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from app.conversations.conversation import Conversation
from app.conversations.exchange import FORMAT, VERSION, FileAttachment, FileConversation, FileMessage, moment
from app.conversations.message import Message
from app.conversations.rows import read_conversation, stats_json

NAME_LENGTH = 80  # characters of a suggested file name
_RESERVED = {"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(1, 10))}


def as_markdown(conversation: Conversation) -> str:
    """The shown path, to be read: headings for who speaks, reasoning as quotations, attachments as code."""
    header = conversation.header
    lines = [
        f"# {header.title or 'Chat'}",
        "",
        f"*{datetime.fromtimestamp(header.created_at):%Y-%m-%d %H:%M}*",
    ]
    if conversation.settings.system_prompt:
        lines += ["", "## System prompt", "", conversation.settings.system_prompt]
    for message in conversation.path():
        lines += ["", f"## {_speaker(message)}", ""]
        if message.reasoning.strip():
            lines += [*(f"> {line}".rstrip() for line in message.reasoning.strip().splitlines()), ""]
        lines += [part for one in message.attachments for part in (one.as_block, "")]
        if message.text:
            lines.append(message.text)
    return "\n".join(lines).rstrip() + "\n"


def write_markdown(connection: Any, conversation_id: str, path: Path) -> None:
    """Write one conversation as Markdown; the file is there whole or not at all. Raises OSError, KeyError."""
    _write_whole(path, [as_markdown(read_conversation(connection, conversation_id)).encode()])


def write_json(connection: Any, conversation_ids: Iterable[str], path: Path) -> None:
    """Write conversations as JSON; the file is there whole or not at all. Raises OSError, KeyError."""
    write_conversations((read_conversation(connection, one) for one in conversation_ids), path)


def write_conversations(conversations: Iterable[Conversation], path: Path) -> None:
    """Write conversations that are in memory as JSON, whole or not at all. Raises OSError."""

    def pieces() -> Iterable[bytes]:
        head = {"format": FORMAT, "version": VERSION, "exported_at": moment(datetime.now().timestamp())}
        yield msgspec.json.encode(head)[:-1] + b',\n"conversations": ['
        separator = b"\n"
        for conversation in conversations:
            yield separator + _conversation_json(conversation)
            separator = b",\n"
        yield b"\n]}\n"

    _write_whole(path, pieces())


def all_ids(connection: Any) -> list[str]:
    """The ids of every conversation outside the bin, the oldest first."""
    rows = connection.execute("SELECT id FROM conversations WHERE deleted_at IS NULL ORDER BY created_at")
    return [row[0] for row in rows]


def file_name(title: str, suffix: str) -> str:
    """A name for the file that every system takes."""
    plain = "".join(
        " " if unicodedata.category(letter)[0] == "C" or letter in '<>:"/\\|?*' else letter
        for letter in title
    )
    name = re.sub(r"\s+", " ", plain).strip(" .")[:NAME_LENGTH].strip(" .")
    if not name or name.split(".")[0].strip().lower() in _RESERVED:
        name = f"chat {name}".strip()
    return name + suffix


def _speaker(message: Message) -> str:
    if message.role == "assistant":
        return message.model or "Assistant"
    return {"user": "You", "system": "System", "tool": "Tool"}[message.role]


def _conversation_json(conversation: Conversation) -> bytes:
    header = conversation.header
    # what hangs below a message in the bin hangs below the one above it in the file
    visible = [message for message in conversation.tree if message.deleted_at is None]
    messages = tuple(
        msgspec.Raw(msgspec.json.encode(_file_message(message, _visible_parent(conversation, message))))
        for message in visible
    )
    path = conversation.path()
    return msgspec.json.encode(
        FileConversation(
            id=conversation.id,
            title=header.title,
            title_source=header.title_source,
            created_at=moment(header.created_at),
            updated_at=moment(header.updated_at),
            is_pinned=header.is_pinned,
            head_id=path[-1].id if path else None,
            settings=json.loads(conversation.settings.to_json()),
            messages=messages,
        )
    )


def _visible_parent(conversation: Conversation, message: Message) -> str | None:
    above = conversation.tree.path_to(message.parent_id)
    return above[-1].id if above else None


def _file_message(message: Message, parent_id: str | None) -> FileMessage:
    return FileMessage(
        id=message.id,
        parent_id=parent_id,
        role=message.role,
        text=message.text,
        reasoning=message.reasoning,
        attachments=tuple(FileAttachment(one.name, one.text) for one in message.attachments),
        state="interrupted" if message.state == "streaming" else message.state,
        model=message.model,
        created_at=moment(message.created_at),
        stats=json.loads(stats_json(message.stats)),
    )


def _write_whole(path: Path, pieces: Iterable[bytes]) -> None:
    part = path.with_name(path.name + ".part")
    try:
        with part.open("wb") as file:
            for piece in pieces:
                file.write(piece)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            part.unlink()
        raise
