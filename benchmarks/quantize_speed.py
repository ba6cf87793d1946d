"""What a quantization job costs beside the C call that does its work.

The same model and type in turn: llama.cpp's quantize call by ctypes and nothing else, and our job's process
from its start to its end, with its plan, progress, check of the result and the bytes made safe on the disk.
CPU time of the whole process, its start included in both; wall time only says something on an idle machine.

    python -m benchmarks.quantize_speed [ROUNDS]
"""

import ctypes
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

from engine.contract.job_messages import JobDone, JobProgress, JobRequest
from engine.contract.jobs import QuantizeJob
from engine.contract.processes import child_command, child_environment
from engine.contract.wire import decode, encode
from tests.support.tiny_model import MEDIUM, write_tiny_model

FILE_TYPES = {"Q8_0": 7, "Q4_K_M": 15}
THREADS = 1


def direct(source: Path, target: Path, file_type: int) -> None:
    """The C call, in a process of its own (run as `--direct`)."""
    import llama_cpp.llama_cpp as library  # noqa: PLC0415

    quiet = library.llama_log_callback(lambda *_: None)
    library.llama_log_set(quiet, None)
    params = library.llama_model_quantize_default_params()
    params.ftype, params.nthread = file_type, THREADS
    failed = library.llama_model_quantize(os.fsencode(source), os.fsencode(target), ctypes.byref(params))
    assert not failed


def run_direct(source: Path, target: Path, base: str) -> tuple[float, float]:
    """CPU and wall seconds of the C call."""
    words = ["--direct", str(source), str(target), str(FILE_TYPES[base])]
    begun, before = time.perf_counter(), os.times()
    subprocess.run([sys.executable, "-m", "benchmarks.quantize_speed", *words], check=True)
    return _cpu_since(before), time.perf_counter() - begun


def run_job(source: Path, target: Path, base: str) -> tuple[float, float, float]:
    """CPU and wall seconds of a job, and the longest time without a word of progress."""
    job = QuantizeJob(
        source=str(source), target=str(target), recipe=json.dumps({"base": base}), threads=THREADS
    )
    begun, before, gaps = time.perf_counter(), os.times(), [0.0]
    process = subprocess.Popen(
        child_command("engine.worker.job", "--folder", str(target.parent)),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=child_environment(),
    )
    assert process.stdin and process.stdout
    with process:
        process.stdin.write(encode(JobRequest(request_id="a", job=job)))
        process.stdin.flush()
        last = None
        for line in process.stdout:
            message = decode(line)
            if isinstance(message, JobProgress | JobDone):
                now = time.perf_counter()
                gaps.append(now - last if last else 0.0)
                last = now
        process.stdin.close()
        process.wait()
    assert isinstance(message, JobDone), message
    return _cpu_since(before), time.perf_counter() - begun, max(gaps)


def _cpu_since(before: os.times_result) -> float:
    now = os.times()
    return now.children_user + now.children_system - before.children_user - before.children_system


def main() -> None:
    """Alternate the two and print their medians."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    results = {}
    with tempfile.TemporaryDirectory() as folder:
        source = write_tiny_model(Path(folder) / "source.gguf", shape=MEDIUM)
        for base in FILE_TYPES:
            calls, jobs = [], []
            for _ in range(rounds):
                calls.append(run_direct(source, Path(folder) / "call.gguf", base))
                jobs.append(run_job(source, Path(folder) / "job.gguf", base))
            call_s, job_s = (statistics.median(found[0] for found in each) for each in (calls, jobs))
            walls = [statistics.median(found[1] for found in each) for each in (calls, jobs)]
            gap_s = max(found[2] for found in jobs)
            results[base] = {
                "call_cpu_s": call_s,
                "job_cpu_s": job_s,
                "speed": call_s / job_s,
                "gap_s": gap_s,
            }
            print(
                f"{base:8} call {call_s:6.2f} s  job {job_s:6.2f} s of CPU, speed {call_s / job_s:.3f}; "
                f"wall {walls[0]:.2f} and {walls[1]:.2f} s; longest silence {gap_s:.2f} s"
            )
    print(json.dumps({"benchmark": "quantize_speed", "cores": psutil.cpu_count(), "types": results}))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--direct"]:
        direct(Path(sys.argv[2]), Path(sys.argv[3]), int(sys.argv[4]))
    else:
        main()
