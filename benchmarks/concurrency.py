"""Several conversations at once: eight answers against llama.cpp's own benchmark, long prompts beside one.

First the speed of eight answers together, through host and worker, and that of `llama-batched-bench` on the
same model with the same threads, batch sizes, KV cache and libraries, in turns. Each side runs a short and a
long decode, and the difference counts, so that loading and prompts are left out; wall and CPU time, medians.

Second how long a running answer waits for its next text while one or two long prompts are read, on a small
and on a slow model; beside it what it waited before they came. Text is sent thirty times a second at most.

    python -m benchmarks.concurrency [--batched-bench PATH] [--model GGUF] [--rounds N] [--threads N]

The tool is in llama.cpp's source (tools/batched-bench, target `llama-batched-bench`), which comes with
llama-cpp-python's source package; without it the first part is left out, and that is said.
"""

import argparse
import json
import os
import queue
import statistics
import subprocess
import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psutil

from benchmarks.decode_overhead import cpu_ns, inspected, listed_end_tokens
from engine.contract.messages import (
    CancelRequest,
    ErrorEvent,
    Event,
    FinishedEvent,
    GenerateRequest,
    LoadRequest,
    ModelLoaded,
    TextEvent,
)
from engine.contract.params import FORBIDDEN, GenerationLimits, LoadParams, SamplingParams
from engine.contract.paths import Paths
from engine.host.router import EngineHost
from tests.support.random_gguf import SMALL, RandomModel, write_random_model

SEQUENCES = 8
SHORT, LONG = 16, 112  # tokens of each answer
PROMPT_TOKENS = 64  # about: one per byte
CONTEXT = 512  # of each sequence
BATCH = 512
ANSWER_TOKENS = 4000  # of the answer that long prompts come beside, at most
PROMISED_MS = 300
SLOW = RandomModel(  # 0.6 B parameters
    architecture="llama",
    layers=24,
    hidden=1536,
    feed_forward=4096,
    heads=12,
    kv_heads=4,
    head_size=128,
    vocabulary=32000,
    tied=True,
)


class Engine:
    """A host with one loaded model; give it a folder of its own."""

    def __init__(self, model: str, load: LoadParams, forbidden: list[int], home: Path) -> None:
        os.environ["RETORT_HOME"] = str(home)
        self._model, self._load = model, load
        self._bias = tuple((token, FORBIDDEN) for token in forbidden)
        self.events: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self._host = EngineHost(self.events.put, Paths.from_environment(), echo_stderr=False)
        self._host.submit(LoadRequest(request_id="load", model=model, load=load))
        while not isinstance(event := self.next(), ModelLoaded):
            pass
        self.loaded = event.loaded
        (self._worker,) = psutil.Process().children()

    def next(self, timeout_s: float = 600) -> Event:
        """The next event; an error ends the benchmark."""
        event = self.events.get(timeout=timeout_s)
        if isinstance(event, ErrorEvent):
            raise SystemExit(event.message)
        return event

    def ask(self, name: str, prompt: str, max_tokens: int) -> None:
        """Submit a request for an answer of exactly so many tokens."""
        self._host.submit(
            GenerateRequest(
                request_id=name,
                model=self._model,
                load=self._load,
                prompt=prompt,
                sampling=SamplingParams(temperature=0, logit_bias=self._bias),
                limits=GenerationLimits(max_tokens=max_tokens),
            )
        )

    def cancel(self, name: str) -> None:
        """End a request and wait for its end."""
        self._host.submit(CancelRequest(request_id=name))
        while not (isinstance(event := self.next(), FinishedEvent) and event.request_id == name):
            pass

    def cpu_s(self) -> float:
        """CPU time of worker and host so far."""
        return cpu_ns(self._worker.pid) / 1e9 + time.process_time()

    def close(self) -> None:
        """End the worker."""
        self._host.close()


