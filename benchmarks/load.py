"""Loading a model and its first token: through host and worker, and by llama.cpp's functions alone, in turns.

The file is in the page cache before the clock starts, as it is after a first load. Each round loads through a
host that has just started, asks for a first token, ejects the model, loads it again, asks again; then a bare
process does the same once. The worker's process, its imports and the child that renders chat templates are
ours alone: `worker` is what a load takes beyond the bare one. Medians; wall time, and CPU of worker and host.

    python -m benchmarks.load [MODEL] [ROUNDS]
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

import psutil

from benchmarks.bare_loop import PROMPT
from benchmarks.decode_overhead import ROOT, cpu_ns, inspected
from engine.contract.messages import (
    ErrorEvent,
    Event,
    FinishedEvent,
    GenerateRequest,
    LoadRequest,
    ModelLoaded,
    ModelUnloaded,
    TextEvent,
    UnloadRequest,
)
from engine.contract.params import GenerationLimits, LoadParams, SamplingParams
from engine.contract.paths import Paths
from engine.host.router import EngineHost
from tests.support.random_gguf import SMALL, write_random_model

LOAD = LoadParams(threads=1)


class Engine:
    """A host that has just started."""

    def __init__(self, model: str) -> None:
        self._model = model
        self._events: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self._host = EngineHost(self._events.put, Paths.from_environment(), echo_stderr=False)

    def load(self) -> dict[str, float]:
        """Load and answer with one token; seconds of both."""
        host_cpu, started = time.process_time(), time.perf_counter()
        self._host.submit(LoadRequest(request_id="load", model=self._model, load=LOAD))
        loaded_event = self._wait(ModelLoaded)
        assert isinstance(loaded_event, ModelLoaded)
        loaded = time.perf_counter()
        self._host.submit(
            GenerateRequest(
                request_id="ask",
                model=self._model,
                load=LOAD,
                prompt=PROMPT,
                sampling=SamplingParams(temperature=0),
                limits=GenerationLimits(max_tokens=1),
            )
        )
        self._wait(TextEvent, FinishedEvent)
        told = time.perf_counter()
        (worker,) = psutil.Process().children()
        cpu_s = cpu_ns(worker.pid) / 1e9 + time.process_time() - host_cpu
        native_s = loaded_event.loaded.load_ms / 1000
        return {"load_s": loaded - started, "first_s": told - loaded, "cpu_s": cpu_s, "backend_s": native_s}

    def eject(self) -> None:
        """End the worker."""
        self._host.submit(UnloadRequest(request_id="eject", model=self._model))
        self._wait(ModelUnloaded)

    def close(self) -> None:
        """End everything."""
        self._host.close()

    def _wait(self, *kinds: type[Event]) -> Event:
        while not isinstance(event := self._events.get(timeout=600), kinds):
            if isinstance(event, ErrorEvent):
                raise SystemExit(event.message)
        return event


def bare(model: str) -> dict[str, float]:
    """The same by llama.cpp's functions in a process of their own; the process's start is not counted."""
    command = [sys.executable, "-m", "benchmarks.bare_loop", model, "--first-token"]
    found: dict[str, float] = json.loads(
        subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout
    )
    return found


def medians(rounds: list[dict[str, float]]) -> dict[str, float]:
    """Of every figure, in milliseconds."""
    return {name: round(1000 * statistics.median(one[name] for one in rounds), 1) for name in rounds[0]}


def main() -> None:
    """The table, and one JSON line."""
    num_rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 7
    found: dict[str, list[dict[str, float]]] = {"loaded": [], "loaded again": [], "bare": []}
    with tempfile.TemporaryDirectory() as folder:
        os.environ["RETORT_HOME"] = folder
        model = sys.argv[1] if len(sys.argv) > 1 else str(write_random_model(Path(folder) / "s.gguf", SMALL))
        report = inspected(model)
        bare(model)  # everything is in the page cache
        for _ in range(num_rounds):
            engine = Engine(model)
            found["loaded"].append(engine.load())
            engine.eject()
            found["loaded again"].append(engine.load())
            engine.close()
            found["bare"].append(bare(model))
    figures = {name: medians(rounds) for name, rounds in found.items()}
    print(f"{report['name']}, {report['parameters']:,} parameters, {report['quantization']}")
    for name, one in figures.items():
        inside = f" ({one['backend_s']:.0f} of them in the backend)" if "backend_s" in one else ""
        print(
            f"{name:13} {one['load_s']:7.0f} ms{inside}, first token after {one['first_s']:6.0f} ms, "
            f"CPU {one['cpu_s']:6.0f} ms"
        )
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    print(
        json.dumps(
            {"benchmark": "load", "model": report["name"], "rounds": num_rounds, "ms": figures, "load": load}
        )
    )


if __name__ == "__main__":
    main()
