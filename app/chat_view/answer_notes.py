"""The line under an answer, in words: how fast it came and how it ended, or what it waits for."""

from app.conversations.conversation import Message
from app.translation import format_number, format_seconds, mark, tr, tr_count

_ENDINGS = {
    "cancelled": mark("stopped"),
    "length": mark("length limit reached"),
    "context": mark("context full"),
}


def note_under(message: Message, activity: str) -> str:
    """What stands under a message; empty for the user's own."""
    if message.role != "assistant":
        return ""
    if message.state == "streaming":
        return activity
    if message.state == "interrupted":
        return tr("Interrupted: Retort was closed before this answer was complete. What had arrived is kept.")
    stats = message.stats
    parts = []
    if stats.decode_tps > 0:
        parts.append(tr("{speed} tok/s", speed=format_number(stats.decode_tps, 1)))
    if stats.completion_tokens:
        parts.append(tr_count(stats.completion_tokens, "{count} token", "{count} tokens"))
    if stats.ttft_ms > 0:
        parts.append(tr("first token {time}", time=format_seconds(stats.ttft_ms / 1000)))
    if stats.finish_reason in _ENDINGS:
        parts.append(tr(_ENDINGS[stats.finish_reason]))
    return " · ".join(parts)


def details_of(message: Message) -> str:
    """What the line under an answer has no room for: where its tokens went."""
    stats = message.stats
    parts = []
    if stats.prompt_tokens:
        parts.append(
            tr_count(stats.prompt_tokens, "{count} token of the prompt", "{count} tokens of the prompt")
        )
    if stats.cached_tokens:
        parts.append(tr_count(stats.cached_tokens, "{count} of them kept", "{count} of them kept"))
    if stats.reasoning_tokens:
        parts.append(
            tr_count(stats.reasoning_tokens, "{count} token of reasoning", "{count} tokens of reasoning")
        )
    return " · ".join(parts)
