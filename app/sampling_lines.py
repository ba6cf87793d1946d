"""The sampling params that the window shows: what each is called, what it means, and its bounds."""

from dataclasses import dataclass

from app.translation import mark
from engine.contract.params import SamplingParams

_DEFAULTS = SamplingParams()


@dataclass(frozen=True, slots=True, kw_only=True)
class SamplingLine:
    """One line of the side panel."""

    name: str  # of the field of SamplingParams
    label: str
    meaning: str
    least: float
    most: float
    step: float
    decimals: int = 2  # 0 is a whole number

    @property
    def default(self) -> float:
        """What holds where nothing is set."""
        return float(getattr(_DEFAULTS, self.name))


SAMPLING_LINES = (
    SamplingLine(
        name="temperature", label=mark("Temperature"), least=0, most=2, step=0.05,
        meaning=mark("Higher is more varied, lower more predictable; 0 always takes the likeliest token."),
    ),
    SamplingLine(
        name="top_p", label="Top-p", least=0.05, most=1, step=0.01,
        meaning=mark("Keeps the likeliest tokens up to this sum of probabilities; 1 keeps all."),
    ),
    SamplingLine(
        name="top_k", label="Top-k", least=0, most=500, step=1, decimals=0,
        meaning=mark("Keeps this many of the likeliest tokens; 0 keeps all."),
    ),
    SamplingLine(
        name="min_p", label="Min-p", least=0, most=1, step=0.01,
        meaning=mark("Drops tokens less likely than this share of the likeliest one; 0 drops none."),
    ),
    SamplingLine(
        name="repeat_penalty", label=mark("Repeat penalty"), least=0.5, most=2, step=0.05,
        meaning=mark("Above 1 makes it less likely that the model says the same again; 1 changes nothing."),
    ),
)  # fmt: skip
