"""What a token costs around llama.cpp: in the worker and the host, and against a bare loop on the same model.

2,000 tokens of one answer, and of eight at a time, greedily and with one thread. Two figures of the same
thing. First the CPU time of worker and host outside the native calls, taken by the thread's own clock around
each call of llama.cpp, as a share of all CPU time: exact, but blind to what we make llama.cpp do. Second the
CPU time of worker and host per token against a bare loop's, in turns; the medians of the pairs.
Third, on the fake model, what tokens 14,000 to 15,000 of one answer cost against tokens 500 to 1,500: nothing
may grow with an answer. Without a model one of random weights and of SmolLM2-135M's sizes is written.

    python -m benchmarks.decode_overhead [MODEL] [PAIRS]
"""

import json
import os
import queue
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil

from benchmarks.bare_loop import PROMPT, WARM_STEPS
from engine.contract.messages import (
    Event,
    FinishedEvent,
    GenerateRequest,
    LoadRequest,
    ModelLoaded,
    TextEvent,
)
from engine.contract.params import FORBIDDEN, GenerationLimits, LoadParams, SamplingParams
from engine.contract.paths import Paths
from engine.host import worker_process
from engine.host.router import EngineHost
from tests.support.random_gguf import SMALL, write_random_model

ROOT = Path(__file__).resolve().parents[1]
CLOCKS = "RETORT_BENCHMARK_CLOCKS"  # the file into which a clocked worker writes its figures
SEQUENCES_CLOCKED = "RETORT_BENCHMARK_SEQUENCES"  # how many run in the steps that it clocks
EARLY, LATE = (500, 1_500), (14_000, 15_000)  # tokens of one answer
NUM_TOKENS = 2_000  # of all answers together
SEQUENCES = (1, 8)


class ClockedLibrary:
    """llama.cpp's functions, with the calling thread's CPU time taken around each call."""

    def __init__(self, library: Any, num_sequences: int) -> None:
        self._library, self._num_sequences = library, num_sequences
        self._native_ns, self._full_calls = 0, 0
        self._start, self._end = (0, 0), (0, 0)  # process and native nanoseconds

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._library, name)
        if callable(value) and name.startswith("llama_") and not isinstance(value, type):
            value = self._clocked(value)
        if name == "llama_decode":
            value = self._marking(value)
        setattr(self, name, value)  # the next time without this function
        return value

    def figures(self) -> dict[str, float]:
        """Nanoseconds per step of all sequences together."""
        (process_start, native_start), (process_end, native_end) = self._start, self._end
        num_steps = self._full_calls - WARM_STEPS
        native, process = native_end - native_start, process_end - process_start
        return {"native_ns": native / num_steps, "own_ns": (process - native) / num_steps}

    def _clocked(self, function: Any) -> Any:
        def call(*arguments: Any) -> Any:
            started = time.thread_time_ns()
            try:
                return function(*arguments)
            finally:
                self._native_ns += time.thread_time_ns() - started

        return call

    def _marking(self, decode: Any) -> Any:
        def call(context: Any, batch: Any) -> Any:
            if batch.n_tokens == self._num_sequences:  # all of them generate
                self._full_calls += 1
                if self._full_calls <= WARM_STEPS:
                    self._start = time.process_time_ns(), self._native_ns
                self._end = time.process_time_ns(), self._native_ns
            return decode(context, batch)

        return call


def clocked_worker(arguments: list[str]) -> None:
    """The worker as it is, with a clock on its native calls."""
    from engine.backends.llama.native import load_native  # noqa: PLC0415  (this process alone needs it)
    from engine.worker.__main__ import main as run_worker  # noqa: PLC0415

    native = load_native()
    native.library = clocked = ClockedLibrary(native.library, int(os.environ[SEQUENCES_CLOCKED]))
    sys.argv = ["worker", *arguments]
    run_worker()
    Path(os.environ[CLOCKS]).write_text(json.dumps(clocked.figures()), encoding="utf-8")


def request(
    number: int, model: str, load: LoadParams, num_tokens: int, forbidden: list[int]
) -> GenerateRequest:
    """An answer of exactly so many tokens."""
    return GenerateRequest(
        request_id=f"r{number}",
        model=model,
        load=load,
        prompt=PROMPT,
        sampling=SamplingParams(temperature=0, logit_bias=tuple((token, FORBIDDEN) for token in forbidden)),
        limits=GenerationLimits(max_tokens=num_tokens),
    )


def through_retort(model: str, num_sequences: int, forbidden: list[int]) -> tuple[float, float]:
    """CPU nanoseconds per step: of worker and host outside native calls, and inside them."""
    num_steps = NUM_TOKENS // num_sequences
    length = num_steps + 2 * WARM_STEPS
    load = LoadParams(context_length=length + 64, threads=1, sequences=num_sequences)
    with tempfile.TemporaryDirectory() as folder:
        clocks = Path(folder) / "clocks.json"
        os.environ |= {CLOCKS: str(clocks), SEQUENCES_CLOCKED: str(num_sequences), "RETORT_HOME": folder}
        events: queue.SimpleQueue[Event] = queue.SimpleQueue()
        host = EngineHost(events.put, Paths.from_environment(), echo_stderr=False)
        host.submit(LoadRequest(request_id="load", model=model, load=load))
        while not isinstance(events.get(), ModelLoaded):
            pass
        host_started = time.process_time_ns()
        for number in range(num_sequences):
            host.submit(request(number, model, load, length, forbidden))
        finished = 0
        while finished < num_sequences:
            finished += isinstance(events.get(), FinishedEvent)
        host_ns = (time.process_time_ns() - host_started) / length
        host.close()
        figures = json.loads(clocks.read_text(encoding="utf-8"))
    return host_ns + figures["own_ns"], figures["native_ns"]


