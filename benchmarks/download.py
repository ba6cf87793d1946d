"""How fast a download is, hashing and journal included, beside huggingface_hub's own downloader.

Both fetch the same file from a server on this computer, one after the other, in processes of their own;
`--limit` makes the server send no more than so many MB/s. CPU seconds are the fetching process's.
`python benchmarks/download.py [--mib 256] [--limit 0]` prints a table and one JSON line last.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from engine.contract.processes import child_environment
from tests.support.fake_hub import FakeHub

OURS = """
import resource, sys, time
from engine.contract.hub_messages import PullRequest
from engine.contract.paths import Paths
from engine.gateway.control import Control
from engine.gateway.hub import Hub
from engine.gateway.pace import SpeedLimit
from engine.gateway.patience import Patience
from engine.gateway.pull import Puller
from engine.library.network_log import NetworkLog
paths = Paths.from_environment()
paths.ensure()
puller = Puller(paths, Hub(NetworkLog(paths.network_log), Patience()), Patience(), SpeedLimit())
began, cpu = time.perf_counter(), time.process_time()
puller.pull(PullRequest(request_id="p", repository="acme/big"), Control(), lambda event: None)
print(time.perf_counter() - began, time.process_time() - cpu)
"""
THEIRS = """
import os, sys, time
from huggingface_hub import hf_hub_download
began, cpu = time.perf_counter(), time.process_time()
hf_hub_download("acme/big", "big.gguf", cache_dir=os.environ["RETORT_HOME"])
print(time.perf_counter() - began, time.process_time() - cpu)
"""


def measure(program: str, endpoint: str) -> tuple[float, float]:
    """Run one downloader; its seconds and CPU seconds."""
    with tempfile.TemporaryDirectory() as home:
        quiet = {"HF_HUB_DISABLE_TELEMETRY": "1", "HF_HUB_DISABLE_XET": "1", "HF_HOME": home}
        environment = child_environment() | quiet | {"RETORT_HOME": home, "HF_ENDPOINT": endpoint}
        command = [sys.executable, "-c", program]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    seconds, cpu_seconds = map(float, done.stdout.split())
    return seconds, cpu_seconds


def main() -> int:
    """Measure both, in turn."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--mib", type=int, default=256)
    parser.add_argument("--limit", type=int, default=0, help="MB/s of the server; 0 is none")
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    results: dict[str, list[tuple[float, float]]] = {"retort": [], "huggingface_hub": []}
    with FakeHub() as hub:
        hub.add("acme/big", {"big.gguf": os.urandom(arguments.mib * 2**20)})
        hub.bytes_per_s = arguments.limit * 10**6
        for _ in range(arguments.rounds):
            results["retort"].append(measure(OURS, hub.endpoint))
            results["huggingface_hub"].append(measure(THEIRS, hub.endpoint))
    rows = {}
    for name, runs in results.items():
        seconds, cpu_seconds = min(runs)
        rows[name] = {"mb_per_s": arguments.mib * 2**20 / 1e6 / seconds, "cpu_s": cpu_seconds}
        print(f"{name:16} {rows[name]['mb_per_s']:8.1f} MB/s  {cpu_seconds:6.2f} CPU s")
    ratio = rows["retort"]["mb_per_s"] / rows["huggingface_hub"]["mb_per_s"]
    print(json.dumps({"mib": arguments.mib, "limit_mb_per_s": arguments.limit, "ratio": ratio, **rows}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
