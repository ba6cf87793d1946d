"""The JSON that comes in: OpenAI's request bodies, and the engine's own params made of them.

Fields that are not named here are ignored, as clients send many; what is named and cannot be done is refused
rather than ignored, so that nobody takes an answer for something it is not.
"""

import json
from typing import Any, Literal

import msgspec

from engine.contract.chat import ChatMessage, Role
from engine.contract.errors import InvalidRequest
from engine.contract.messages import GenerateRequest
from engine.contract.params import FORBIDDEN, GenerationLimits, LoadParams, SamplingParams

ROLES: dict[str, Role] = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "assistant": "assistant",
}
ANY_JSON = json.dumps({"type": "object"})


class ContentPart(msgspec.Struct, frozen=True):
    """A part of a message; only text is taken."""

    type: str
    text: str = ""


class IncomingMessage(msgspec.Struct, frozen=True):
    """A message of a chat."""

    role: str
    content: str | list[ContentPart] | None = None

    def to_chat_message(self) -> ChatMessage:
        """The engine's own message; raises InvalidRequest for what it cannot take."""
        role = ROLES.get(self.role)
        if role is None:
            raise InvalidRequest(f"messages of the role {self.role!r} are not supported")
        if isinstance(self.content, list):
            if other := [part.type for part in self.content if part.type != "text"]:
                raise InvalidRequest(f"message parts of the type {other[0]!r} are not supported")
            return ChatMessage(role=role, text="".join(part.text for part in self.content))
        return ChatMessage(role=role, text=self.content or "")


class StreamOptions(msgspec.Struct, frozen=True):
    """How an answer is streamed."""

    include_usage: bool = False


class JsonSchemaFormat(msgspec.Struct, frozen=True):
    """The schema of a `response_format`."""

    schema: dict[str, Any] = {}


class ResponseFormat(msgspec.Struct, frozen=True):
    """What an answer has to look like."""

    type: Literal["text", "json_object", "json_schema"] = "text"
    json_schema: JsonSchemaFormat = JsonSchemaFormat()

    def to_schema(self) -> str:
        """The JSON schema that the engine is given; empty for free text."""
        if self.type == "json_object":
            return ANY_JSON
        return json.dumps(self.json_schema.schema) if self.type == "json_schema" else ""


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """What chat and plain completions have in common."""

    model: str
    stream: bool = False
    stream_options: StreamOptions | None = None
    max_tokens: int | None = None
    max_completion_tokens: int | None = None
    stop: str | list[str] | None = None
    seed: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    logit_bias: dict[str, float] | None = None
    response_format: ResponseFormat | None = None
    n: int | None = None
    tools: list[Any] | None = None
    # of this server alone, under the names of the command line
    top_k: int | None = None
    min_p: float | None = None
    typical_p: float | None = None
    repeat_penalty: float | None = None
    grammar: str | None = None

    @property
    def wants_usage(self) -> bool:
        """Whether a stream ends with the token counts."""
        return self.stream_options is not None and self.stream_options.include_usage

    def to_request(self, request_id: str, model: str, load: LoadParams) -> GenerateRequest:
        """The engine's request; raises InvalidRequest or ValueError with what is wrong."""
        if self.n not in (None, 1):
            raise InvalidRequest("n has to be 1")
        if self.tools:
            raise InvalidRequest("tools are not supported")
        stops = [self.stop] if isinstance(self.stop, str) else self.stop or []
        limit = self.max_tokens if self.max_completion_tokens is None else self.max_completion_tokens
        return GenerateRequest(
            request_id=request_id,
            model=model,
            load=load,
            sampling=self.to_sampling(),
            limits=GenerationLimits(max_tokens=limit, stop=tuple(stops)),
        )

    def to_sampling(self) -> SamplingParams:
        """The sampling params; what is not said keeps the engine's own default."""
        names = ("temperature", "top_p", "presence_penalty", "frequency_penalty", "seed")
        own_names = ("top_k", "min_p", "typical_p", "repeat_penalty", "grammar")
        said = {name: value for name in names + own_names if (value := getattr(self, name)) is not None}
        if self.logit_bias:
            # OpenAI's -100 means never
            said["logit_bias"] = tuple(
                (int(token), FORBIDDEN if bias <= -100 else bias) for token, bias in self.logit_bias.items()
            )
        if self.response_format is not None:
            said["json_schema"] = self.response_format.to_schema()
        return SamplingParams(**said)


class ChatQuestion(Question, frozen=True, kw_only=True):
    """The body of /v1/chat/completions."""

    messages: list[IncomingMessage]
    logprobs: bool | None = None
    top_logprobs: int | None = None

    def to_request(self, request_id: str, model: str, load: LoadParams) -> GenerateRequest:
        """The engine's request."""
        request = super().to_request(request_id, model, load)
        messages = tuple(message.to_chat_message() for message in self.messages)
        if not messages:
            raise InvalidRequest("messages must not be empty")
        if self.top_logprobs is not None and not self.logprobs:
            raise InvalidRequest("top_logprobs needs logprobs to be true")
        logprobs = self.top_logprobs or 0 if self.logprobs else None
        return msgspec.structs.replace(request, messages=messages, logprobs=logprobs)


class CompletionQuestion(Question, frozen=True, kw_only=True):
    """The body of /v1/completions."""

    prompt: str | list[str]
    logprobs: int | None = None

    def to_request(self, request_id: str, model: str, load: LoadParams) -> GenerateRequest:
        """The engine's request."""
        prompts = [self.prompt] if isinstance(self.prompt, str) else self.prompt
        if len(prompts) != 1 or not prompts[0]:
            raise InvalidRequest("prompt has to be one text that is not empty")
        request = super().to_request(request_id, model, load)
        return msgspec.structs.replace(request, prompt=prompts[0], logprobs=self.logprobs)
