"""How fast memory can be read: decoding a token reads every active weight once, so this bounds its speed."""

import threading
import time

import numpy as np

BUFFER_BYTES = 64 * 2**20  # per thread; far more than its share of any cache
ROUNDS = 5


def read_bandwidth(num_threads: int) -> float:
    """Bytes per second that this many threads read together; the best of a few rounds."""
    buffers = [np.ones(BUFFER_BYTES // 4, np.float32) for _ in range(num_threads)]
    return max(_one_round(buffers) for _ in range(ROUNDS))


def _one_round(buffers: list[np.ndarray]) -> float:
    threads = [threading.Thread(target=buffer.max) for buffer in buffers]  # numpy lets go of the GIL
    started = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(buffer.nbytes for buffer in buffers) / (time.perf_counter() - started)
