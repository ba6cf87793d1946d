"""By what measurements of settings are compared."""

import statistics
from collections.abc import Sequence

import msgspec

from engine.contract.tuned import Trial


def median_trial(trials: Sequence[Trial]) -> Trial:
    """Medians of the speeds; of the memory the worst."""
    return msgspec.structs.replace(
        trials[-1],
        prompt_tps=statistics.median(trial.prompt_tps for trial in trials),
        decode_tps=statistics.median(trial.decode_tps for trial in trials),
        resident_bytes=max(trial.resident_bytes for trial in trials),
        free_bytes=min(trial.free_bytes for trial in trials),
        most_context=min(trial.most_context for trial in trials),
    )


def front(trials: Sequence[Trial]) -> list[int]:
    """Indices of the Pareto front: no other is at least as good in everything and better in something."""
    goods = [
        (trial.decode_tps, trial.prompt_tps, trial.most_context, -trial.resident_bytes) for trial in trials
    ]
    return [
        index
        for index, good in enumerate(goods)
        if not any(other != good and all(o >= g for o, g in zip(other, good, strict=True)) for other in goods)
    ]
