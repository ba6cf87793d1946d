"""What `retort tune` chooses against the best of twenty settings drawn at random, in the same time.

For each model the search runs for SECONDS; then twenty different settings that load are drawn from the
search's own space and measured once each, with trials so short that they should take the same time: that is
what someone without a search would do. All twenty are measured however long it takes, and the time is
printed. The search's choice, the best of the drawn ones and the default then run in turns, and the medians
are compared: seconds for a typical exchange, 512 tokens read and 256 written.

    python -m benchmarks.tune [SECONDS] [ROUNDS] [MODEL.gguf…]

Without models: the built-in one, a dense one and a mixture, both with random weights.
"""

import json
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from engine.cli.tune import in_words
from engine.contract.errors import EngineError
from engine.contract.params import LoadParams
from engine.contract.paths import Paths, builtin_model
from engine.contract.settings import EngineSettings
from engine.hardware.memory import decode_threads, physical_cores, usable_processors
from engine.tuning.search import Search
from engine.tuning.space import Axis, Machine, axes
from engine.tuning.stand import TuningStand
from tests.support.random_gguf import RandomModel, write_random_model

DRAWN = 20
DENSE = RandomModel(
    architecture="llama", layers=4, hidden=512, feed_forward=1024, heads=8, kv_heads=4, head_size=64,
    vocabulary=8000,
)  # fmt: skip
MIXTURE = RandomModel(
    architecture="qwen3moe", layers=4, hidden=512, feed_forward=1024, heads=8, kv_heads=4, head_size=64,
    vocabulary=8000, experts=16, experts_used=4, expert_feed_forward=256,
)  # fmt: skip


def drawn(number: int, choices: tuple[Axis, ...]) -> Iterator[LoadParams]:
    """Different settings from the search's own space without end, each axis drawn by itself."""
    draw = random.Random(number)
    found: set[LoadParams] = set()
    while True:
        changes: dict[str, Any] = {}
        for axis in choices:
            changes |= draw.choice([{}, *axis.options])
        load = replace(LoadParams(), **changes)
        if load not in found:
            found.add(load)
            yield load


def best_of_drawn(stand: TuningStand, choices: tuple[Axis, ...]) -> tuple[LoadParams, int, float]:
    """The fastest of twenty in one trial each, how many were drawn for twenty to run, and the seconds."""
    began = time.monotonic()
    times: dict[LoadParams, float] = {}
    for number, load in enumerate(drawn(1, choices), 1):
        try:
            times[load] = stand.measure(load, number, load).exchange_s
        except EngineError as error:  # a quantized KV cache without flash attention, for example
            print(f"  {in_words(load)}: {error}", file=sys.stderr)
        if len(times) == DRAWN:
            break
    return min(times, key=lambda load: times[load]), number, time.monotonic() - began


def compared(path: Path, seconds: float, rounds: int) -> dict[str, object]:
    """One model's figures; the drawn settings include those that did not load."""
    machine = Machine(
        processors=usable_processors(), cores=physical_cores(), default_threads=decode_threads()
    )
    choices = axes(machine)
    with TuningStand(
        path, Paths.from_environment(), EngineSettings(), seconds=seconds, uses_gpu=False
    ) as stand:
        began = time.monotonic()
        tuned = Search(stand.measure, seconds).run(LoadParams(), choices).best
        search_s = time.monotonic() - began
        lucky, number, drawn_s = best_of_drawn(stand, choices)
        rivals = {"tuned": tuned, "drawn": lucky, "default": LoadParams()}
        times: dict[LoadParams, list[float]] = {load: [] for load in rivals.values()}
        for turn in range(rounds):
            order = list(times)
            for load in order if turn % 2 else reversed(order):
                times[load].append(stand.measure(load, 1000 + turn, load).exchange_s)
    medians = {name: statistics.median(times[load]) for name, load in rivals.items()}
    paired = [lucky_s / tuned_s for lucky_s, tuned_s in zip(times[lucky], times[tuned], strict=True)]
    return {
        "model": path.stem,
        "tuned": in_words(tuned),
        "best_of_drawn": in_words(lucky),
        "drawn": number,
        "search_took_s": round(search_s, 1),
        "drawn_took_s": round(drawn_s, 1),
        **{f"{name}_s": round(value, 4) for name, value in medians.items()},
        "drawn_over_tuned": round(statistics.median(paired), 3),
    }


def main(words: list[str]) -> None:
    """Print a line per model and one JSON line."""
    seconds = float(words[0]) if words else 90.0
    rounds = int(words[1]) if len(words) > 1 else 7
    with tempfile.TemporaryDirectory() as folder:
        models = [Path(word) for word in words[2:]] or [
            builtin_model(),
            write_random_model(Path(folder, "dense.gguf"), DENSE),
            write_random_model(Path(folder, "mixture.gguf"), MIXTURE),
        ]
        results = []
        for path in models:
            result = compared(path, seconds, rounds)
            results.append(result)
            print(
                f"{result['model']}: tuned {result['tuned_s']} s ({result['tuned']}, found in "
                f"{result['search_took_s']} s), best of {DRAWN} drawn {result['drawn_s']} s "
                f"({result['best_of_drawn']}, {result['drawn']} drawn in {result['drawn_took_s']} s), "
                f"default {result['default_s']} s; drawn/tuned {result['drawn_over_tuned']}",
                flush=True,
            )
    print(json.dumps({"seconds": seconds, "rounds": rounds, "results": results}))


if __name__ == "__main__":
    main(sys.argv[1:])
