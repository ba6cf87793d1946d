"""Log-probabilities in OpenAI's two shapes: of chats, and of plain completions."""

from collections.abc import Sequence
from typing import Any

from engine.contract.messages import TokenLogprob


def chat_logprobs(tokens: Sequence[TokenLogprob]) -> dict[str, Any]:
    """One entry per token, with its bytes and the likeliest tokens."""
    content = [
        {**_entry(token), "top_logprobs": [_entry(other) for other in token.alternatives]} for token in tokens
    ]
    return {"content": content, "refusal": None}


def completion_logprobs(tokens: Sequence[TokenLogprob], text_offset: int) -> dict[str, Any]:
    """A list per figure; `text_offset` is where the first token begins in the whole text, in characters."""
    offsets = []
    for token in tokens:
        offsets.append(text_offset)
        text_offset += len(token.text)
    return {
        "tokens": [token.text for token in tokens],
        "token_logprobs": [token.logprob for token in tokens],
        "top_logprobs": [{other.text: other.logprob for other in token.alternatives} for token in tokens],
        "text_offset": offsets,
    }


def _entry(token: TokenLogprob) -> dict[str, Any]:
    return {"token": token.text, "logprob": token.logprob, "bytes": list(token.data)}
