"""The line under an answer, in words: how fast it came and how it ended, or what it waits for."""

from app.conversations.conversation import Message
from app.translation import format_number, format_seconds, mark, tr, tr_count

_ENDINGS = {
    "cancelled": mark("stopped"),
    "length": mark("length limit reached"),
    "context": mark("context full"),
}
_REASONING_ENDS = {
    "budget": mark("reasoning ended: its budget was spent"),
    "loop": mark("reasoning ended: it went in circles"),
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
    if stats.reasoning_ended_by in _REASONING_ENDS:
        parts.append(tr(_REASONING_ENDS[stats.reasoning_ended_by]))
    if stats.template_fallback:
        fallback, failure = stats.template_fallback, stats.template_failure
        parts.append(
            tr("its template failed, asked in {fallback} turns: {reason}", fallback=fallback, reason=failure)
        )
    return " · ".join(parts)
