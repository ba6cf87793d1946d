"""The line under an answer, in words: how fast it came and how it ended, or what it waits for."""

import re

from app.conversations.conversation import Message
from app.translation import format_number, format_seconds, mark, tr, tr_count

_ENDINGS = {
    "cancelled": mark("stopped"),
    "length": mark("length limit reached"),
    "context": mark("context full"),
}
_REASONING_ENDS = {
    "budget": mark("reasoning ended: its budget was spent"),
    "asked": mark("reasoning ended: you asked for the answer"),
    "loop": mark("reasoning ended: it went in circles"),
}
LANGUAGE_NAMES = {
    "en": mark("English"),
    "de": mark("German"),
    "fr": mark("French"),
    "es": mark("Spanish"),
    "it": mark("Italian"),
    "pt": mark("Portuguese"),
    "nl": mark("Dutch"),
    "zh": mark("Chinese"),
    "ja": mark("Japanese"),
    "ko": mark("Korean"),
    "ru": mark("Russian or another language in Cyrillic letters"),
    "ar": mark("Arabic or another language in its letters"),
    "hi": mark("Hindi or another language in its letters"),
    "el": mark("Greek"),
    "he": mark("Hebrew"),
    "th": mark("Thai"),
}
# the sentences of the engine's governor
_DRAFTING = {
    mark("drafting {number} tokens, as asked"),
    mark("drafting +{number} % here"),
    mark("off: {number} % slower here"),
    mark("off: no faster here"),
    mark("off: nothing here drafts"),
    mark("off, as asked"),
    mark("measuring whether drafting pays"),
}
_NUMBER = re.compile(r"\d+")


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
    if stats.drafting:
        parts.append(drafting_words(stats.drafting))
    if stats.finish_reason in _ENDINGS:
        parts.append(tr(_ENDINGS[stats.finish_reason]))
    if stats.reasoning_ended_by in _REASONING_ENDS:
        parts.append(tr(_REASONING_ENDS[stats.reasoning_ended_by]))
    if stats.drifted_to in LANGUAGE_NAMES:
        parts.append(tr("slipped into {language}", language=tr(LANGUAGE_NAMES[stats.drifted_to])))
    if stats.template_fallback:
        parts.append(
            tr("its chat template failed, asked in {fallback} turns", fallback=stats.template_fallback)
        )
    return " · ".join(parts)


def drafting_words(said: str) -> str:
    """What the engine says of drafting, in the user's language; words that are not known stay as they are."""
    number = _NUMBER.search(said)
    pattern = _NUMBER.sub("{number}", said, count=1)
    if pattern not in _DRAFTING:
        return said
    return tr(pattern, number=number[0]) if number else tr(pattern)


def details_of(message: Message) -> str:
    """What the line under an answer has no room for: where its tokens went, why its template failed."""
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
    if stats.template_failure:
        parts.append(tr("chat template: {reason}", reason=stats.template_failure))
    return " · ".join(parts)
