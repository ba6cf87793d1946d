"""How two threads of a worker wait for each other, alone and beside other work.

Between two steps of a graph llama.cpp's threads meet at a barrier of OpenMP. Spinning there is fastest while
every thread has a core for itself; as soon as another program wants one of them, a spinning thread takes the
very time that the one it waits for needs. Policies run in turn, each with the same busy loops beside it.

    python benchmarks/thread_waiting.py [ROUNDS]
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.support.tiny_model import MEDIUM, write_tiny_model

ROOT = Path(__file__).resolve().parents[1]
SPINS = {  # rounds before a waiting thread goes to sleep; libgomp's meaning of the named policies
    "active": 30_000_000_000,
    "libgomp's default": 300_000,
    "brief": 5_000,
    "passive": 0,
}
BUSY_LOOP = [sys.executable, "-c", "while True: pass"]


def decode_tps(model: Path, spins: int, num_tokens: int) -> float:
    """Tokens per second of one answer of `retort run`."""
    command = [sys.executable, "-m", "app", "run", str(model), "Once upon a time", "--raw", "--json"]
    command += ["--temperature", "0", "--logit-bias=2=-inf", "--logit-bias=4=-inf"]
    command += ["--threads", "2", "--max-tokens", str(num_tokens)]
    environment = {**os.environ, "GOMP_SPINCOUNT": str(spins)}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, check=True)
    return float(json.loads(done.stdout)["decode_tps"])


def main() -> None:
    """Run every combination in turn and print the medians."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    results: dict[str, dict[str, float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        medium = write_tiny_model(Path(folder) / "medium.gguf", shape=MEDIUM, name="medium")
        builtin = ROOT / "resources" / "builtin" / "retort-builtin.gguf"
        for num_busy in (0, 1):
            for model, num_tokens in ((builtin, 100), (medium, 40)):
                busy = [subprocess.Popen(BUSY_LOOP) for _ in range(num_busy)]
                try:
                    speeds: dict[str, list[float]] = {name: [] for name in SPINS}
                    for _ in range(rounds):
                        for name, spins in SPINS.items():
                            speeds[name].append(decode_tps(model, spins, num_tokens))
                finally:
                    for loop in busy:
                        loop.kill()
                        loop.wait()
                label = f"{model.stem}, {num_busy} busy"
                results[label] = {name: round(statistics.median(found), 1) for name, found in speeds.items()}
                print(
                    f"{label:28}",
                    *(f"{name} {speed:8.1f}" for name, speed in results[label].items()),
                    sep="  ",
                )
    print(json.dumps({"benchmark": "thread_waiting", "rounds": rounds, "decode_tps": results}))


if __name__ == "__main__":
    main()
