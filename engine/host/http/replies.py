"""The JSON that goes back: answers, chunks of streamed answers, and errors, in OpenAI's shapes."""

import time
import uuid
from collections.abc import Sequence
from typing import Any

import msgspec
from starlette.responses import Response

from engine.contract.messages import FinishedEvent, TextEvent, TokenLogprob, Usage
from engine.host.http.logprobs import chat_logprobs, completion_logprobs

FINISH_REASONS = {"stop": "stop", "length": "length", "context": "length", "cancelled": "stop"}


class JsonReply(Response):
    """A body encoded by msgspec."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        """The body's bytes."""
        return msgspec.json.encode(content)


def error_body(status: int, message: str, code: str | None = None) -> dict[str, Any]:
    """An error as OpenAI's clients expect it."""
    kinds = {401: "authentication_error", 403: "permission_error", 404: "not_found_error"}
    kind = kinds.get(status, "invalid_request_error" if status < 500 else "server_error")
    return {"error": {"message": message, "type": kind, "param": None, "code": code}}


def error_reply(status: int, message: str, code: str | None = None) -> JsonReply:
    """A whole error response."""
    return JsonReply(error_body(status, message, code), status_code=status)


class AnswerShape:
    """One answer in the shape of the endpoint that was asked: chat or plain completion."""

    def __init__(self, model: str, *, chat: bool, with_logprobs: bool = False) -> None:
        self._chat, self._with_logprobs = chat, with_logprobs
        self._text_offset = 0  # characters that were sent
        self._head = {
            "id": ("chatcmpl-" if chat else "cmpl-") + uuid.uuid4().hex,
            "created": int(time.time()),
            "model": model,
        }

    def whole(self, texts: Sequence[TextEvent], finished: FinishedEvent) -> dict[str, Any]:
        """The answer in one piece."""
        text = "".join(event.text for event in texts)
        content = {"message": {"role": "assistant", "content": text}} if self._chat else {"text": text}
        logprobs = self._logprobs([logprob for event in texts for logprob in event.logprobs])
        choice = {
            "index": 0,
            **content,
            "finish_reason": FINISH_REASONS[finished.reason],
            "logprobs": logprobs,
        }
        kind = "chat.completion" if self._chat else "text_completion"
        return {**self._head, "object": kind, "choices": [choice], "usage": usage_of(finished.usage)}

    def opening(self) -> list[dict[str, Any]]:
        """What comes before the first text of a streamed answer."""
        return [self._chunk({"delta": {"role": "assistant", "content": ""}}, None)] if self._chat else []

    def piece(self, event: TextEvent) -> dict[str, Any]:
        """A piece of a streamed answer."""
        content = {"delta": {"content": event.text}} if self._chat else {"text": event.text}
        return self._chunk(content, None, event.logprobs)

    def closing(self, finished: FinishedEvent, *, with_usage: bool) -> list[dict[str, Any]]:
        """What ends a streamed answer."""
        empty: dict[str, Any] = {"delta": {}} if self._chat else {"text": ""}
        chunks = [self._chunk(empty, FINISH_REASONS[finished.reason])]
        if with_usage:
            chunks.append({**chunks[0], "choices": [], "usage": usage_of(finished.usage)})
        return chunks

    def _chunk(
        self, content: dict[str, Any], finish_reason: str | None, logprobs: Sequence[TokenLogprob] = ()
    ) -> dict[str, Any]:
        kind = "chat.completion.chunk" if self._chat else "text_completion"
        told = self._logprobs(logprobs) if logprobs else None
        choice = {"index": 0, **content, "finish_reason": finish_reason, "logprobs": told}
        return {**self._head, "object": kind, "choices": [choice]}

    def _logprobs(self, tokens: Sequence[TokenLogprob]) -> dict[str, Any] | None:
        if not self._with_logprobs:
            return None
        if self._chat:
            return chat_logprobs(tokens)
        told = completion_logprobs(tokens, self._text_offset)
        self._text_offset += sum(len(token.text) for token in tokens)
        return told


def usage_of(usage: Usage) -> dict[str, Any]:
    """Tokens as OpenAI counts them."""
    return {
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
        "total_tokens": usage.prompt_tokens + usage.completion_tokens,
        "prompt_tokens_details": {"cached_tokens": usage.cached_tokens},
    }


def server_sent(content: Any) -> bytes:
    """One event of a stream."""
    return b"data: " + msgspec.json.encode(content) + b"\n\n"


END_OF_STREAM = b"data: [DONE]\n\n"
