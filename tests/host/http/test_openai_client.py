"""The unmodified `openai` package as the client."""

import json
import time
from collections.abc import Iterator
from pathlib import Path

import openai
import psutil
import pytest
from openai import OpenAI

from tests.host.http.conftest import KEY, Server, served

pytestmark = pytest.mark.slow


@pytest.fixture
def client(server: Server) -> Iterator[OpenAI]:
    with OpenAI(base_url=server.url, api_key=KEY, max_retries=0, timeout=60) as made:
        yield made


def ask(client: OpenAI, model: str = "fake", **options: object) -> str:
    messages = [{"role": "user", "content": "Hi"}]
    answer = client.chat.completions.create(model=model, messages=messages, **options)  # type: ignore[call-overload]
    return str(answer.choices[0].message.content)


def test_models_are_listed_and_shown(client: OpenAI) -> None:
    assert [model.id for model in client.models.list()] == ["fake"]
    assert client.models.retrieve("fake").owned_by == "retort"
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("gpt-4")


def test_a_chat_is_answered_whole(client: OpenAI) -> None:
    answer = client.chat.completions.create(
        model="fake",
        messages=[
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": [{"type": "text", "text": "Say "}, {"type": "text", "text": "it."}]},
        ],
    )
    choice = answer.choices[0]
    assert choice.message.content == ("one two three " * 3)[:40]
    assert choice.finish_reason == "stop"
    assert answer.usage is not None
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens
    assert answer.usage.completion_tokens == 41


def test_a_chat_is_streamed(client: OpenAI) -> None:
    chunks = list(
        client.chat.completions.create(
            model="fake",
            messages=[{"role": "user", "content": "Hi"}],
            stream=True,
            stream_options={"include_usage": True},
        )
    )
    assert chunks[0].choices[0].delta.role == "assistant"
    text = "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
    assert text == ("one two three " * 3)[:40]
    assert chunks[-2].choices[0].finish_reason == "stop"
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.completion_tokens == 41


def test_a_plain_completion_is_answered_whole_and_streamed(client: OpenAI) -> None:
    whole = client.completions.create(model="fake", prompt="Once")
    pieces = client.completions.create(model="fake", prompt="Once", stream=True)
    assert whole.choices[0].text == "".join(p.choices[0].text for p in pieces) == ("one two three " * 3)[:40]


def test_limits_and_stop_strings_hold(client: OpenAI) -> None:
    limited = client.chat.completions.create(
        model="fake", messages=[{"role": "user", "content": "Hi"}], max_tokens=3
    )
    assert (limited.choices[0].message.content, limited.choices[0].finish_reason) == ("one", "length")
    assert ask(client, max_completion_tokens=5) == "one t"
    assert ask(client, stop="two") == "one "
    assert ask(client, stop=["three", "two"]) == "one "
    assert ask(client, temperature=0, top_p=0.5, seed=1, extra_body={"top_k": 3, "min_p": 0.1}) != ""


def test_errors_are_the_client_s_own_types(client: OpenAI, server: Server) -> None:
    with pytest.raises(openai.NotFoundError):
        ask(client, model="gpt-4")
    with pytest.raises(openai.BadRequestError, match="temperature"):
        ask(client, temperature=-1)
    with pytest.raises(openai.AuthenticationError), OpenAI(base_url=server.url, api_key="no") as stranger:
        ask(stranger)


def test_a_client_that_hangs_up_frees_the_model() -> None:
    with (
        served("fake:rate=100,tokens=100000") as server,
        OpenAI(base_url=server.url, api_key=KEY, max_retries=0, timeout=60) as client,
    ):
        stream = client.completions.create(model="fake", prompt="x", stream=True)
        next(iter(stream))
        stream.close()
        with pytest.raises(openai.APITimeoutError):
            client.completions.create(model="fake", prompt="x", timeout=1)  # a whole answer takes 1,000 s
        started = time.monotonic()
        limited = client.completions.create(model="fake", prompt="x", max_tokens=2)
        assert limited.choices[0].text
        assert time.monotonic() - started < 20


