"""The JSON that goes back: answers, chunks of streamed answers, and errors, in OpenAI's shapes."""

import time
import uuid
from typing import Any

import msgspec
from starlette.responses import Response

from engine.contract.messages import FinishedEvent, Usage

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

    def __init__(self, model: str, *, chat: bool) -> None:
        self._chat = chat
        self._head = {
            "id": ("chatcmpl-" if chat else "cmpl-") + uuid.uuid4().hex,
            "created": int(time.time()),
            "model": model,
        }

    def whole(self, text: str, finished: FinishedEvent) -> dict[str, Any]:
        """The answer in one piece."""
        content = {"message": {"role": "assistant", "content": text}} if self._chat else {"text": text}
        choice = {"index": 0, **content, "finish_reason": FINISH_REASONS[finished.reason], "logprobs": None}
        kind = "chat.completion" if self._chat else "text_completion"
        return {**self._head, "object": kind, "choices": [choice], "usage": usage_of(finished.usage)}

    def opening(self) -> list[dict[str, Any]]:
        """What comes before the first text of a streamed answer."""
        return [self._chunk({"delta": {"role": "assistant", "content": ""}}, None)] if self._chat else []

    def piece(self, text: str) -> dict[str, Any]:
        """A piece of a streamed answer."""
        return self._chunk({"delta": {"content": text}} if self._chat else {"text": text}, None)

    def closing(self, finished: FinishedEvent, *, with_usage: bool) -> list[dict[str, Any]]:
        """What ends a streamed answer."""
        empty: dict[str, Any] = {"delta": {}} if self._chat else {"text": ""}
        chunks = [self._chunk(empty, FINISH_REASONS[finished.reason])]
        if with_usage:
            chunks.append({**chunks[0], "choices": [], "usage": usage_of(finished.usage)})
        return chunks

    def _chunk(self, content: dict[str, Any], finish_reason: str | None) -> dict[str, Any]:
        kind = "chat.completion.chunk" if self._chat else "text_completion"
        choice = {"index": 0, **content, "finish_reason": finish_reason, "logprobs": None}
        return {**self._head, "object": kind, "choices": [choice]}


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
