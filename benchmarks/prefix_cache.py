"""Reopening a long conversation after a restart: the first token with the kept state, and without one.

Each round is three hosts with a worker each: one that reads the conversation for the first time and keeps
its state, one that is asked the next question in the same folders, one that is asked it in empty ones. The
model is loaded before the clock starts.

    python benchmarks/prefix_cache.py MODEL [TOKENS] [ROUNDS]
"""

import json
import os
import queue
import statistics
import sys
import tempfile
import time
from pathlib import Path

from engine.contract.messages import (
    ErrorEvent,
    Event,
    FinishedEvent,
    GenerateRequest,
    LoadRequest,
    ModelLoaded,
    Usage,
)
from engine.contract.params import GenerationLimits, LoadParams, SamplingParams
from engine.contract.paths import Paths
from engine.host.router import EngineHost

WORDS = "the dog and the fox went to the river to look for a red ball that had rolled away from them "


def ask(model: str, prompt: str, home: Path) -> tuple[Usage, float]:
    """A host from its start to its end; the answer's usage, and milliseconds to its first token."""
    os.environ["RETORT_HOME"] = str(home)
    events: queue.SimpleQueue[Event] = queue.SimpleQueue()
    host = EngineHost(events.put, Paths.from_environment(), echo_stderr=False)
    load = LoadParams(context_length=32_768, sequences=1)
    try:
        host.submit(LoadRequest(request_id="load", model=model, load=load))
        _wait(events, ModelLoaded)
        started = time.perf_counter()
        host.submit(
            GenerateRequest(
                request_id="ask",
                model=model,
                load=load,
                conversation_id="talk",
                prompt=prompt,
                sampling=SamplingParams(temperature=0),
                limits=GenerationLimits(max_tokens=1),
            )
        )
        finished = _wait(events, FinishedEvent)
        assert isinstance(finished, FinishedEvent)
        return finished.usage, 1000 * (time.perf_counter() - started)
    finally:
        host.close()


def _wait(events: "queue.SimpleQueue[Event]", kind: type[Event]) -> Event:
    while True:
        event = events.get()
        if isinstance(event, ErrorEvent):
            raise SystemExit(event.message)
        if isinstance(event, kind):
            return event


def main() -> None:
    """The table, and one JSON line."""
    model = sys.argv[1]
    wanted = int(sys.argv[2]) if len(sys.argv) > 2 else 10_000
    rounds = int(sys.argv[3]) if len(sys.argv) > 3 else 3
    with tempfile.TemporaryDirectory() as folder:
        sample, _ = ask(model, WORDS * 50, Path(folder) / "sample")
        repeats = 50 * wanted // sample.prompt_tokens
    kept_ms, fresh_ms, cached, prompt_tokens, size = [], [], 0, 0, 0
    for number in range(rounds):
        with tempfile.TemporaryDirectory() as folder:
            home = Path(folder)
            talk = f"{number} " + WORDS * repeats
            ask(model, talk, home / "kept")
            size = sum(path.stat().st_size for path in (home / "kept" / "cache" / "prefix").rglob("*.state"))
            usage, milliseconds = ask(model, talk + "and then", home / "kept")
            kept_ms.append(milliseconds)
            cached, prompt_tokens = usage.cached_tokens, usage.prompt_tokens
            fresh_ms.append(ask(model, talk + "and then", home / "fresh")[1])
    ratio = statistics.median(kept_ms) / statistics.median(fresh_ms)
    print(f"{prompt_tokens:,} tokens of prompt, {cached:,} of them kept in {size / 2**20:.1f} MiB")
    print(f"fresh prefill   {statistics.median(fresh_ms):9.1f} ms to the first token")
    print(f"kept state      {statistics.median(kept_ms):9.1f} ms to the first token, ratio {ratio:.4f}")
    print(
        json.dumps(
            {
                "benchmark": "prefix_cache",
                "prompt_tokens": prompt_tokens,
                "cached_tokens": cached,
                "state_mib": size / 2**20,
                "fresh_ms": statistics.median(fresh_ms),
                "kept_ms": statistics.median(kept_ms),
                "ratio": ratio,
                "rounds": rounds,
            }
        )
    )


if __name__ == "__main__":
    main()