def test_a_worker_that_dies_is_a_server_error_and_the_next_request_works() -> None:
    with (
        served("fake:rate=100,tokens=100000") as server,
        OpenAI(base_url=server.url, api_key=KEY, max_retries=0, timeout=60) as client,
    ):
        stream = client.completions.create(model="fake", prompt="x", stream=True)
        next(iter(stream))
        for child in psutil.Process(server.process.pid).children():
            child.kill()
        with pytest.raises(openai.APIError, match="ended with a kill"):
            list(stream)
        assert client.completions.create(model="fake", prompt="x", max_tokens=1).choices[0].text


def test_ending_the_server_ends_its_workers() -> None:
    with served("fake:rate=100,tokens=100000") as server:
        with OpenAI(base_url=server.url, api_key=KEY, max_retries=0, timeout=60) as client:
            stream = client.completions.create(model="fake", prompt="x", stream=True)
            next(iter(stream))
            workers = psutil.Process(server.process.pid).children()
            stream.close()
        server.process.terminate()
        server.process.wait(30)
        _, alive = psutil.wait_procs(workers, timeout=20)
        assert workers
        assert not alive


@pytest.mark.llama
def test_a_real_model_answers_repeatably_in_a_schema_and_within_a_grammar(builtin: Path) -> None:
    with (
        served(str(builtin), "--threads", "1") as server,
        OpenAI(base_url=server.url, api_key=KEY, max_retries=0, timeout=60) as client,
    ):
        model = builtin.stem
        first, second = (ask(client, model=model, seed=7, max_tokens=20) for _ in range(2))
        assert first == second
        schema = {"type": "object", "properties": {"n": {"enum": [1, 2]}}, "required": ["n"]}
        response_format = {"type": "json_schema", "json_schema": {"name": "n", "schema": schema}}
        value = json.loads(ask(client, model=model, response_format=response_format, max_tokens=60))
        assert value["n"] in (1, 2)
        assert ask(client, model=model, extra_body={"grammar": 'root ::= "yes" | "no"'}) in ("yes", "no")


@pytest.mark.llama
def test_logprobs_come_with_a_chat_and_with_a_completion(builtin: Path) -> None:
    with (
        served(str(builtin), "--threads", "1") as server,
        OpenAI(base_url=server.url, api_key=KEY, max_retries=0, timeout=60) as client,
    ):
        asked = {"model": builtin.stem, "messages": [{"role": "user", "content": "Hi"}], "temperature": 0}
        options = {"max_tokens": 8, "logprobs": True, "top_logprobs": 3}
        whole = client.chat.completions.create(**asked, **options)  # type: ignore[call-overload]
        tokens = whole.choices[0].logprobs.content
        text = b"".join(bytes(token.bytes) for token in tokens).decode()
        assert text == whole.choices[0].message.content
        for token in tokens:
            assert token.logprob == token.top_logprobs[0].logprob <= 0  # the best one, at temperature 0
            assert len(token.top_logprobs) == 3
        streamed = list(client.chat.completions.create(**asked, **options, stream=True))  # type: ignore[call-overload]
        pieces = [chunk.choices[0].logprobs for chunk in streamed if chunk.choices[0].logprobs]
        assert [t.logprob for piece in pieces for t in piece.content] == [t.logprob for t in tokens]
        plain = client.completions.create(model=builtin.stem, prompt="Once", max_tokens=5, logprobs=2)
        told = plain.choices[0].logprobs
        assert told is not None
        assert told.tokens is not None
        assert "".join(told.tokens) == plain.choices[0].text
        assert told.text_offset == [sum(map(len, told.tokens[:n])) for n in range(len(told.tokens))]
        with pytest.raises(openai.BadRequestError, match="logprobs"):
            client.completions.create(model=builtin.stem, prompt="Once", logprobs=99)
        with pytest.raises(openai.BadRequestError, match="top_logprobs needs"):
            client.chat.completions.create(**asked, top_logprobs=3)  # type: ignore[call-overload]
