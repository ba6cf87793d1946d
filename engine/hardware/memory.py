"""How much memory there is and how much processes took, in bytes."""

import sys
from pathlib import Path

import psutil


def available_bytes() -> int:
    """Memory that can be taken without swapping."""
    return int(psutil.virtual_memory().available)


def rss_bytes() -> int:
    """Resident memory of this process now."""
    return int(psutil.Process().memory_info().rss)


def total_bytes() -> int:
    """All the memory of this computer."""
    return int(psutil.virtual_memory().total)


def resident_bytes(pid: int) -> int:
    """Memory that a process holds now, mapped files included; 0 where it has ended."""
    try:
        return int(psutil.Process(pid).memory_info().rss)
    except psutil.Error:
        return 0


def private_bytes(pid: int) -> int:
    """Memory that a process holds for itself, 0 where it has ended; on macOS mapped files are counted too."""
    try:
        memory = psutil.Process(pid).memory_info()
    except psutil.Error:
        return 0
    if sys.platform == "linux":
        return int(memory.rss - memory.shared)
    elif sys.platform == "win32":  # noqa: RET505  (mypy sees one platform's branch alone)
        return int(memory.private)
    else:
        return int(memory.rss)


def peak_rss_bytes() -> int:
    """The most resident memory this process has had so far."""
    if sys.platform == "win32":
        return int(psutil.Process().memory_info().peak_wset)
    elif sys.platform == "linux":  # noqa: RET505  (mypy sees one platform's branch alone)
        # getrusage would count what the parent had when it started this process
        status = Path("/proc/self/status").read_text(encoding="ascii", errors="replace")
        return 1024 * int(status.partition("VmHWM:")[2].split()[0])
    else:
        import resource  # noqa: PLC0415  (POSIX only)

        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return int(peak if sys.platform == "darwin" else peak * 1024)  # others count KiB


def physical_cores() -> int:
    """Cores that this process may use, counting two threads of one core once."""
    return max(1, min(psutil.cpu_count(logical=False) or 1, usable_processors()))


def decode_threads() -> int:
    """Threads for decoding: the physical cores, but one processor is left to everything else.

    llama.cpp's threads spin for each other at every step of a token: with a thread on each processor they
    stand still as soon as another program wants one (docs/benchmarks.md, thread_waiting).
    """
    return max(1, min(physical_cores(), usable_processors() - 1))


def usable_processors() -> int:
    """Processors that this process may use."""
    if sys.platform == "darwin":
        return psutil.cpu_count() or 1
    return len(psutil.Process().cpu_affinity()) or 1
