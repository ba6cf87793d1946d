"""How fast memory can be read: decoding a token reads every active weight once, so this bounds its speed.

Measured in a second and kept in a small file of this machine, for a figure that hardly changes.
"""

import logging
import platform
import threading
import time
from pathlib import Path

import msgspec
import numpy as np

BUFFER_BYTES = 64 * 2**20  # per thread; far more than its share of any cache
ROUNDS = 5
KEPT_S = 30 * 24 * 3600.0  # then it is measured again

log = logging.getLogger("retort.hardware")


class _Kept(msgspec.Struct, frozen=True, kw_only=True):
    """The file's content."""

    machine: str
    num_threads: int
    bytes_per_s: float
    measured_at: float  # seconds since 1970


def read_bandwidth(num_threads: int) -> float:
    """Bytes per second that this many threads read together; the best of a few rounds."""
    buffers = [np.ones(BUFFER_BYTES // 4, np.float32) for _ in range(num_threads)]
    return max(_one_round(buffers) for _ in range(ROUNDS))


def kept_bandwidth(file: Path, num_threads: int) -> float:
    """The same from the machine's file; measured where it is missing, old or of another machine.

    A file that cannot be written is no failure: then it is measured again next time.
    """
    machine = f"{platform.node()} {platform.machine()}"
    try:
        kept = msgspec.json.decode(file.read_bytes(), type=_Kept)
    except (OSError, msgspec.DecodeError):
        kept = None
    is_fresh = kept is not None and abs(time.time() - kept.measured_at) < KEPT_S
    if kept is not None and is_fresh and (kept.machine, kept.num_threads) == (machine, num_threads):
        return kept.bytes_per_s
    measured = read_bandwidth(num_threads)
    new = _Kept(machine=machine, num_threads=num_threads, bytes_per_s=measured, measured_at=time.time())
    try:
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        file.write_bytes(msgspec.json.encode(new))
    except OSError as error:
        log.warning("the memory's speed cannot be kept in %s: %s", file, error)
    return measured


def _one_round(buffers: list[np.ndarray]) -> float:
    threads = [threading.Thread(target=buffer.max) for buffer in buffers]  # numpy lets go of the GIL
    started = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(buffer.nbytes for buffer in buffers) / (time.perf_counter() - started)
