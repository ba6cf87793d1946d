"""How a bundle starts and answers, beside the same source in the same minute.

In turns: the command line alone (`--version`), the window until an X server of ours maps it, and one answer
of the built-in model from the start of the process to its end. Wall clock, and CPU time: of the window's
process when it is mapped, of all processes for the others.

    python benchmarks/bundle_start.py build/dist/retort/retort [--runs N]

Needs Xvfb and xev. Source: the window is mapped when X says MapNotify of it (Xlib, 10.10.5).
"""

import argparse
import json
import os
import resource
import select
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO

ROOT = Path(__file__).resolve().parents[1]
sys.path.append(str(ROOT / "packaging"))

from checking.window import display  # noqa: E402

FROM_SOURCE = [sys.executable, "-m", "app"]
ANSWER = ["run", "builtin", "Hello", "--max-tokens", "8", "--seed", "1", "--json"]
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Cost:
    """What a start took, in milliseconds."""

    wall: float
    cpu: float


def to_the_end(command: list[str], home: str) -> Cost:
    """A program that ends by itself, with the children that it waited for."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.perf_counter()
    subprocess.run(command, cwd=ROOT, env=_environment(home), capture_output=True, check=True)
    wall_s = time.perf_counter() - started
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Cost(1000 * wall_s, 1000 * cpu_s)


def to_the_window(command: list[str], home: str) -> Cost:
    """The window's process until its window is mapped."""
    with display() as name:
        events = subprocess.Popen(
            ["xev", "-root", "-event", "substructure"],
            env=os.environ | {"DISPLAY": name},
            stdout=subprocess.PIPE,
        )
        assert events.stdout is not None
        time.sleep(0.3)  # xev has to listen before the window can appear
        environment = _environment(home) | {"DISPLAY": name, "QT_QPA_PLATFORM": "xcb"}
        started = time.perf_counter()
        window = subprocess.Popen(command, cwd=ROOT, env=environment)
        try:
            _wait_until_mapped(events.stdout, window)
            wall_s = time.perf_counter() - started
            fields = Path(f"/proc/{window.pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
            cpu_s = (int(fields[11]) + int(fields[12])) / _TICKS_PER_S
        finally:
            window.terminate()
            window.wait(timeout=30)
            events.terminate()
            events.wait()
            events.stdout.close()
    return Cost(1000 * wall_s, 1000 * cpu_s)


def _wait_until_mapped(events: IO[bytes], window: subprocess.Popen[bytes]) -> None:
    """Return when xev tells of a mapped window; raises SystemExit where the program ended without one."""
    said = b""
    while b"MapNotify" not in said:
        if select.select([events], [], [], 0.5)[0]:
            said += os.read(events.fileno(), 65536)
        elif window.poll() is not None:
            raise SystemExit(f"the window's program ended without a window: {window.returncode}")


def _environment(home: str) -> dict[str, str]:
    """This environment without words for Python: told to keep no bytecode it would compile at every start."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    return kept | {"RETORT_HOME": home, "PYTHONSAFEPATH": "1", "PYTHONPATH": str(ROOT)}


def measure(bundle: Path, runs: int, once: Callable[[list[str], str], Cost], *words: str) -> dict[str, float]:
    """Medians of both kinds, which take turns, and the medians of the ratios of neighbours."""
    found: dict[str, list[Cost]] = {"bundle": [], "source": []}
    with tempfile.TemporaryDirectory() as home:
        for run in range(runs + 1):
            pair = {
                "bundle": once([str(bundle), *words], home),
                "source": once([*FROM_SOURCE, *words], home),
            }
            if run:  # the first of each fills the file caches
                for name, cost in pair.items():
                    found[name].append(cost)
    report: dict[str, float] = {}
    for clock in ("wall", "cpu"):
        values = {name: [getattr(cost, clock) for cost in costs] for name, costs in found.items()}
        ratios = [one / other for one, other in zip(values["bundle"], values["source"], strict=True)]
        report[f"bundle_{clock}_ms"] = round(statistics.median(values["bundle"]), 1)
        report[f"source_{clock}_ms"] = round(statistics.median(values["source"]), 1)
        report[f"{clock}_ratio"] = round(statistics.median(ratios), 3)
    return report


def main() -> None:
    """Measure all three; a table for people, one JSON line last for programs."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("bundle", type=Path, help="the bundle's console executable")
    parser.add_argument("--runs", type=int, default=9)
    chosen = parser.parse_args()
    bundle = chosen.bundle.resolve()
    report: dict[str, object] = {"benchmark": "bundle_start", "runs": chosen.runs}
    print(f"{'':<10} {'clock':<6} {'bundle ms':>10} {'source ms':>10} {'ratio':>6}")
    for name, once, words in (
        ("version", to_the_end, ["--version"]),
        ("window", to_the_window, []),
        ("answer", to_the_end, ANSWER),
    ):
        found = measure(bundle, chosen.runs, once, *words)
        for clock in ("wall", "cpu"):
            bundled, plain = found[f"bundle_{clock}_ms"], found[f"source_{clock}_ms"]
            print(f"{name:<10} {clock:<6} {bundled:>10.0f} {plain:>10.0f} {found[f'{clock}_ratio']:>6.2f}")
        report[name] = found
    print(json.dumps(report))


if __name__ == "__main__":
    main()
