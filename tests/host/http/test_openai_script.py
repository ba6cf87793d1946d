"""A user's script: twenty-five calls of the unmodified `openai` client, one after another, to one server."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openai
import pytest
from openai import AsyncOpenAI, OpenAI

from tests.host.http.conftest import KEY, served

pytestmark = [pytest.mark.slow, pytest.mark.llama]

HELLO = [{"role": "user", "content": "Hello!"}]
SCHEMA = {"type": "object", "properties": {"n": {"enum": [1, 2]}}, "required": ["n"]}


class Script:
    """The calls, counted; each checks its own answer."""

    def __init__(self, client: OpenAI, url: str, model: str) -> None:
        self.client, self.url, self.model = client, url, model
        self.num_calls = 0

    def chat(self, messages: Any = HELLO, **options: Any) -> Any:
        self.num_calls += 1
        options = {"max_tokens": 12, "temperature": 0} | options
        return self.client.chat.completions.create(model=self.model, messages=messages, **options)

    def complete(self, prompt: str = "Once upon a time", **options: Any) -> Any:
        self.num_calls += 1
        options = {"max_tokens": 12, "temperature": 0} | options
        return self.client.completions.create(model=self.model, prompt=prompt, **options)

    def refused(self, error: type[Exception], call: Callable[[], object]) -> None:
        with pytest.raises(error):
            call()

    def run(self) -> None:
        self.num_calls += 2
        assert self.model in [model.id for model in self.client.models.list()]
        assert self.client.models.retrieve(self.model).id == self.model
        self._chats()
        self._streams()
        self._completions()
        self._rules()
        self._errors()
        asyncio.run(self._several_at_once())

    def _chats(self) -> None:
        first = self.chat()
        assert first.choices[0].message.content
        assert first.usage.total_tokens == first.usage.prompt_tokens + first.usage.completion_tokens
        assert self.chat().choices[0].message.content == first.choices[0].message.content
        said = [*HELLO, {"role": "assistant", "content": first.choices[0].message.content}]
        assert self.chat([*said, {"role": "user", "content": "Who are you?"}]).choices[0].message.content
        assert self.chat([{"role": "system", "content": "Be kind."}, *HELLO]).usage.prompt_tokens > 0
        assert self.chat([{"role": "user", "content": [{"type": "text", "text": "Hello!"}]}]).choices
        assert self.chat(max_tokens=None, max_completion_tokens=2).usage.completion_tokens <= 3
        one, two = (self.chat(temperature=1.0, seed=7).choices[0].message.content for _ in range(2))
        assert one == two

    def _streams(self) -> None:
        chunks = list(self.chat(stream=True, stream_options={"include_usage": True}))
        text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
        assert text == self.chat().choices[0].message.content
        assert chunks[-1].usage.completion_tokens > 0
        pieces = list(self.complete(stream=True))
        assert pieces[-1].choices[0].finish_reason in ("stop", "length")
        left_early = self.chat(stream=True, max_tokens=200)
        next(iter(left_early))
        left_early.close()

    def _completions(self) -> None:
        whole = self.complete()
        assert whole.choices[0].text
        assert self.complete(["Once upon a time"]).choices[0].text == whole.choices[0].text  # type: ignore[arg-type]
        word = whole.choices[0].text.split()[1]
        assert word not in self.complete(stop=[word]).choices[0].text

    def _rules(self) -> None:
        answer = self.chat(
            response_format={"type": "json_schema", "json_schema": {"name": "n", "schema": SCHEMA}},
            max_tokens=60,
        )
        assert json.loads(answer.choices[0].message.content)["n"] in (1, 2)
        yes = self.chat(extra_body={"grammar": 'root ::= "yes"'}).choices[0].message.content
        assert yes == "yes"
        assert self.chat(temperature=0.7, top_p=0.9, presence_penalty=0.1, frequency_penalty=0.1).choices

    def _errors(self) -> None:
        self.refused(openai.BadRequestError, lambda: self.chat(temperature=-1))
        self.refused(openai.BadRequestError, lambda: self.chat([{"role": "user", "content": "word " * 5000}]))
        self.num_calls += 1
        with OpenAI(base_url=self.url, api_key="another", max_retries=0) as stranger:
            self.refused(openai.AuthenticationError, lambda: list(stranger.models.list()))

    async def _several_at_once(self) -> None:
        self.num_calls += 3
        async with AsyncOpenAI(base_url=self.url, api_key=KEY, max_retries=0, timeout=60) as client:
            answers = await asyncio.gather(
                *(
                    client.completions.create(
                        model=self.model, prompt="Once upon a time", max_tokens=12, temperature=0
                    )
                    for _ in range(3)
                )
            )
        assert len({answer.choices[0].text for answer in answers}) == 1


def test_a_script_of_twenty_five_calls_runs_through(builtin: Path) -> None:
    with (
        served(str(builtin), "--threads", "1", "--ctx", "512") as server,
        OpenAI(base_url=server.url, api_key=KEY, max_retries=0, timeout=60) as client,
    ):
        script = Script(client, server.url, builtin.stem)
        script.run()
        assert script.num_calls >= 25
