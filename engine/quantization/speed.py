"""How fast a model reads and writes, measured on the text that it is scored on.

Tokens are the text's own, so that two types of one model compute the same; the logits of one token are asked
for at a time, as in an answer.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass

from engine.quantization.scoring import ScoringModel

MAX_DECODED = 64  # tokens


@dataclass(frozen=True, slots=True)
class Speed:
    """Tokens per second."""

    prompt_tps: float
    decode_tps: float  # one token after the other


def measure_speed(model: ScoringModel, chunk: Sequence[int]) -> Speed:
    """Read the first half of a chunk at once, then go on token by token. The model should be warm."""
    middle = len(chunk) // 2
    end = min(len(chunk), middle + MAX_DECODED)
    begun = time.perf_counter()
    model.continue_with(chunk[:middle], 0)
    read = time.perf_counter()
    for position in range(middle, end):
        model.continue_with(chunk[position : position + 1], position)
    decoded = time.perf_counter()
    return Speed(prompt_tps=middle / (read - begun), decode_tps=(end - middle) / (decoded - read))
