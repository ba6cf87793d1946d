"""Finding conversations by the words in their titles and messages."""

import re
from collections.abc import Iterator
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


def match_expression(words: str, *, all_begin: bool = False) -> str:
    """The words as an FTS5 expression: all of them, in any order, the last as the beginning of a word.

    With `all_begin` each may be just a beginning. Empty where there is nothing to look for.
    """
    terms = [segment(word) for word in words.split() if any(letter.isalnum() for letter in word)]
    last = len(terms) - 1
    return " ".join(
        '"' + term.replace('"', '""') + ('"*' if all_begin or number == last else '"')
        for number, term in enumerate(terms)
    )


def search(connection: Any, words: str) -> list[SearchResult]:
    """The conversations outside the bin that hold all these words in their title or in one message.

    Titles come first, then messages; the newest first. At most MOST_RESULTS, one for each conversation.
    """
    expression = match_expression(words)
    if not expression:
        return []
    found = _search(connection, expression)
    if not found and (wider := match_expression(words, all_begin=True)) != expression:
        found = _search(connection, wider)
    return found


def _search(connection: Any, expression: str) -> list[SearchResult]:
    found: dict[str, SearchResult] = {}
    for result in _in_titles(connection, expression):
        found[result.conversation_id] = result
    for result in _in_messages(connection, expression):
        if len(found) == MOST_RESULTS and result.conversation_id not in found:
            break
        known = found.get(result.conversation_id)
        if known is None or not known.message_id:
            found[result.conversation_id] = result
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


def _in_messages(connection: Any, expression: str) -> Iterator[SearchResult]:
    # The numbers grow with time, so the index is read from its end: nothing is ranked or sorted. The rows
    # come one by one, and whoever has enough stops; a snippet in a query of its own would search again.
    rows = connection.execute(
        "SELECT conversations.id, messages.id, conversations.title, conversations.updated_at, "
        "snippet(message_index, 0, ?, ?, '…', ?) FROM message_index "
        "CROSS JOIN messages ON messages.number = message_index.rowid "
        "CROSS JOIN conversations ON conversations.id = messages.conversation_id "
        "WHERE message_index MATCH ? AND conversations.deleted_at IS NULL "
        "ORDER BY message_index.rowid DESC LIMIT ?",
        (MARK_START, MARK_END, SNIPPET_TOKENS, expression, MOST_HITS),
    )
    for row in rows:
        yield SearchResult(
            conversation_id=row[0],
            message_id=row[1],
            title=row[2],
            snippet=re.sub(r"\s+", " ", join_segments(row[4])),
            updated_at=row[3],
        )
