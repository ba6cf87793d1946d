"""The most memory that this process holds while something lasts."""

import time

from engine.hardware.memory import rss_bytes
from engine.hardware.peak_memory import INTERVAL_S, PeakMemory

MIB = 2**20


def test_what_was_taken_and_given_back_meanwhile_counts() -> None:
    before = rss_bytes()
    with PeakMemory() as memory:
        taken = bytearray(b"x" * (64 * MIB))
        time.sleep(4 * INTERVAL_S)
        del taken
    assert before + 48 * MIB < memory.peak_bytes < before + 256 * MIB