def bare(model: str, num_sequences: int) -> float:
    """CPU nanoseconds per step of a bare loop in a process of its own."""
    num_steps = NUM_TOKENS // num_sequences
    numbers = map(str, (num_sequences, num_steps, num_steps + 2 * WARM_STEPS + 64))
    command = [sys.executable, "-m", "benchmarks.bare_loop", model, *numbers]
    said = subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout
    return float(json.loads(said)["step_ns"])


def measure(model: str, num_sequences: int, forbidden: list[int], pairs: int) -> dict[str, float]:
    """Medians over so many pairs, per token of one answer."""
    shares, own_us, ratios, bare_ms = [], [], [], []
    for _ in range(pairs):
        theirs = bare(model, num_sequences)
        own, native = through_retort(model, num_sequences, forbidden)
        shares.append(own / (own + native))
        own_us.append(own / 1e3 / num_sequences)
        ratios.append((own + native) / theirs)
        bare_ms.append(theirs / 1e6 / num_sequences)
    columns = {"own_share": shares, "own_us": own_us, "ratio": ratios, "bare_ms": bare_ms}
    return {name: statistics.median(column) for name, column in columns.items()} | {"worst": max(shares)}


def cpu_ns(pid: int) -> int:
    """CPU time of a process's threads as Linux counts it, in nanoseconds; elsewhere in its coarser ticks."""
    tasks = Path(f"/proc/{pid}/task")
    if not tasks.is_dir():
        times = psutil.Process(pid).cpu_times()
        return int(1e9 * (times.user + times.system))
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks.iterdir())


def late_against_early(rounds: int) -> float:
    """What worker and host spend on a late token of a long answer, as a multiple of an early one."""
    ratios = []
    for _ in range(rounds):
        events: queue.SimpleQueue[Event] = queue.SimpleQueue()
        host = EngineHost(events.put, Paths.from_environment(), echo_stderr=False)
        load = LoadParams(context_length=16_384, threads=1)
        host.submit(request(0, f"fake:tokens={LATE[1]},rate=3000", load, LATE[1], []))
        length, marks = 0, dict[int, tuple[int, int]]()
        while not isinstance(event := events.get(), FinishedEvent):
            if not isinstance(event, TextEvent):
                continue
            length += len(event.text)
            for mark in (*EARLY, *LATE):
                if mark not in marks and length >= mark - 100:
                    (worker,) = psutil.Process().children()
                    marks[mark] = (length, cpu_ns(worker.pid) + time.process_time_ns())
        host.close()
        early, late = (
            (marks[end][1] - marks[begin][1]) / (marks[end][0] - marks[begin][0])
            for begin, end in (EARLY, LATE)
        )
        ratios.append(late / early)
    return statistics.median(ratios)


def inspected(model: str) -> dict[str, Any]:
    """What `retort inspect` says of a model."""
    command = [sys.executable, "-m", "app", "inspect", model, "--json"]
    report: dict[str, Any] = json.loads(
        subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout
    )
    return report


def listed_end_tokens(model: str) -> list[int]:
    """The tokens that would end an answer, found in a process of its own: this one is the host."""
    command = [sys.executable, "-m", "benchmarks.decode_overhead", "--end-tokens", model]
    tokens: list[int] = json.loads(subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout)
    return tokens


def print_end_tokens(model: str) -> None:
    """As JSON."""
    from benchmarks.bare_loop import bare_load, end_tokens  # noqa: PLC0415
    from engine.backends.llama.native import load_native  # noqa: PLC0415

    library = load_native().library
    loaded, _ = bare_load(library, Path(model), LoadParams(context_length=64))
    print(json.dumps(end_tokens(library, library.llama_model_get_vocab(loaded))))


def compare(model: str, pairs: int) -> None:
    """Measure, and print what was measured."""
    report, forbidden = inspected(model), listed_end_tokens(model)
    late = late_against_early(1)

    def clocked_command(_module: str, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "benchmarks.decode_overhead", "--worker", *arguments]

    worker_process.child_command = clocked_command  # type: ignore[assignment,attr-defined]
    print(f"{report['name']}, {report['parameters']:,} parameters, {report['quantization']}, 1 thread")
    figures = {}
    for num_sequences in SEQUENCES:
        figures[num_sequences] = found = measure(model, num_sequences, forbidden, pairs)
        print(
            f"{num_sequences} at a time: outside native calls {100 * found['own_share']:.2f} % of the CPU "
            f"(worst of {pairs}: {100 * found['worst']:.2f} %), {found['own_us']:.0f} us a token; "
            f"a bare loop {found['bare_ms']:.2f} ms, ratio {found['ratio']:.3f}"
        )
    print(f"tokens {LATE[0]:,}-{LATE[1]:,} cost {late:.2f} times those from {EARLY[0]} to {EARLY[1]:,}")
    totals = {
        "benchmark": "decode_overhead",
        "model": report["name"],
        "parameters": report["parameters"],
        "pairs": pairs,
        "by_sequences": {
            count: {k: round(v, 5) for k, v in found.items()} for count, found in figures.items()
        },
        "late_against_early": round(late, 3),
        "load": os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
    }
    print(json.dumps(totals))


def main() -> None:
    """Take the command line apart."""
    model = sys.argv[1] if len(sys.argv) > 1 else ""
    if model == "--end-tokens":
        print_end_tokens(sys.argv[2])
    elif model == "--worker":
        clocked_worker(sys.argv[2:])
    else:
        pairs = int(sys.argv[2]) if len(sys.argv) > 2 else 3
        with tempfile.TemporaryDirectory() as folder:
            if not model:
                model = str(write_random_model(Path(folder) / "small.gguf", SMALL))
            compare(model, pairs)


if __name__ == "__main__":
    main()
