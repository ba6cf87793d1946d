"""Where an axis has its marks: at round numbers, from nothing to a little above what is shown."""

import math

WANTED = 5


def nice_ticks(largest: float) -> list[float]:
    """From 0 up in steps of 1, 2 or 5 times a power of ten; the last one is no smaller than `largest`."""
    if not largest > 0:
        return [0.0, 1.0]
    power = 10.0 ** math.floor(math.log10(largest / WANTED))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power * WANTED >= largest)
    count = math.ceil(largest / step - 1e-9)
    return [number * step for number in range(count + 1)]
