"""How long after a cancel its answer has ended: while a prompt of 4,000 tokens is read, and while text comes.

On a drawn model of 51 M parameters, or on MODEL. Cancels come at times drawn at random.

    python benchmarks/cancel_latency.py [MODEL] [ROUNDS]
"""

import json
import queue
import random
import statistics
import sys
import tempfile
import time
from pathlib import Path

from engine.contract.messages import (
    CancelRequest,
    Event,
    FinishedEvent,
    GenerateRequest,
    LoadRequest,
    ModelLoaded,
    TextEvent,
)
from engine.contract.params import LoadParams, SamplingParams
from engine.contract.paths import Paths
from engine.host.router import EngineHost
from tests.support.tiny_model import MEDIUM, write_tiny_model

LOAD = LoadParams(context_length=8192)
PROMPT_TOKENS = 4_000


class Clock:
    """A host, and the time from a cancel to its end."""

    def __init__(self, model: Path) -> None:
        self._model, self._number = str(model), 0
        self._events: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self.host = EngineHost(self._events.put, Paths.from_environment(), echo_stderr=False)
        self.host.submit(LoadRequest(request_id="load", model=self._model, load=LOAD))
        self._wait_for(ModelLoaded)

    def cancel_ms(self, prompt: str, wait_s: float, *, in_text: bool) -> float:
        """Cancel an answer `wait_s` after it was asked for, or after its first text."""
        self._number += 1
        request_id = f"r{self._number}"
        sampling = SamplingParams(temperature=0)
        self.host.submit(
            GenerateRequest(
                request_id=request_id, model=self._model, load=LOAD, prompt=prompt, sampling=sampling
            )
        )
        if in_text:
            self._wait_for(TextEvent)
        time.sleep(wait_s)
        started = time.perf_counter()
        self.host.submit(CancelRequest(request_id=request_id))
        finished = self._wait_for(FinishedEvent)
        assert isinstance(finished, FinishedEvent)
        assert finished.reason == "cancelled", f"it ended before the cancel: {finished.reason}"
        assert in_text or not finished.usage.completion_tokens
        return 1000 * (time.perf_counter() - started)

    def _wait_for(self, kind: type[Event]) -> Event:
        while not isinstance(event := self._events.get(), kind):
            pass
        return event


def report(name: str, times_ms: list[float]) -> dict[str, float]:
    """Print a line of the table."""
    ordered = sorted(times_ms)
    figures = {"median_ms": statistics.median(ordered), "p95_ms": ordered[int(0.95 * (len(ordered) - 1))]}
    print(f"{name:<10} median {figures['median_ms']:6.0f} ms   p95 {figures['p95_ms']:6.0f} ms")
    return {key: round(value, 1) for key, value in figures.items()}


def main() -> None:
    """Cancel in both places, so many times each."""
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 20
    rng = random.Random(3)
    with tempfile.TemporaryDirectory() as folder:
        given = Path(sys.argv[1]) if len(sys.argv) > 1 else None
        clock = Clock(given or write_tiny_model(Path(folder) / "medium.gguf", shape=MEDIUM))
        letters = "abcdefghijklmnopqrstuvwxyz "
        prompts = ["".join(rng.choices(letters, k=PROMPT_TOKENS)) for _ in range(rounds)]
        prefill = [clock.cancel_ms(prompt, rng.uniform(0.1, 1.0), in_text=False) for prompt in prompts]
        decode = [clock.cancel_ms(prompt[:20], rng.uniform(0, 0.5), in_text=True) for prompt in prompts]
        clock.host.close()
    figures = {"prefill": report("prefill", prefill), "decode": report("decode", decode)}
    print(json.dumps({"benchmark": "cancel_latency", "rounds": rounds, **figures}))


if __name__ == "__main__":
    main()
