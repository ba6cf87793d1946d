"""What the small children have in common: a line in, a line out, until stdin ends; little memory."""

import os
import signal
import sys
from collections.abc import Callable

from engine.worker.parent_death import end_with_parent

MEMORY_LIMIT_BYTES = 256 * 2**20


def answer_lines(answer: Callable[[bytes], bytes]) -> int:
    """Answer each line of stdin by a line on stdout; returns the process's exit status."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C is for whoever started this process
    end_with_parent(os.getppid())
    limit_memory()
    for line in sys.stdin.buffer:
        sys.stdout.buffer.write(answer(line.strip()) + b"\n")
        sys.stdout.buffer.flush()
    return 0


def limit_memory() -> None:
    """Let allocations beyond the limit fail. Windows has no such limit for a process by itself."""
    if sys.platform != "win32":
        import resource  # noqa: PLC0415  (POSIX only)

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_LIMIT_BYTES, MEMORY_LIMIT_BYTES))
