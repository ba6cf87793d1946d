"""A machine whose speed is set by a formula, wanders as real ones do, on a clock of its own."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field

from engine.contract.errors import ModelTooLarge
from engine.contract.params import LoadParams
from engine.contract.tuned import Trial

LOAD_S = 1.0
Speed = Callable[[LoadParams], float]  # how many times as fast as the default


def trial(decode_tps: float, prompt_tps: float = 1000.0, resident_bytes: int = 100) -> Trial:
    return Trial(
        prompt_tps=prompt_tps,
        decode_tps=decode_tps,
        resident_bytes=resident_bytes,
        free_bytes=1000,
        context_length=4096,
        most_context=8192,
    )


@dataclass
class SimulatedMachine:
    """`noise` is the spread of single trials; now and then everything is slower for a while."""

    speed: Speed
    noise: float = 0.05
    seed: int = 0
    now: float = 0.0
    tried: list[LoadParams] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)
        self._loaded: list[LoadParams] = []

    def clock(self) -> float:
        return self.now

    def measure(self, load: LoadParams, number: int, keep: LoadParams) -> Trial:
        if load.flash_attention == "off" and load.kv_type != "f16":
            raise ModelTooLarge(2, 1)
        self.tried.append(load)
        if load not in self._loaded:
            self.now += LOAD_S
            self._loaded = [*(one for one in self._loaded if one == keep), load]
        busy = 0.7 if int(self.now) % 15 < 3 else 1.0  # another program, for seconds at a time
        speed = self.speed(load) * busy * self._random.gauss(1.0, self.noise)
        self.now += 1.0 / speed
        return trial(50 * speed, 500 * speed)
