"""What `run.py` costs once everything is prepared: its start against the application's own.

Both print the version and end, so the difference is the time that `run.py` spends before the application's
process begins. Runs alternate; medians and the ratio of pairs are what to quote.

    python benchmarks/second_start.py [RUNS]
"""

import json
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
DIRECT = [sys.executable, "-m", "app", "--version"]
THROUGH_RUN_PY = [getattr(sys, "_base_executable", sys.executable), str(ROOT / "run.py"), "--version"]


def elapsed_ms(command: list[str]) -> float:
    """Wall time of a whole process, in milliseconds."""
    started = time.perf_counter()
    subprocess.run(command, cwd=ROOT, stdout=subprocess.DEVNULL, check=True)
    return 1000 * (time.perf_counter() - started)


def main() -> None:
    """Run the two in turn and print what was measured."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 15
    elapsed_ms(THROUGH_RUN_PY), elapsed_ms(DIRECT)  # everything is in the disk cache from here on
    pairs = [(elapsed_ms(THROUGH_RUN_PY), elapsed_ms(DIRECT)) for _ in range(runs)]
    through, direct = (statistics.median(column) for column in zip(*pairs, strict=True))
    added = [first - second for first, second in pairs]
    print(f"through run.py  {through:7.1f} ms   (median of {runs})")
    print(f"directly        {direct:7.1f} ms")
    print(f"run.py adds     {statistics.median(added):7.1f} ms   (at most {max(added):.1f})")
    print(
        json.dumps(
            {
                "benchmark": "second_start",
                "runs": runs,
                "through_run_py_ms": round(through, 1),
                "direct_ms": round(direct, 1),
                "added_ms": round(statistics.median(added), 1),
                "added_max_ms": round(max(added), 1),
            }
        )
    )


if __name__ == "__main__":
    main()
