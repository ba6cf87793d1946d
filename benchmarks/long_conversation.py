"""The second turn of a conversation of 1,000 messages: what is computed, and how soon decoding begins.

On the fake model, whose decoding takes no time: what is left is rendering, tokenizing and finding the prefix,
from the request to the first text at the host. On MODEL the prefill of the new message is in the time, too.

    python benchmarks/long_conversation.py [MODEL] [MESSAGES]
"""

import json
import queue
import sys
import time

from engine.contract.chat import ChatMessage
from engine.contract.messages import ErrorEvent, Event, FinishedEvent, GenerateRequest, TextEvent, Usage
from engine.contract.params import GenerationLimits, LoadParams, SamplingParams
from engine.contract.paths import Paths
from engine.host.router import EngineHost

FAKE = "fake:tokens=20,text=a short answer "
CONTEXT = 131_072
WORDS = "the dog and the fox went to the river to look for a red ball that had rolled away from them "


class Talk:
    """A conversation on a host."""

    def __init__(self, model: str) -> None:
        self._model = model
        self._events: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self.host = EngineHost(self._events.put, Paths.from_environment(), echo_stderr=False)

    def ask(self, messages: tuple[ChatMessage, ...], request_id: str) -> tuple[str, Usage, float]:
        """The answer, its usage, and milliseconds until its first text."""
        first_ms, text, started = 0.0, "", time.perf_counter()
        self.host.submit(
            GenerateRequest(
                request_id=request_id,
                model=self._model,
                load=LoadParams(context_length=CONTEXT),
                conversation_id="long",
                messages=messages,
                sampling=SamplingParams(temperature=0),
                limits=GenerationLimits(max_tokens=20),
            )
        )
        while True:
            event = self._events.get()
            if isinstance(event, ErrorEvent):
                raise SystemExit(event.message)
            if isinstance(event, TextEvent):
                first_ms = first_ms or 1000 * (time.perf_counter() - started)
                text += event.text
            if isinstance(event, FinishedEvent):
                return text, event.usage, first_ms


def main() -> None:
    """Two turns, and what the second one took."""
    model = sys.argv[1] if len(sys.argv) > 1 else FAKE
    num_messages = int(sys.argv[2]) if len(sys.argv) > 2 else 1_000
    messages = tuple(
        ChatMessage(role="assistant" if number % 2 else "user", text=f"{number}: {WORDS}")
        for number in range(num_messages - 1)
    )
    talk = Talk(model)
    answer, first, first_ms = talk.ask(messages, "first")
    question = ChatMessage(role="user", text="And what happened then?")
    followed = (*messages, ChatMessage(role="assistant", text=answer), question)
    _, second, second_ms = talk.ask(followed, "second")
    talk.host.close()
    print(f"{num_messages} messages, {second.prompt_tokens:,} tokens of prompt")
    print(f"first turn   {first_ms:9.1f} ms to the first text, {first.cached_tokens:,} tokens known")
    print(f"second turn  {second_ms:9.1f} ms to the first text, {second.cached_tokens:,} tokens known")
    print(
        json.dumps(
            {
                "benchmark": "long_conversation",
                "model": model,
                "messages": num_messages,
                "prompt_tokens": second.prompt_tokens,
                "cached_tokens": second.cached_tokens,
                "first_text_ms": round(second_ms, 1),
                "ttft_ms": round(second.ttft_ms, 1),
            }
        )
    )


if __name__ == "__main__":
    main()
