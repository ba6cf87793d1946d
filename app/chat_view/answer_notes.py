"""The line under an answer, in words: how fast it came and how it ended, or what it waits for."""

from app.conversations.conversation import Message

_ENDINGS = {"cancelled": "stopped", "length": "length limit reached", "context": "context full"}


def note_under(message: Message, activity: str) -> str:
    """What stands under a message; empty for the user's own."""
    if message.role != "assistant":
        return ""
    if message.state == "streaming":
        return activity
    if message.state == "interrupted":
        return "Interrupted: Retort was closed before this answer was complete. What had arrived is kept."
    stats = message.stats
    parts = []
    if stats.decode_tps > 0:
        parts.append(f"{stats.decode_tps:,.1f} tok/s")
    if stats.completion_tokens:
        parts.append(f"{stats.completion_tokens:,} token{'s' if stats.completion_tokens != 1 else ''}")
    if stats.ttft_ms > 0:
        parts.append(f"first token {_duration(stats.ttft_ms)}")
    if stats.finish_reason in _ENDINGS:
        parts.append(_ENDINGS[stats.finish_reason])
    return " · ".join(parts)


def _duration(milliseconds: float) -> str:
    return f"{milliseconds:.0f} ms" if milliseconds < 1000 else f"{milliseconds / 1000:.1f} s"
