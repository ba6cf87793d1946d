"""The endpoints: /v1/models, /v1/chat/completions, /v1/completions."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Mapping
from typing import Any, TypeVar

import msgspec
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from engine.contract.errors import EngineError, ModelNotFound, ModelTooLarge, RequestError, WorkerRestartLimit
from engine.contract.messages import FinishedEvent, GenerateRequest, TextEvent
from engine.contract.params import LoadParams
from engine.host.http.bridge import HostBridge, new_request_id
from engine.host.http.guard import AccessRules, Guard
from engine.host.http.questions import ChatQuestion, CompletionQuestion, Question
from engine.host.http.replies import (
    END_OF_STREAM,
    AnswerShape,
    JsonReply,
    error_body,
    error_reply,
    server_sent,
)

MAX_BODY_BYTES = 16 * 2**20
QuestionKind = TypeVar("QuestionKind", bound=Question)

log = logging.getLogger("retort.http")


class Endpoints:
    """What the server answers, for a fixed set of models."""

    def __init__(self, models: Mapping[str, str], load: LoadParams, *, verbose: bool = False) -> None:
        """`models` maps the names that clients use to what the engine takes."""
        self._models = dict(models)
        self._load = load
        self._verbose = verbose
        self._bridge: HostBridge | None = None

    @contextlib.asynccontextmanager
    async def lifespan(self, _app: Starlette) -> AsyncIterator[None]:
        """The host lives as long as the server."""
        self._bridge = HostBridge(verbose=self._verbose)
        try:
            yield
        finally:
            self._bridge.close()

    async def list_models(self, _request: Request) -> Response:
        """GET /v1/models"""
        listed = [
            {"id": name, "object": "model", "created": 0, "owned_by": "retort"} for name in self._models
        ]
        return JsonReply({"object": "list", "data": listed})

    async def show_model(self, request: Request) -> Response:
        """GET /v1/models/NAME"""
        name = request.path_params["name"]
        if name not in self._models:
            return error_reply(404, f"there is no model {name!r} here", "model_not_found")
        return JsonReply({"id": name, "object": "model", "created": 0, "owned_by": "retort"})

    async def chat_completions(self, request: Request) -> Response:
        """POST /v1/chat/completions"""
        return await self._answer(request, ChatQuestion)

    async def completions(self, request: Request) -> Response:
        """POST /v1/completions"""
        return await self._answer(request, CompletionQuestion)

    async def _answer(self, request: Request, kind: type[QuestionKind]) -> Response:
        body = await read_body(request)
        if body is None:
            return error_reply(413, f"a body may have at most {MAX_BODY_BYTES} bytes")
        try:
            question = msgspec.json.decode(body, type=kind)
            if question.model not in self._models:
                return error_reply(404, f"there is no model {question.model!r} here", "model_not_found")
            generate = question.to_request(new_request_id(), self._models[question.model], self._load)
        except (ValueError, RequestError) as error:  # msgspec's errors are ValueErrors
            return error_reply(400, str(error), getattr(error, "code", None))
        shape = AnswerShape(
            question.model, chat=kind is ChatQuestion, with_logprobs=generate.logprobs is not None
        )
        if question.stream:
            stream = self._stream(generate, shape, with_usage=question.wants_usage)
            return await _begun_stream(stream)
        answer = asyncio.ensure_future(self._whole(generate, shape))
        return await _unless_gone(request, answer)

    async def _whole(self, generate: GenerateRequest, shape: AnswerShape) -> Response:
        assert self._bridge is not None
        texts: list[TextEvent] = []
        try:
            async for event in self._bridge.answer(generate):
                if isinstance(event, FinishedEvent):
                    return JsonReply(shape.whole(texts, event))
                texts.append(event)
        except EngineError as error:
            return error_reply(status_of(error), error.message, error.code)
        raise AssertionError("an answer ends with FinishedEvent or an error")

    async def _stream(
        self, generate: GenerateRequest, shape: AnswerShape, *, with_usage: bool
    ) -> AsyncIterator[bytes]:
        """The events of a streamed answer; an error after the first text becomes an event too."""
        assert self._bridge is not None
        has_begun = False
        answer = self._bridge.answer(generate)
        async with contextlib.aclosing(answer):  # type: ignore[type-var]
            try:
                async for piece in answer:
                    if not has_begun:
                        has_begun = True
                        for chunk in shape.opening():
                            yield server_sent(chunk)
                    if isinstance(piece, FinishedEvent):
                        for chunk in shape.closing(piece, with_usage=with_usage):
                            yield server_sent(chunk)
                    elif piece.text or piece.logprobs:
                        yield server_sent(shape.piece(piece))
            except EngineError as error:
                if not has_begun:
                    raise
                log.warning("a streamed answer failed: %s", error)
                yield server_sent(error_body(status_of(error), error.message, error.code))
        yield END_OF_STREAM


def build_application(
    models: Mapping[str, str], rules: AccessRules, load: LoadParams, *, verbose: bool = False
) -> Starlette:
    """The server as an ASGI application."""
    endpoints = Endpoints(models, load, verbose=verbose)
    return Starlette(
        routes=[
            Route("/v1/models", endpoints.list_models, methods=["GET"]),
            Route("/v1/models/{name:path}", endpoints.show_model, methods=["GET"]),
            Route("/v1/chat/completions", endpoints.chat_completions, methods=["POST"]),
            Route("/v1/completions", endpoints.completions, methods=["POST"]),
        ],
        middleware=[Middleware(Guard, rules)],
        exception_handlers={404: _no_such_endpoint, 405: _wrong_method},
        lifespan=endpoints.lifespan,
    )


async def read_body(request: Request) -> bytes | None:
    """The body, or None where it is larger than allowed; no more than that is kept."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            return None
    return bytes(body)


def status_of(error: EngineError) -> int:
    """The HTTP status that fits an error of the engine."""
    if isinstance(error, ModelNotFound):
        return 404
    if isinstance(error, ModelTooLarge | WorkerRestartLimit):
        return 503  # it may work later
    return 400 if isinstance(error, RequestError) else 500


async def _unless_gone(request: Request, answer: asyncio.Future[Response]) -> Response:
    """The answer; it is cancelled where the client hangs up before it is complete."""

    async def hung_up() -> None:
        while (await request.receive())["type"] != "http.disconnect":
            pass

    gone = asyncio.ensure_future(hung_up())
    waited_for: set[asyncio.Future[Any]] = {answer, gone}
    await asyncio.wait(waited_for, return_when=asyncio.FIRST_COMPLETED)
    gone.cancel()
    if not answer.done():
        answer.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await answer
        return Response(status_code=499)  # nobody reads it
    return answer.result()


async def _begun_stream(stream: AsyncIterator[bytes]) -> Response:
    """A streaming response whose first event is there; an error before that is a plain error response."""
    try:
        first = await anext(stream)
    except EngineError as error:
        return error_reply(status_of(error), error.message, error.code)

    async def all_events() -> AsyncIterator[bytes]:
        async with contextlib.aclosing(stream):  # type: ignore[type-var]
            yield first
            async for event in stream:
                yield event

    headers = {"Cache-Control": "no-store"}
    return StreamingResponse(all_events(), media_type="text/event-stream", headers=headers)


async def _no_such_endpoint(request: Request, _error: Exception) -> Response:
    return error_reply(404, f"there is no endpoint {request.url.path}")


async def _wrong_method(request: Request, _error: Exception) -> Response:
    return error_reply(405, f"{request.url.path} does not take {request.method}")
