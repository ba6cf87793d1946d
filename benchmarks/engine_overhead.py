"""What a token costs around llama.cpp: in the worker and the host, and against a bare loop on the same model.

Two figures of the same thing. First the CPU time of worker and host outside the native calls, taken by the
threads' own clocks around each call of llama.cpp, as a share of all CPU time: exact, but blind to what we
make llama.cpp do. Second the CPU time of `retort run` with all its processes against a bare loop, each run
for a short and a long answer, whose difference leaves out starting and loading; the median of the ratios.
Both answer greedily with one thread. Third, on the fake model, what tokens 14,000 to 15,000 of one answer
cost against tokens 500 to 1,500: nothing may grow with an answer.

    python benchmarks/engine_overhead.py [MODEL] [PAIRS]
"""

import ctypes
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

from engine.contract.messages import Event, FinishedEvent, GenerateRequest, TextEvent
from engine.contract.params import FORBIDDEN, GenerationLimits, LoadParams, SamplingParams
from engine.contract.paths import Paths
from engine.host import worker_process
from engine.host.router import EngineHost

ROOT = Path(__file__).resolve().parents[1]
CLOCKS = "RETORT_BENCHMARK_CLOCKS"  # the file into which a clocked worker writes its figures
EARLY, LATE = (500, 1_500), (14_000, 15_000)  # tokens of one answer
SHORT, LONG = 50, 650
PROMPT = "Once upon a time"


def load(model: str) -> tuple[Any, Any]:
    """llama.cpp's functions, and a model."""
    import llama_cpp.llama_cpp as lib  # noqa: PLC0415  (only this process needs it)

    lib.llama_log_set(lib.llama_log_callback(), None)
    lib.llama_backend_init()
    return lib, lib.llama_model_load_from_file(model.encode(), lib.llama_model_default_params())


def bare_loop(model: str, num_tokens: int) -> None:
    """Greedy decoding with nothing around it; end tokens are not looked at, the answer goes on."""
    lib, loaded = load(model)
    params = lib.llama_context_default_params()
    params.n_ctx, params.n_threads, params.n_threads_batch = 1024, 1, 1
    context = lib.llama_init_from_model(loaded, params)
    vocabulary = lib.llama_model_get_vocab(loaded)
    tokens = (ctypes.c_int32 * 64)()
    count = lib.llama_tokenize(vocabulary, PROMPT.encode(), len(PROMPT), tokens, 64, True, True)
    sampler = lib.llama_sampler_chain_init(lib.llama_sampler_chain_default_params())
    forbidden = [(token, float("-inf")) for token in end_tokens(lib, vocabulary)]
    bias = (lib.llama_logit_bias * len(forbidden))(*forbidden)
    size = lib.llama_vocab_n_tokens(vocabulary)
    lib.llama_sampler_chain_add(sampler, lib.llama_sampler_init_logit_bias(size, len(bias), bias))
    lib.llama_sampler_chain_add(sampler, lib.llama_sampler_init_greedy())
    batch = lib.llama_batch_get_one(tokens, count)
    for _ in range(num_tokens):
        assert lib.llama_decode(context, batch) == 0
        tokens[0] = lib.llama_sampler_sample(sampler, context, -1)
        batch = lib.llama_batch_get_one(tokens, 1)


def end_tokens(lib: Any, vocabulary: Any) -> list[int]:
    """The tokens that would end an answer."""
    size = lib.llama_vocab_n_tokens(vocabulary)
    return [token for token in range(size) if lib.llama_vocab_is_eog(vocabulary, token)]


def through_retort(model: str, num_tokens: int, forbidden: list[int]) -> list[str]:
    """The command line that gives an answer of exactly so many tokens."""
    command = [sys.executable, "-m", "app", "run", model, PROMPT, "--raw", "--temperature", "0"]
    command += ["--threads", "1", "--ctx", "1024", "--max-tokens", str(num_tokens), "--json"]
    return [*command, *(f"--logit-bias={token}=-inf" for token in forbidden)]


def cpu_ms(command: list[str]) -> float:
    """CPU time of a command and all its children, in milliseconds."""
    before = os.times()
    subprocess.run(command, cwd=ROOT, stdout=subprocess.DEVNULL, check=True)
    after = os.times()
    used = after.children_user + after.children_system - before.children_user - before.children_system
    return 1000 * used


def cpu_ms_per_token(command_of: dict[int, list[str]]) -> float:
    """What a token between the short and the long answer costs."""
    return (cpu_ms(command_of[LONG]) - cpu_ms(command_of[SHORT])) / (LONG - SHORT)


class ClockedLibrary:
    """llama.cpp's functions, with the calling thread's CPU time taken around each call."""

    def __init__(self, library: Any) -> None:
        self._library, self.native_ns = library, 0

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._library, name)
        if callable(value) and name.startswith("llama_") and not isinstance(value, type):
            value = self._clocked(value)
        setattr(self, name, value)  # the next time without this function
        return value

    def _clocked(self, function: Any) -> Any:
        def call(*arguments: Any) -> Any:
            started = time.thread_time_ns()
            try:
                return function(*arguments)
            finally:
                self.native_ns += time.thread_time_ns() - started

        return call