def drawn_prompt(number: int, num_tokens: int) -> str:
    """A text that shares no beginning with another."""
    words = f"{number} is the number of this one, which goes on and on about the river and the moon and "
    return (words * (num_tokens // len(words) + 1))[:num_tokens]


def answers_s(engine: Engine, num_tokens: int) -> tuple[float, float]:
    """Wall and CPU time of eight answers, with their prompts."""
    wall, cpu = time.perf_counter(), engine.cpu_s()
    for number in range(SEQUENCES):
        engine.ask(f"r{number}", drawn_prompt(number, PROMPT_TOKENS), num_tokens)
    finished = 0
    while finished < SEQUENCES:
        finished += isinstance(engine.next(), FinishedEvent)
    return time.perf_counter() - wall, engine.cpu_s() - cpu


def batched_bench_s(tool: Path, model: str, threads: int, num_tokens: int) -> tuple[float, float]:
    """Wall time of its decode, and CPU time of all of it."""
    spec = find_spec("llama_cpp")
    assert spec is not None and spec.origin is not None
    libraries = str(Path(spec.origin).parent / "lib")  # so that both run the same machine code
    environment = os.environ | {"LD_LIBRARY_PATH": libraries, "OMP_WAIT_POLICY": "PASSIVE"}
    command = f"{tool} -m {model} -c {CONTEXT * SEQUENCES} -b {BATCH} -ub {BATCH} -t {threads} -tb {threads}"
    command += f" -ngl 0 -fa auto -ctk f16 -ctv f16 --no-kv-unified --output-format jsonl -npl {SEQUENCES}"
    command += f" -npp {PROMPT_TOKENS} -ntg {num_tokens}"
    before = os.times()
    done = subprocess.run(command.split(), env=environment, capture_output=True, text=True, check=True)
    after = os.times()
    line = next(line for line in done.stdout.splitlines() if line.startswith("{"))
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return float(json.loads(line)["t_tg"]), cpu


def compare(tool: Path, model: str, forbidden: list[int], threads: int, rounds: int) -> dict[str, Any]:
    """Tokens a second of all eight, ours and theirs, in turns."""
    num_tokens = SEQUENCES * (LONG - SHORT)
    ours, theirs = list[tuple[float, float]](), list[tuple[float, float]]()
    load = LoadParams(context_length=CONTEXT, threads=threads, sequences=SEQUENCES, batch_size=BATCH)
    with tempfile.TemporaryDirectory() as folder:
        engine = Engine(model, load, forbidden, Path(folder))
        answers_s(engine, 4)  # everybody has a slot, everything is paged in
        for _ in range(rounds):
            short, long = (answers_s(engine, length) for length in (SHORT, LONG))
            ours.append((long[0] - short[0], long[1] - short[1]))
            short, long = (batched_bench_s(tool, model, threads, length) for length in (SHORT, LONG))
            theirs.append((long[0] - short[0], long[1] - short[1]))
        engine.close()
    figures: dict[str, Any] = {"rounds": rounds, "threads": threads}
    for place, clock in enumerate(("wall", "cpu")):
        ratios = [their[place] / our[place] for our, their in zip(ours, theirs, strict=True)]
        figures[f"{clock}_tps"] = round(num_tokens / statistics.median(our[place] for our in ours), 1)
        figures[f"{clock}_tps_batched_bench"] = round(
            num_tokens / statistics.median(their[place] for their in theirs), 1
        )
        figures[f"{clock}_ratio"] = round(statistics.median(ratios), 3)
        figures[f"{clock}_ratios"] = [round(ratio, 3) for ratio in ratios]
    return figures


def gaps_ms(
    engine: Engine, num_prompts: int, prompt_tokens: int, number: int
) -> tuple[list[float], list[float], float]:
    """Waits of a running answer for its next text: before long prompts come and while they are read, in ms.

    The last is how long they were read, in seconds.
    """
    alone, beside = list[float](), list[float]()
    engine.ask("answer", drawn_prompt(100 * number, PROMPT_TOKENS), ANSWER_TOKENS)
    began, last = 0.0, 0.0
    waiting = {f"long{place}" for place in range(num_prompts)}
    while waiting or not began:
        event = engine.next()
        now = time.perf_counter()
        if event.request_id in waiting and isinstance(event, TextEvent | FinishedEvent):
            waiting.discard(event.request_id)
        if event.request_id != "answer" or not isinstance(event, TextEvent):
            continue
        if last:
            (beside if began else alone).append(1000 * (now - last))
        last = now
        if len(alone) == 20 and not began:
            began = now
            for place in range(num_prompts):
                engine.ask(f"long{place}", drawn_prompt(100 * number + place + 1, prompt_tokens), 1)
    engine.cancel("answer")
    return alone, beside, time.perf_counter() - began


def stall(
    model: str, forbidden: list[int], threads: int, num_prompts: int, prompt_tokens: int
) -> dict[str, float]:
    """The longest wait of a running answer beside long prompts, and what it was without them."""
    load = LoadParams(context_length=prompt_tokens + ANSWER_TOKENS + 64, threads=threads, sequences=4)
    with tempfile.TemporaryDirectory() as folder:
        engine = Engine(model, load, forbidden, Path(folder))
        alone, beside, reading_s = gaps_ms(engine, num_prompts, prompt_tokens, 1)
        engine.close()
    return {
        "prompts": num_prompts,
        "prompt_tokens": prompt_tokens,
        "median_alone_ms": statistics.median(alone),
        "longest_alone_ms": max(alone),
        "median_beside_ms": statistics.median(beside),
        "p95_beside_ms": sorted(beside)[int(0.95 * (len(beside) - 1))],
        "longest_beside_ms": max(beside),
        "reading_s": reading_s,
    }


def main() -> None:
    """The tables, and one JSON line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--batched-bench", type=Path, help="llama-batched-bench, built from the same source")
    parser.add_argument("--model", help="a GGUF; without it one of random weights, 135 M parameters")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--no-slow", action="store_true", help="leave the slow model out")
    parser.add_argument(
        "--prompt-tokens", type=int, default=4000, help="of a long prompt; a quarter on the slow"
    )
    arguments = parser.parse_args()
    totals: dict[str, Any] = {"benchmark": "concurrency"}
    with tempfile.TemporaryDirectory() as folder:
        model = arguments.model or str(write_random_model(Path(folder) / "small.gguf", SMALL))
        report, forbidden = inspected(model), listed_end_tokens(model)
        totals |= {"model": report["name"], "parameters": report["parameters"]}
        print(f"{report['name']}, {report['parameters']:,} parameters, {report['quantization']}")
        if arguments.batched_bench is None or not arguments.batched_bench.is_file():
            print(
                f"not compared with llama.cpp: there is no llama-batched-bench at {arguments.batched_bench}; "
                "build the target of that name in llama-cpp-python's source, vendor/llama.cpp",
                file=sys.stderr,
            )
        else:
            found = compare(arguments.batched_bench, model, forbidden, arguments.threads, arguments.rounds)
            totals["eight"] = found
            for clock in ("wall", "cpu"):
                print(
                    f"{SEQUENCES} answers, {clock:4} {found[f'{clock}_tps']:8.1f} tok/s, llama-batched-bench "
                    f"{found[f'{clock}_tps_batched_bench']:8.1f}, ratio {found[f'{clock}_ratio']:.3f}"
                )
        totals["stalls"] = stalls = []
        cases = [(model, forbidden, arguments.prompt_tokens)]
        if not arguments.no_slow:
            slow = str(write_random_model(Path(folder) / "slow.gguf", SLOW))
            cases.append((slow, listed_end_tokens(slow), arguments.prompt_tokens // 4))
        for path, ends, prompt_tokens in cases:
            for num_prompts in (1, 2):
                found = stall(path, ends, arguments.threads, num_prompts, prompt_tokens)
                stalls.append(
                    {name: round(value, 1) for name, value in found.items()} | {"model": Path(path).stem}
                )
                print(
                    f"{Path(path).stem}: {num_prompts} prompts of {prompt_tokens:,} tokens read in "
                    f"{found['reading_s']:.0f} s; an answer waited {found['longest_beside_ms']:.0f} ms at "
                    f"most ({found['p95_beside_ms']:.0f} ms 95 %, wanted {PROMISED_MS}), "
                    f"without them {found['longest_alone_ms']:.0f} ms"
                )
    totals["load"] = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    print(json.dumps(totals))


if __name__ == "__main__":
    main()
