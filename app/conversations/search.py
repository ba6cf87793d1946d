"""Finding conversations by the words in their titles and messages."""

import re
from dataclasses import dataclass
from typing import Any

from app.conversations.segments import join_segments, segment

MOST_RESULTS = 50
MOST_HITS = 400  # messages looked at, the newest first; many may be of one conversation
SNIPPET_TOKENS = 14
MARK_START, MARK_END = "\ue000", "\ue001"  # private characters: nobody writes them into a message


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchResult:
    """One conversation that was found, with the newest message that fits."""

    conversation_id: str
    message_id: str  # empty where only the title fits
    title: str
    snippet: str  # the words around what was found, which stands between MARK_START and MARK_END
    updated_at: float  # seconds since 1970


def match_expression(words: str) -> str:
    """The words as an FTS5 expression: all of them, in any order, each as the beginning of a word.

    Empty where there is nothing to look for.
    """
    terms = [segment(word) for word in words.split() if any(letter.isalnum() for letter in word)]
    return " ".join('"' + term.replace('"', '""') + '"*' for term in terms)


def search(connection: Any, words: str) -> list[SearchResult]:
    """The conversations outside the bin that hold all these words in their title or in one message.

    Titles come first, then messages; the newest first. At most MOST_RESULTS, one for each conversation.
    """
    expression = match_expression(words)
    if not expression:
        return []
    found: dict[str, SearchResult] = {}
    for result in _in_titles(connection, expression):
        found[result.conversation_id] = result
    for number, conversation_id, message_id, title, updated_at in _in_messages(connection, expression):
        if len(found) == MOST_RESULTS and conversation_id not in found:
            break
        known = found.get(conversation_id)
        if known is None or not known.message_id:
            found[conversation_id] = SearchResult(
                conversation_id=conversation_id,
                message_id=message_id,
                title=title,
                snippet=_snippet(connection, expression, number),
                updated_at=updated_at,
            )
    return list(found.values())


def _in_titles(connection: Any, expression: str) -> list[SearchResult]:
    rows = connection.execute(
        "SELECT id, title, updated_at FROM conversations WHERE deleted_at IS NULL AND number IN "
        "(SELECT rowid FROM title_index WHERE title_index MATCH ?) ORDER BY updated_at DESC LIMIT ?",
        (expression, MOST_RESULTS),
    )
    return [
        SearchResult(conversation_id=row[0], message_id="", title=row[1], snippet="", updated_at=row[2])
        for row in rows
    ]


def _in_messages(connection: Any, expression: str) -> Any:
    # the numbers grow with time, so the index can be read from its end: nothing is ranked or sorted
    return connection.execute(
        "SELECT messages.number, conversations.id, messages.id, conversations.title, "
        "conversations.updated_at FROM (SELECT rowid FROM message_index WHERE message_index MATCH ? "
        "ORDER BY rowid DESC LIMIT ?) AS hits "
        "CROSS JOIN messages ON messages.number = hits.rowid "
        "CROSS JOIN conversations ON conversations.id = messages.conversation_id "
        "WHERE conversations.deleted_at IS NULL ORDER BY hits.rowid DESC",
        (expression, MOST_HITS),
    )


def _snippet(connection: Any, expression: str, number: int) -> str:
    row = connection.execute(
        "SELECT snippet(message_index, 0, ?, ?, '…', ?) FROM message_index "
        "WHERE message_index MATCH ? AND rowid = ?",
        (MARK_START, MARK_END, SNIPPET_TOKENS, expression, number),
    ).fetchone()
    return re.sub(r"\s+", " ", join_segments(row[0])) if row else ""