def clocked_worker(arguments: list[str]) -> None:
    """The worker as it is, with a clock on its native calls."""
    from engine.backends.llama.native import load_native  # noqa: PLC0415  (this process alone needs it)
    from engine.worker.__main__ import main as run_worker  # noqa: PLC0415

    native = load_native()
    native.library = clocked = ClockedLibrary(native.library)
    sys.argv = ["worker", *arguments]
    run_worker()
    figures = {"process_ns": time.process_time_ns(), "native_ns": clocked.native_ns}
    Path(os.environ[CLOCKS]).write_text(json.dumps(figures), encoding="utf-8")


def request(model: str, num_tokens: int, forbidden: list[int], context_length: int) -> GenerateRequest:
    """An answer of exactly so many tokens, with one thread."""
    return GenerateRequest(
        request_id="r",
        model=model,
        load=LoadParams(context_length=context_length, threads=1),
        prompt=PROMPT,
        sampling=SamplingParams(temperature=0, logit_bias=tuple((token, FORBIDDEN) for token in forbidden)),
        limits=GenerationLimits(max_tokens=num_tokens),
    )


def own_and_native_ns(model: str, num_tokens: int, forbidden: list[int]) -> tuple[int, int]:
    """CPU time of worker and host outside native calls, and inside them; this process is the host."""
    with tempfile.TemporaryDirectory() as folder:
        clocks = Path(folder) / "clocks.json"
        os.environ[CLOCKS] = str(clocks)
        host_started = time.process_time_ns()
        events: queue.SimpleQueue[Event] = queue.SimpleQueue()
        host = EngineHost(events.put, Paths.from_environment(), echo_stderr=False)
        host.submit(request(model, num_tokens, forbidden, 1024))
        while not isinstance(events.get(), FinishedEvent):
            pass
        host.close()
        host_ns = time.process_time_ns() - host_started
        figures = json.loads(clocks.read_text(encoding="utf-8"))
    return host_ns + figures["process_ns"] - figures["native_ns"], figures["native_ns"]


def own_share(model: str, forbidden: list[int], pairs: int) -> tuple[float, float]:
    """The share of CPU time outside native calls, and milliseconds per token: medians of the pairs."""

    def clocked_command(_module: str, *arguments: str) -> list[str]:
        return [sys.executable, __file__, "--worker", *arguments]

    worker_process.child_command = clocked_command  # type: ignore[assignment,attr-defined]
    figures = []
    for _ in range(pairs):
        (short_own, short_native), (long_own, long_native) = (
            own_and_native_ns(model, num_tokens, forbidden) for num_tokens in (SHORT, LONG)
        )
        own, native = long_own - short_own, long_native - short_native
        figures.append((own / (own + native), own / 1e6 / (LONG - SHORT)))
    shares, own_ms = zip(*figures, strict=True)
    return statistics.median(shares), statistics.median(own_ms)


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
        host.submit(request(f"fake:tokens={LATE[1]},rate=3000", LATE[1], [], 16_384))
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


def main() -> None:
    """Run the pairs and print what was measured."""
    model = sys.argv[1] if len(sys.argv) > 1 else str(ROOT / "resources" / "builtin" / "retort-builtin.gguf")
    if model == "--end-tokens":
        lib, loaded = load(sys.argv[2])
        print(end_tokens(lib, lib.llama_model_get_vocab(loaded)))
        return
    if model == "--bare":
        bare_loop(sys.argv[2], int(sys.argv[3]))
        return
    if model == "--worker":
        clocked_worker(sys.argv[2:])
        return
    pairs = int(sys.argv[2]) if len(sys.argv) > 2 else 9
    asked = [sys.executable, "-m", "app", "inspect", model, "--json"]
    report = json.loads(subprocess.run(asked, cwd=ROOT, capture_output=True, check=True).stdout)
    listed = [sys.executable, __file__, "--end-tokens", model]
    forbidden = json.loads(subprocess.run(listed, capture_output=True, check=True).stdout)
    bare = {n: [sys.executable, __file__, "--bare", model, str(n)] for n in (SHORT, LONG)}
    retort = {n: through_retort(model, n, forbidden) for n in (SHORT, LONG)}
    late = late_against_early(pairs)
    share, own_ms = own_share(model, forbidden, pairs)
    figures = [(cpu_ms_per_token(retort), cpu_ms_per_token(bare)) for _ in range(pairs)]
    ours, theirs = (statistics.median(column) for column in zip(*figures, strict=True))
    ratio = statistics.median(first / second for first, second in figures)
    print(f"{report['name']}, {report['parameters']:,} parameters, {report['quantization']}, 1 thread")
    print(f"retort run  {ours:7.3f} ms of CPU per token   (median of {pairs})")
    print(f"bare loop   {theirs:7.3f} ms of CPU per token")
    print(f"ratio       {ratio:7.3f}")
    print(f"outside native calls {100 * share:.2f} % of the CPU time, {own_ms:.3f} ms per token")
    print(f"tokens {LATE[0]:,}-{LATE[1]:,} cost {late:.2f} times those from {EARLY[0]} to {EARLY[1]:,}")
    print(
        json.dumps(
            {
                "benchmark": "engine_overhead",
                "model": report["name"],
                "parameters": report["parameters"],
                "pairs": pairs,
                "retort_cpu_ms_per_token": round(ours, 4),
                "bare_cpu_ms_per_token": round(theirs, 4),
                "ratio": round(ratio, 4),
                "own_share": round(share, 5),
                "own_cpu_ms_per_token": round(own_ms, 4),
                "late_against_early": round(late, 3),
            }
        )
    )


if __name__ == "__main__":
    main()
